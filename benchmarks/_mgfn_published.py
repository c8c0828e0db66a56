"""The published MGFN as a detector of ours: the same runner trains it on the same batches."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from downstream.anomaly.convert import convert_mgfn
from downstream.anomaly.models import AnomalyDetector

ROOT = Path(__file__).resolve().parents[1]


class _SharedDraws(nn.Module):
    """Stands for the published random selection: its draws are ours, in our order.

    Two calls a step, anomalous videos first; ours draws once, normal videos first.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate, self.left = rate, None

    def forward(self, ones: Tensor) -> Tensor:
        """Which snippets can be chosen; shape of ``ones``, (B, T)."""
        if not self.training:
            return ones
        if self.left is None:
            drawn = nn.functional.dropout(torch.cat([ones, ones]), self.rate)
            self.left, anomalous = drawn.split(len(ones))
            return anomalous
        normal, self.left = self.left, None
        return normal


@MODELS.register_module()
class PublishedMGFN(BaseModel):
    """The published network and losses, with the initial weights that ours would have.

    Args:
        repository: Folder of the published code.
        backbone: Config of our ``MGFN``.
        head: Config of our ``MGFNHead``, as published but for its dropout.
        half: Videos of each kind in a batch.
    """

    def __init__(self, repository: str, backbone: dict, head: dict, half: int) -> None:
        super().__init__()
        # built first, so that it draws the same numbers as it does alone
        ours = AnomalyDetector(head, backbone)
        channels = backbone.get('channels', (64, 128, 1024))
        sys.path[:0] = [str(ROOT)]
        from tests.parity.mgfn_official import published

        depths = dict(
            zip(('depths1', 'depths2', 'depths3'), backbone.get('depths', (3, 3, 2)), strict=True)
        )
        kinds = backbone.get('kinds', ('glance', 'focus', 'focus'))
        kinds = {f'mgfn_type{place}': f'{kind[0]}b' for place, kind in enumerate(kinds, 1)}
        network, self.losses = published(repository, dict(batch_size=half, **depths, **kinds))
        self.network = network(
            dims=tuple(channels),
            channels=backbone['in_channels'],
            dim_head=backbone.get('head_channels', 64),
        )
        self.network.drop_out = _SharedDraws(ours.head.dropout)
        self.half = half
        given = ours.state_dict()
        for name, value in convert_mgfn(self.network.state_dict()).state_dict.items():
            value.copy_(given.pop(name))  # a view of the published parameter
        if given:
            raise ValueError(f'not in the published network: {sorted(given)}')

    def forward(
        self,
        inputs: Sequence[Tensor],
        data_samples: Sequence[BaseDataElement] = (),
        mode: str = 'tensor',
    ) -> Any:
        """As :meth:`AnomalyDetector.forward`.

        Args:
            inputs: B videos, each of shape (crops, T, C).
            data_samples: Their samples; normal ones first for ``'loss'``.
            mode: ``'predict'`` or ``'loss'``.
        """
        if mode == 'loss':
            return self._loss(torch.stack(list(inputs)), [int(s.gt_label) for s in data_samples])
        for video, sample in zip(inputs, data_samples, strict=True):
            sample.scores = self.network(_with_magnitude(video[None]))[4].flatten()
        return list(data_samples)

    def _loss(self, inputs: Tensor, labels: list[int]) -> dict[str, Tensor]:
        if labels != [0] * self.half + [1] * self.half:
            raise ValueError('the published code needs as many normal videos first')
        anomalous, normal, of_anomalous, of_normal, scores = self.network(_with_magnitude(inputs))
        criterion = self.losses.mgfn_loss(0.0001)
        zeros, ones = torch.zeros(self.half), torch.ones(self.half)
        flat = scores[: self.half].view(-1)
        return dict(
            loss_criterion=criterion(normal, anomalous, zeros, ones, of_normal, of_anomalous),
            loss_smooth=self.losses.smooth(scores, 8e-4),
            loss_sparse=self.losses.sparsity(flat, self.half, 8e-3),
        )


def _with_magnitude(videos: Tensor) -> Tensor:
    return torch.cat([videos, videos.norm(dim=3, keepdim=True)], 3)
