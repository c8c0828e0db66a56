"""What every mini-batch blending does around its own formula."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from mmaction.models.utils import BaseMiniBatchBlending
from mmaction.utils import SampleList
from torch import Tensor
from torch.distributions.beta import Beta

from ...utils.numbers import number
from ..utils.labels import class_probabilities


@dataclass(frozen=True)
class Drawn:
    """What a blending drew for one mini-batch.

    Attributes:
        rows: Samples that change, in any order.
        fill: Called with a row and the place of its new clip, (N, C, T, H, W), which it overwrites
            whole.
        partners: For each of ``rows`` the sample whose label is mixed in; None where labels stay.
        weights: For each of ``rows`` the share of its own label, in [0, 1]; None where labels stay.
    """

    rows: Sequence[int]
    fill: Callable[[int, Tensor], None]
    partners: Sequence[int] | None = None
    weights: Sequence[float] | None = None


class ClipBlending(BaseMiniBatchBlending):
    """Blends some samples of a mini-batch and leaves the others, and the order, as they are.

    For each sample u ~ U(0, 1) is drawn; it is augmented where ``u < prob``. (The released code of
    StillMix, which holds the methods of the comparison, moves the augmented samples to the front of
    the batch instead. The distribution is the same, and here every sample keeps its place, as
    MMAction2 writes labels back by position.) Partners are drawn from the whole batch, untouched
    samples included.

    The caller's tensor is never written to. What is returned is a new tensor, or the caller's own
    when no sample changes. Random numbers come from PyTorch's CPU generator, so a seed gives the
    same draws on every device; on several GPUs give each rank its own seed
    (``randomness=dict(diff_rank_seed=True)``).

    Args:
        num_classes: Number of classes K.
        prob: Probability of a sample to be augmented.

    Raises:
        ValueError: For an illegal argument.
    """

    #: Whether labels are mixed too. Otherwise the samples keep the label objects that they have.
    mixes_labels: ClassVar[bool] = False

    def __init__(self, num_classes: int, prob: float = 1.0) -> None:
        #: name of the type, for messages
        self.name = type(self).__name__
        super().__init__(num_classes=self._number('num_classes', num_classes, 1, whole=True))
        self.prob = self._number('prob', prob, 0, 1)

    def __call__(
        self,
        imgs: Tensor,
        batch_data_samples: SampleList,
        **kwargs: Any,
    ) -> tuple[Tensor, SampleList]:
        """Blend a mini-batch.

        Args:
            imgs: Normalised clips, float (B, N, C, T, H, W), or (B, N, C, H, W) of 2D recognisers,
                whose N segments are the frames.
            batch_data_samples: B samples. ``gt_label`` is int64 (1,), or (K,) class probabilities.
            **kwargs: None are known.

        Returns:
            The blended clips and the same samples; where labels are mixed, every ``gt_label`` is
            now float32 (K,) that sums to 1.

        Raises:
            ValueError: For images of another layout, or labels that are no classes of
                ``num_classes``; see also the methods.
        """
        if len(imgs) != len(batch_data_samples):
            raise ValueError(
                f'{self.name}: {len(imgs)} clips, but {len(batch_data_samples)} data samples'
            )
        label = class_probabilities(batch_data_samples, self.num_classes, self.name)
        mixed, mixed_label = self.do_blending(
            imgs, label.to(imgs.device), data_samples=batch_data_samples, **kwargs
        )
        if self.mixes_labels:
            for row, sample in zip(mixed_label, batch_data_samples, strict=True):
                sample.set_gt_label(row)
        return mixed, batch_data_samples

    @torch.no_grad()
    def do_blending(
        self, imgs: Tensor, label: Tensor, data_samples: SampleList | None = None
    ) -> tuple[Tensor, Tensor]:
        """Blend clips and labels; what MMAction2's ``RandomBatchAugment`` calls.

        Args:
            imgs: See :meth:`__call__`.
            label: (B, K) rows of class probabilities; integers are taken too.
            data_samples: Needed by methods that read other fields.

        Returns:
            Clips, shaped like ``imgs``, and labels, float32 (B, K).
        """
        clips = self._as_clips(imgs)
        label = label.float()
        rows = (torch.rand(len(imgs), device='cpu') < self.prob).nonzero().flatten().tolist()
        drawn = self.draw(clips, rows, data_samples) if rows else None
        if drawn is None or not drawn.rows:
            return imgs, label
        mixed = torch.empty_like(imgs)
        out, changed = self._as_clips(mixed), set(drawn.rows)
        for row in range(len(imgs)):
            if row in changed:
                drawn.fill(row, out[row])
            else:
                mixed[row].copy_(imgs[row])
        if drawn.partners is None or drawn.weights is None:
            return mixed, label
        weights = torch.tensor(drawn.weights, dtype=label.dtype, device=label.device)
        mixed_label = label.clone()
        rows = list(drawn.rows)
        mixed_label[rows] = torch.lerp(label[list(drawn.partners)], label[rows], weights[:, None])
        return mixed, mixed_label

    @abstractmethod
    def draw(self, clips: Tensor, rows: list[int], data_samples: SampleList | None) -> Drawn | None:
        """Draw what the method needs for one mini-batch.

        Args:
            clips: Float (B, N, C, T, H, W), not to be written to; with N = 1 a view of the
                (B, T, C, H, W) of 2D recognisers.
            rows: Samples to augment, ascending, at least one.
            data_samples: The B samples; None when called through ``do_blending`` without them.

        Returns:
            What was drawn, or None when nothing changes.
        """

    def _as_clips(self, imgs: Tensor) -> Tensor:
        """View both layouts as (B, N, C, T, H, W)."""
        if imgs.ndim not in (5, 6) or not imgs.is_floating_point():
            raise ValueError(
                f'{self.name} needs float images of shape (B, N, C, T, H, W) or (B, N, C, H, W), '
                f'got {imgs.dtype} of shape {tuple(imgs.shape)}'
            )
        return imgs if imgs.ndim == 6 else imgs.transpose(1, 2).unsqueeze(1)

    def _number(self, key: str, value: Any, *bounds: float, **limits: Any) -> float:
        """An argument as a finite number within limits, see :func:`.number`."""
        return number(value, f'{self.name}.{key}', *bounds, **limits, error=ValueError)

    def _colour(self, key: str, values: Any) -> Tensor:
        """Mean or deviation of the three channels, float32 (3,)."""
        sound = isinstance(values, Sequence) and not isinstance(values, str) and len(values) == 3
        if not sound:
            raise ValueError(
                f'{self.name}.{key} must be 3 numbers, as of the data preprocessor, got {values!r}'
            )
        above = 0.0 if key == 'std' else None
        numbers = [self._number(f'{key}[{i}]', x, above=above) for i, x in enumerate(values)]
        return torch.tensor(numbers, dtype=torch.float32, device='cpu')

    def _check_channels(self, clips: Tensor) -> None:
        if clips.shape[2] != 3:
            raise ValueError(f'{self.name} needs RGB clips, got {clips.shape[2]} channels')


def draw_beta(alpha: float, beta: float) -> float:
    """Draw from Beta(alpha, beta) by the CPU generator.

    Args:
        alpha: First parameter, > 0.
        beta: Second parameter, > 0.
    """
    parameters = (torch.tensor(x, dtype=torch.float64, device='cpu') for x in (alpha, beta))
    return Beta(*parameters).sample().item()


def draw_partners(batch_size: int) -> list[int]:
    """Draw a random permutation of the batch; a sample may be its own partner.

    Args:
        batch_size: B.
    """
    return torch.randperm(batch_size, device='cpu').tolist()
