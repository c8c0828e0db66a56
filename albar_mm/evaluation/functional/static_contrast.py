"""Validation contrast: the clip right, its own static clip wrong."""

from .bias import contrasted_accuracy, top1_accuracy
from .pairing import Prediction, Predictions, join_by_id

#: the two views of one validation video; these never name a test set
VIEWS = ('clip', 'static')


def static_contrast_scores(predictions: Predictions) -> dict[str, float]:
    """Accuracy on clips, on their own static clips, and their contrast, in percent.

    The contrast is contrasted accuracy with a validation clip in the place of SCUBA and one of its
    own frames, repeated, in the place of SCUFO. It needs no OOD set, so it may select models.

    Args:
        predictions: (``'clip'`` or ``'static'``, background) -> id -> :class:`Prediction`; one set
            of each, with the same ids.

    Returns:
        ``top1``, ``static_top1`` and ``contrast``, each in [0, 100].

    Raises:
        ValueError: if a set is absent or unknown, or if ids or labels do not match.

    Example:
        >>> static_contrast_scores({
        ...     ('clip', ''): {'a.avi': (0, 0), 'b.avi': (1, 1)},
        ...     ('static', ''): {'a.avi': (0, 0), 'b.avi': (0, 1)}})
        {'top1': 100.0, 'static_top1': 50.0, 'contrast': 50.0}
    """
    sets = {
        domain: {key: Prediction(*record) for key, record in records.items()}
        for (domain, _), records in predictions.items()
    }
    if sorted(sets) != sorted(VIEWS) or len(predictions) != len(VIEWS):
        raise ValueError(
            f'validation contrast needs one set of each of {VIEWS}, got {sorted(predictions)}; '
            'wrap the validation dataset in StaticPairDataset'
        )
    pairs = join_by_id('clip', sets['clip'], 'static', sets['static'])
    labels = [clip.label for clip, _ in pairs]
    clip = [clip.pred for clip, _ in pairs]
    static = [static.pred for _, static in pairs]
    return dict(
        top1=top1_accuracy(sets['clip']),
        static_top1=top1_accuracy(sets['static']),
        contrast=contrasted_accuracy(clip, static, labels),
    )
