"""Validation contrast, the only bias score that may select a model."""

from __future__ import annotations

from mmaction.registry import METRICS

from ..functional import VIEWS, Prediction, static_contrast_scores
from .record_metric import RecordMetric


@METRICS.register_module()
class StaticContrastMetric(RecordMetric):
    """Accuracy on validation clips and on their own static clips, and the contrast, in percent.

    To be used with :class:`albar_mm.datasets.StaticPairDataset` over a held-out part of the
    training set. Keys: ``val/top1``, ``val/static_top1``, ``val/contrast`` (clip right and its own
    static clip wrong).

    Example config::

        val_evaluator = dict(type='StaticContrastMetric')
        default_hooks = dict(
            checkpoint=dict(type='CheckpointHook', save_best='val/contrast', rule='greater'))
    """

    default_prefix = 'val'
    domains = VIEWS
    dataset_type = 'StaticPairDataset'

    def score(self, predictions: dict[tuple[str, str], dict[str, Prediction]]) -> dict[str, float]:
        """Score clips and static clips, joined by id."""
        return static_contrast_scores(predictions)
