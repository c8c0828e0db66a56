"""What all pyramids share: blocks one after another, and a level of features from each scale."""

from __future__ import annotations

from collections.abc import Iterable

from mmengine.model import BaseModule
from torch import Tensor, nn

from .layers import ChannelLayerNorm


class FeaturePyramid(BaseModule):
    """Stem and branch: projected features to one level of each stride 1, 2, 4, ...

    Args:
        channels: D.
        stem: Blocks of stride 1; a block takes and gives features and their mask.
        branch: Blocks of stride 2.
        init_cfg: See ``BaseModule``.
    """

    def __init__(
        self,
        channels: int,
        stem: Iterable[nn.Module],
        branch: Iterable[nn.Module],
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.stem, self.branch = nn.ModuleList(stem), nn.ModuleList(branch)
        self.norms = nn.ModuleList(ChannelLayerNorm(channels) for _ in range(len(self.branch) + 1))

    @property
    def divisor(self) -> int:
        """What the length of a sequence must be divisible by."""
        return 2 ** len(self.branch)

    def forward(self, x: Tensor, mask: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Run the pyramid.

        Args:
            x: Shape (B, D, T).
            mask: Which snippets are part of the video, bool, shape (B, T).

        Returns:
            For each level features (B, D, T / stride) and masks (B, T / stride).

        Raises:
            ValueError: T is not divisible by :attr:`divisor`.
        """
        if x.shape[2] % self.divisor:
            raise ValueError(
                f'{x.shape[2]} snippets; expected a multiple of {self.divisor}: pad the sequence'
            )
        for block in self.stem:
            x, mask = block(x, mask)
        levels, masks = [x], [mask]
        for block in self.branch:
            x, mask = block(x, mask)
            levels.append(x)
            masks.append(mask)
        return [norm(level) for norm, level in zip(self.norms, levels, strict=True)], masks
