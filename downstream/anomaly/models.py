"""Detectors: a network over snippet features and a head that scores snippets.

Beside MGFN: RTFM (Tian et al., Robust Temporal Feature Magnitude Learning, ICCV 2021) and the MIL
ranking model (Sultani et al., Real-world Anomaly Detection, CVPR 2018).
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.model import BaseModel, BaseModule
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from . import losses
from .mgfn import MGFN, MGFNHead

__all__ = ['MGFN', 'AnomalyDetector', 'MGFNHead', 'MILRankingHead', 'RTFMHead', 'RTFMNetwork']


@MODELS.register_module()
class AnomalyDetector(BaseModel):
    """A network over snippet features and a head.

    The head's ``forward(feats)``: scores in [0, 1], the mean over crops, shape (B, T), of features
    of shape (B, crops, T, D). Its ``loss(feats, labels)``: losses of a batch by their names; labels
    of shape (B,) are 1 where something anomalous happens in the video, else 0.

    Args:
        head: Config of a head.
        backbone: Config of a network (B, T, C) -> (B, T, D); None: the features as they are.
        data_preprocessor: Config; by default what only brings features to the device.
        init_cfg: See ``BaseModule``.
    """

    def __init__(
        self,
        head: dict,
        backbone: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.backbone = nn.Identity() if backbone is None else MODELS.build(backbone)
        self.head = MODELS.build(head)

    def forward(
        self,
        inputs: Tensor | Sequence[Tensor],
        data_samples: Sequence[BaseDataElement] = (),
        mode: str = 'tensor',
    ) -> Any:
        """Run the detector.

        Args:
            inputs: B videos, each of shape (crops, T, C); of one T for ``'loss'``.
            data_samples: Their samples.
            mode: ``'tensor'``: list of scores, each of shape (T,). ``'predict'``: the samples, with
                ``scores``. ``'loss'``: dict of losses.

        Raises:
            ValueError: Another mode, or videos of several lengths for ``'loss'``.
        """
        if mode == 'loss':
            shapes = {tuple(video.shape) for video in inputs}
            if len(shapes) > 1:
                raise ValueError(
                    f'features of shapes {sorted(shapes)} in one training batch: set '
                    'num_segments of the training set'
                )
            labels = torch.stack([sample.gt_label for sample in data_samples])
            return self.head.loss(self.extract_feat(torch.stack(list(inputs))), labels)
        if mode not in ('tensor', 'predict'):
            raise ValueError(f"mode is {mode!r}; expected 'tensor', 'predict' or 'loss'")
        # one after another: they differ in length, and padding would change the scores
        scores = [self.head(self.extract_feat(video[None]))[0] for video in inputs]
        if mode == 'tensor':
            return scores
        for sample, values in zip(data_samples, scores, strict=True):
            sample.scores = values.float()
        return list(data_samples)

    def extract_feat(self, inputs: Tensor) -> Tensor:
        """Features that the head scores, (B, crops, T, C) -> (B, crops, T, D)."""
        batch, crops = inputs.shape[:2]
        return self.backbone(inputs.flatten(0, 1)).unflatten(0, (batch, crops))


class NonLocal(nn.Module):
    """Embedded-Gaussian non-local block over time with halved channels (no softmax: divided by T).

    Args:
        channels: D.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.theta, self.phi, self.value = (nn.Conv1d(channels, channels // 2, 1) for _ in range(3))
        self.out = nn.Sequential(nn.Conv1d(channels // 2, channels, 1), nn.BatchNorm1d(channels))
        nn.init.zeros_(self.out[1].weight)  # the block begins as the identity

    def forward(self, x: Tensor) -> Tensor:
        """Attend; ``x`` of shape (B, D, T)."""
        # (theta phi) value = theta (phi value): T x T never arises
        summed = self.phi(x) @ self.value(x).transpose(1, 2)
        mixed = summed.transpose(1, 2) @ self.theta(x) / x.shape[2]
        return x + self.out(mixed)


@MODELS.register_module()
class RTFMNetwork(BaseModule):
    """Multi-scale temporal network, (B, T, C) -> (B, T, C): dilated convolutions and attention.

    Args:
        in_channels: C.
        width: Channels of each of the four branches.
        dilations: Of the convolutions.
        dropout: After the network.
        init_cfg: See ``BaseModule``.
    """

    def __init__(
        self,
        in_channels: int = 2048,
        width: int | None = None,
        dilations: Sequence[int] = (1, 2, 4),
        dropout: float = 0.7,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        width = max(2, in_channels // 4) if width is None else width
        self.branches = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(in_channels, width, 3, padding=each, dilation=each),
                nn.ReLU(),
                nn.BatchNorm1d(width),
            )
            for each in dilations
        )
        self.reduce = nn.Sequential(nn.Conv1d(in_channels, width, 1, bias=False), nn.ReLU())
        self.attention = NonLocal(width)
        self.fuse = nn.Sequential(
            nn.Conv1d((len(dilations) + 1) * width, in_channels, 3, padding=1, bias=False),
            nn.ReLU(),
            nn.BatchNorm1d(in_channels),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Run the network; ``x`` of shape (B, T, C)."""
        x = x.transpose(1, 2)
        scales = [branch(x) for branch in self.branches]
        scales.append(self.attention(self.reduce(x)))
        return self.dropout(self.fuse(torch.cat(scales, 1)) + x).transpose(1, 2)


@MODELS.register_module()
class RTFMHead(BaseModule):
    """Scores, and the losses of RTFM.

    Sparsity is that of the anomalous videos, smoothness that of the anomalous ones end to end, as
    in the official code.

    Args:
        in_channels: D.
        hidden: Widths between.
        k: Snippets that stand for a video.
        dropout: After each layer, and the chance that a snippet cannot be chosen.
        margin: See :func:`~downstream.anomaly.losses.magnitude_margin`.
        alpha: Weight of the magnitude term.
        sparsity: Weight.
        smoothness: Weight.
        init_cfg: See ``BaseModule``; by default Xavier uniform, as published.
    """

    def __init__(
        self,
        in_channels: int = 2048,
        hidden: Sequence[int] = (512, 128),
        k: int = 3,
        dropout: float = 0.7,
        margin: float = 100.0,
        alpha: float = 1e-4,
        sparsity: float = 8e-3,
        smoothness: float = 8e-4,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg or dict(type='Xavier', layer='Linear', distribution='uniform'))
        self.k, self.dropout, self.margin = k, dropout, margin
        self.alpha, self.sparsity, self.smoothness = alpha, sparsity, smoothness
        widths = [in_channels, *hidden]
        self.layers = nn.ModuleList(map(nn.Linear, widths, [*hidden, 1]))

    def forward(self, feats: Tensor) -> Tensor:
        """See :class:`AnomalyDetector`; ``feats`` of shape (B, crops, T, D)."""
        x = feats
        for layer in self.layers[:-1]:
            x = F.dropout(layer(x).relu(), self.dropout, self.training)
        return self.layers[-1](x).squeeze(3).sigmoid().mean(1)

    def loss(self, feats: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Four weighted terms; ``feats`` (B, crops, T, D), ``labels`` (B,)."""
        feats, scores = feats.float(), self(feats).float()
        magnitudes = torch.linalg.vector_norm(feats, dim=3).mean(1)
        index = losses.top_snippets(magnitudes, self.k, self.dropout if self.training else 0.0)
        chosen = losses.gather_snippets(feats, index)
        normal, anomalous = (chosen[labels == label].flatten(0, 1) for label in (0, 1))
        pairs = min(len(normal), len(anomalous))
        apart = (
            losses.magnitude_margin(normal[:pairs], anomalous[:pairs], self.margin)
            if pairs
            else feats.sum() * 0
        )
        flagged = scores[labels == 1]
        return dict(
            loss_bce=losses.video_bce(scores.gather(1, index).mean(1), labels),
            loss_magnitude=self.alpha * apart,
            loss_sparsity=self.sparsity * losses.sparsity(flagged),
            loss_smoothness=self.smoothness * losses.smoothness(flagged.flatten()),
        )


@MODELS.register_module()
class MILRankingHead(BaseModule):
    """Three linear layers on the features themselves; ranking, smoothness and sparsity (eq. 7).

    Smoothness and sparsity (a sum of scores) are those of the anomalous videos, divided by their
    number, so that the batch size does not weigh in.

    Args:
        in_channels: C.
        hidden: Widths between.
        dropout: After each but the last layer.
        margin: See :func:`~downstream.anomaly.losses.ranking_hinge`.
        smoothness: Weight.
        sparsity: Weight.
        init_cfg: See ``BaseModule``; by default Xavier normal, as published.
    """

    def __init__(
        self,
        in_channels: int,
        hidden: Sequence[int] = (512, 32),
        dropout: float = 0.6,
        margin: float = 1.0,
        smoothness: float = 8e-5,
        sparsity: float = 8e-5,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg or dict(type='Xavier', layer='Linear', distribution='normal'))
        self.margin, self.smoothness, self.sparsity = margin, smoothness, sparsity
        widths = [in_channels, *hidden]
        layers: list[nn.Module] = []
        for index, (before, after) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
            # the second layer has no activation of its own in the paper
            activation = [nn.ReLU()] if index == 0 else []
            layers += [nn.Linear(before, after), *activation, nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], 1), nn.Sigmoid())

    def forward(self, feats: Tensor) -> Tensor:
        """See :class:`AnomalyDetector`; ``feats`` of shape (B, crops, T, C)."""
        return self.layers(feats).squeeze(3).mean(1)

    def loss(self, feats: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Three weighted terms; ``feats`` (B, crops, T, C), ``labels`` (B,)."""
        scores = self(feats).float()
        normal, anomalous = scores[labels == 0], scores[labels == 1]
        ranking = (
            losses.ranking_hinge(normal, anomalous, self.margin)
            if len(normal) and len(anomalous)
            else scores.sum() * 0
        )
        count = max(1, len(anomalous))
        return dict(
            loss_ranking=ranking,
            loss_smoothness=self.smoothness * losses.smoothness(anomalous) / count,
            loss_sparsity=self.sparsity * anomalous.sum() / count,
        )
