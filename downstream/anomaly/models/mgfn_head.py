"""The head of MGFN: snippet scores, and videos told apart by the magnitude of their features."""

from collections.abc import Mapping
from types import MappingProxyType

import torch
from mmaction.registry import MODELS
from torch import Tensor, nn

from albar_mm.utils.numbers import one_of

from .. import losses
from .detector import AnomalyHead

WEIGHTS = MappingProxyType(
    dict(bce=1.0, apart=1e-6, normal=1e-3, anomalous=1e-3, sparsity=8e-3, smoothness=8e-4)
)
"""Of the terms of the loss, as published."""


@MODELS.register_module()
class MGFNHead(AnomalyHead):
    """Scores, and the losses of MGFN: classification, magnitude contrast, sparsity, smoothness.

    In each video ``k`` snippets stand for it. Labels say which videos are normal; their order and
    number in a batch mean nothing, but the contrast pairs the i-th normal with the i-th anomalous
    one, and leaves out those without a partner.

    The defaults follow the official code, whose results are published, where it differs from the
    paper or from code built on it:

    - ``intra='halves'``: within a class, the first half of the list (crop after crop, in each all
      videos) is compared with the second: with several crops, a video with itself seen through
      another crop; with one crop, a video with another. ``'videos'``: each video with the next,
      crop by crop, as the paper means it.
    - ``sparsity='normal'``: normal videos. ``'anomalous'``: as RTFM and TeD-SPAD.
    - ``smoothness='each'``: within all videos. ``'flattened'``: the anomalous ones end to end, with
      the jumps between them, as RTFM and TeD-SPAD.

    Paper and code let the snippets of largest magnitude stand for a video, of those that a random
    selection leaves (``select='magnitude'``, ``dropout=0.7``). Behind a layer norm all magnitudes
    are nearly equal, at first but for rounding, so most of the chosen snippets of an anomalous
    video do not show the anomaly; the classification teaches them a high score all the same, and
    training unlearns the moment (docs/anomaly.md). ``select='score'`` with ``dropout=0``, the
    snippets that look most anomalous as in multiple-instance learning, does not.

    Args:
        in_channels: D.
        k: Snippets that stand for a video.
        dropout: Chance that a snippet cannot be chosen, in training.
        margin: Distance of magnitudes that is wanted between the classes.
        weights: Over :data:`WEIGHTS`.
        intra: See above.
        sparsity: See above.
        smoothness: See above.
        select: By what snippets are chosen: ``'magnitude'`` (L2 norm) or ``'score'``.
        init_cfg: See ``BaseModule``.

    Raises:
        ValueError: An unknown weight or switch.
    """

    def __init__(
        self,
        in_channels: int = 1024,
        k: int = 3,
        dropout: float = 0.7,
        margin: float = 200.0,
        weights: Mapping[str, float] = MappingProxyType({}),
        intra: str = 'halves',
        sparsity: str = 'normal',
        smoothness: str = 'each',
        select: str = 'magnitude',
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        for weight in weights:
            one_of(weight, WEIGHTS, 'weight')
        self.intra = one_of(intra, ('halves', 'videos'), 'intra')
        self.sparsity = one_of(sparsity, ('normal', 'anomalous'), 'sparsity')
        self.smoothness = one_of(smoothness, ('each', 'flattened'), 'smoothness')
        self.select = one_of(select, ('magnitude', 'score'), 'select')
        self.k, self.dropout, self.margin = k, dropout, margin
        self.weights = {**WEIGHTS, **weights}
        self.norm = nn.LayerNorm(in_channels)
        self.fc = nn.Linear(in_channels, 1)

    def forward(self, feats: Tensor) -> Tensor:
        """See :class:`AnomalyHead`; ``feats`` of shape (B, crops, T, D)."""
        return self._scores(self.norm(feats))

    def loss(self, feats: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """The six weighted terms; ``feats`` (B, crops, T, D), ``labels`` (B,)."""
        feats = self.norm(feats).float()
        scores = self._scores(feats).float()
        ranks = scores if self.select == 'score' else torch.linalg.vector_norm(feats, dim=3).mean(1)
        index = losses.top_snippets(ranks, self.k, self.dropout if self.training else 0.0)
        chosen = losses.gather_snippets(feats, index)
        normal, anomalous = labels == 0, labels == 1
        terms = dict(
            bce=losses.video_bce(scores.gather(1, index).mean(1), labels),
            **self._contrast(chosen[normal], chosen[anomalous]),
            sparsity=losses.sparsity(scores[normal if self.sparsity == 'normal' else anomalous]),
            smoothness=losses.smoothness(
                scores if self.smoothness == 'each' else scores[anomalous].flatten()
            ),
        )
        return {f'loss_{name}': self.weights[name] * value for name, value in terms.items()}

    def _scores(self, feats: Tensor) -> Tensor:
        return self.fc(feats).squeeze(3).sigmoid().mean(1)

    def _contrast(self, normal: Tensor, anomalous: Tensor) -> dict[str, Tensor]:
        """Terms of chosen features, each of shape (videos, crops, k, D)."""
        nothing = (normal.sum() + anomalous.sum()) * 0
        pairs = min(len(normal), len(anomalous))
        terms = dict(
            apart=losses.contrast_apart(normal[:pairs], anomalous[:pairs], self.margin)
            if pairs
            else nothing
        )
        for name, feats in (('normal', normal), ('anomalous', anomalous)):
            one, other = self._pairs_within(feats)
            terms[name] = losses.contrast_together(other, one) if len(one) else nothing
        return terms

    def _pairs_within(self, feats: Tensor) -> tuple[Tensor, Tensor]:
        if self.intra == 'videos':
            return feats[:-1], feats[1:]
        by_crop = feats.transpose(0, 1).flatten(0, 1)
        half = len(by_crop) // 2
        return by_crop[:half], by_crop[len(by_crop) - half :]
