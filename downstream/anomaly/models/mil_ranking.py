"""The MIL ranking model (Sultani et al., Real-world Anomaly Detection, CVPR 2018)."""

from __future__ import annotations

from collections.abc import Sequence

from mmaction.registry import MODELS
from torch import Tensor, nn

from .. import losses
from .detector import AnomalyHead


@MODELS.register_module()
class MILRankingHead(AnomalyHead):
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
        """See :class:`AnomalyHead`.

        Args:
            feats: Shape (B, crops, T, C).
        """
        return self.layers(feats).squeeze(3).mean(1)

    def loss(self, feats: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Ranking, smoothness and sparsity, weighted.

        Args:
            feats: Shape (B, crops, T, C).
            labels: Shape (B,).
        """
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
