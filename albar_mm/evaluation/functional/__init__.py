"""Pure functions behind the metrics: plain values in, percentages out."""

from ...utils.text import name_some
from .bias import (
    DOMAINS,
    OWN_BACKGROUND,
    bias_scores,
    contrasted_accuracy,
    is_iid_name,
    per_class_scores,
    predicted_class,
    top1_accuracy,
)
from .pairing import Prediction, PredictionRecord, check_partners, collate_records, join_by_id
from .static_contrast import VIEWS, static_contrast_scores

__all__ = [
    'DOMAINS',
    'OWN_BACKGROUND',
    'VIEWS',
    'Prediction',
    'PredictionRecord',
    'bias_scores',
    'check_partners',
    'collate_records',
    'contrasted_accuracy',
    'is_iid_name',
    'join_by_id',
    'name_some',
    'per_class_scores',
    'predicted_class',
    'static_contrast_scores',
    'top1_accuracy',
]
