"""VideoMix: a cuboid of another clip is pasted into a clip."""

import torch
from mmaction.models.utils import CutmixBlending
from mmaction.registry import MODELS
from mmaction.utils import SampleList
from torch import Tensor

from ...utils.numbers import one_of
from .base import ClipBlending, Drawn, draw_beta, draw_partners

MODES = ('spatial', 'temporal', 'spatiotemporal')


@MODELS.register_module()
class VideoMixBlending(ClipBlending):
    """Paste a cuboid of another clip into a clip and mix the labels by its volume.

    VideoMix, Yun et al., arXiv 2012.03457; the other clip is that of a random permutation of the
    batch. lam ~ Beta(alpha, alpha), the cuboid and the permutation are drawn once per mini-batch,
    as in StillMix's code. The share of the own label is not lam but what is left of the clip:
    1 - (volume of the cuboid) / (T * H * W).

    Args:
        num_classes: Number of classes K.
        alpha: Parameter of the Beta distribution, > 0.
        mode: ``'spatial'``: the same box in all frames, sides sqrt(1 - lam) of the image, placed
            and rounded as by MMAction2's ``CutmixBlending`` (StillMix's code has this mode alone).
            ``'temporal'``: whole frames, int((1 - lam) * T) of them in a row. ``'spatiotemporal'``:
            a share (1 - lam)^(1/3) of each axis. A cuboid may be cut off by the border of the clip.
            The last two follow the idea of the paper, not a released code.
        prob: Probability of a sample to be augmented.

    Raises:
        ValueError: For an illegal argument.
    """

    mixes_labels = True

    def __init__(
        self, num_classes: int, alpha: float = 1.0, mode: str = 'spatial', prob: float = 1.0
    ) -> None:
        super().__init__(num_classes, prob)
        self.alpha = self._number('alpha', alpha, above=0.0)
        self.mode = one_of(mode, MODES, f'{self.name}.mode')

    def draw(self, clips: Tensor, rows: list[int], data_samples: SampleList | None) -> Drawn:
        """See the parent class."""
        partners, lam = draw_partners(len(clips)), draw_beta(self.alpha, self.alpha)
        times, lines, columns = self.draw_cuboid(clips.shape, lam)
        volume = 1.0
        for part, size in zip((times, lines, columns), clips.shape[-3:], strict=True):
            volume *= (part.stop - part.start) / size
        rows = [row for row in rows if partners[row] != row] if volume else []
        cuboid = (..., times, lines, columns)

        def fill(row: int, out: Tensor) -> None:
            other = clips[partners[row]]
            if volume < 1:
                out.copy_(clips[row])
            out[cuboid].copy_(other[cuboid])

        return Drawn(rows, fill, [partners[row] for row in rows], [1 - volume] * len(rows))

    def draw_cuboid(self, shape: torch.Size, lam: float) -> tuple[slice, slice, slice]:
        """Draw where to paste.

        Args:
            shape: Of the clips, (..., T, H, W).
            lam: Share of the clip to leave, in [0, 1].

        Returns:
            Slices of time, lines and columns, maybe empty.
        """
        frames, height, width = shape[-3:]
        times, lines, columns = slice(0, frames), slice(0, height), slice(0, width)
        if self.mode == 'temporal':
            times = _draw_interval(frames, 1 - lam)
        else:
            if self.mode == 'spatiotemporal':
                side = (1 - lam) ** (1 / 3)
                times = _draw_interval(frames, side)
                lam = 1 - side**2
            box = CutmixBlending.rand_bbox(shape, torch.tensor(lam, device='cpu'))
            left, top, right, bottom = map(int, box)
            lines, columns = slice(top, bottom), slice(left, right)
        return times, lines, columns


def _draw_interval(size: int, share: float) -> slice:
    """int(size * share) steps about a random one, cut off at the ends."""
    length = int(size * share)
    start = int(torch.randint(size, (1,), device='cpu')) - length // 2
    return slice(max(start, 0), max(min(start + length, size), 0))
