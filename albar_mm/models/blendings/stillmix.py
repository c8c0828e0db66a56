"""StillMix: still frames are mixed into clips."""

import os
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor

from ...annotations.frame_bank import load_frame_bank
from .base import ClipBlending, Drawn, draw_beta

_KEPT_SIZES = 4
_CHUNK = 64


@MODELS.register_module()
class StillMixBlending(ClipBlending):
    """Mix a still frame into all frames of a clip; the label stays.

    StillMix, Li et al., ICCV 2023: x'_t = lam * x_t + (1 - lam) * r with lam ~ Beta(alpha, beta),
    *the weight of the video*, drawn once per mini-batch as in the released code, and a still frame
    r for each sample and each of its N views. Differences of frames shrink by the factor lam.

    Args:
        num_classes: Number of classes K.
        bank: Frame bank that ``tools/build_frame_bank.py`` wrote: frames are drawn from it
            uniformly. It is resized to the size of the clips once (aspect ignored), kept as uint8
            on their device and normalised as it is drawn. None: no reference network; the frame is
            a random one of *another* sample of the mini-batch (ALBAR's "+StillMix"), and a batch of
            one sample stays as it is.
        mean: Of the data preprocessor, 3 numbers in the units of the 0-255 image, for RGB; needed
            with a bank.
        std: Likewise.
        alpha: First parameter of the Beta distribution, > 0. With 200 and 200 lam is about
            0.5 +- 0.025.
        beta: Second parameter, > 0.
        prob: Probability of a sample to be augmented.

    Raises:
        ValueError: For an illegal argument, a bank that cannot be read, or one of another number of
            classes.
    """

    def __init__(
        self,
        num_classes: int,
        bank: str | os.PathLike | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        alpha: float = 200.0,
        beta: float = 200.0,
        prob: float = 1.0,
    ) -> None:
        super().__init__(num_classes, prob)
        self.alpha = self._number('alpha', alpha, above=0.0)
        self.beta = self._number('beta', beta, above=0.0)
        self._bank: Tensor | None = None
        self._sized: dict[tuple[int, int, torch.device], Tensor] = {}
        if bank is None:
            return
        if mean is None or std is None:
            raise ValueError(
                f'{self.name} needs mean and std of the data preprocessor to '
                'normalise the frames of a bank'
            )
        self.mean, self.std = self._colour('mean', mean), self._colour('std', std)
        loaded = load_frame_bank(bank)
        if loaded.num_classes != num_classes:
            raise ValueError(
                f'frame bank {os.fspath(bank)} was scored by a network of {loaded.num_classes} '
                f'classes, but {self.name}.num_classes is {num_classes}: build the bank with a '
                'reference network of the same data set'
            )
        self._bank = torch.from_numpy(loaded.frames).permute(0, 3, 1, 2)

    def draw(self, clips: Tensor, rows: list[int], data_samples: SampleList | None) -> Drawn | None:
        """See the parent class."""
        if self._bank is None and len(clips) == 1:
            return None
        lam = draw_beta(self.alpha, self.beta)
        still = self._frames_of_others(clips) if self._bank is None else self._frames_of_bank(clips)

        def fill(row: int, out: Tensor) -> None:
            for view in range(clips.shape[1]):
                torch.lerp(still(row, view)[:, None], clips[row, view], lam, out=out[view])

        return Drawn(rows, fill)

    def _frames_of_others(self, clips: Tensor) -> Callable[[int, int], Tensor]:
        batch, views, _, frames = clips.shape[:4]
        size = (batch, views)
        other = torch.arange(batch, device='cpu')[:, None]
        other = (other + torch.randint(1, batch, size, device='cpu')) % batch
        view_of = torch.randint(views, size, device='cpu')
        frame = torch.randint(frames, size, device='cpu')
        picked = torch.stack([other, view_of, frame], dim=-1).tolist()

        def still(row: int, view: int) -> Tensor:
            b, n, t = picked[row][view]
            return clips[b, n, :, t]

        return still

    def _frames_of_bank(self, clips: Tensor) -> Callable[[int, int], Tensor]:
        self._check_channels(clips)
        bank = self._sized_bank(clips.shape[-2], clips.shape[-1], clips.device)
        picked = torch.randint(len(bank), tuple(clips.shape[:2]), device='cpu').tolist()
        mean, std = (x.to(clips.device).view(3, 1, 1) for x in (self.mean, self.std))

        def still(row: int, view: int) -> Tensor:
            return ((bank[picked[row][view]] - mean) / std).to(clips.dtype)

        return still

    def _sized_bank(self, height: int, width: int, device: torch.device) -> Tensor:
        """The bank as uint8 (M, 3, height, width) on the device of the clips."""
        key = (height, width, device)
        if key not in self._sized:
            while len(self._sized) >= _KEPT_SIZES:
                del self._sized[next(iter(self._sized))]
            self._sized[key] = _resized(self._bank, height, width).to(device)
        return self._sized[key]


def _resized(frames: Tensor, height: int, width: int) -> Tensor:
    """Resize uint8 (M, 3, H, W) with anti-aliasing; whole numbers as from an image library."""
    if tuple(frames.shape[-2:]) == (height, width):
        return frames.contiguous()
    parts = [
        F.interpolate(part.float(), (height, width), mode='bilinear', antialias=True)
        for part in frames.split(_CHUNK)
    ]
    return torch.cat([part.round_().clamp_(0, 255).byte() for part in parts])
