"""Static-bias scores: SCUBA, SCUFO, Confl-FG and contrasted accuracy.

SCUBA, SCUFO and Confl-FG are defined by StillMix (Li et al., ICCV 2023), contrasted accuracy by the
same paper and used by ALBAR (Fioresi et al., ICLR 2025). Where the class scores tie, the prediction
is the first maximum (``numpy.argmax``); ALBAR's code takes the last one.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from ...utils.text import name_some
from .pairing import Prediction, Predictions, join_by_id

#: the test sets of one benchmark, in the order in which they are reported
DOMAINS = ('iid', 'scuba', 'scufo', 'conflfg')
#: the ``background`` of the IID test videos: their own
OWN_BACKGROUND = 'original'
_OTHER_SCORES = ('contrasted', 'avg', 'val', 'test', 'train')

ArrayLike = np.ndarray | Sequence


def is_iid_name(name: str) -> bool:
    """Whether a further IID set may have a name, which becomes the score ``<name>/top1``.

    Args:
        name: e.g. ``'aras'``.
    """
    taken = (OWN_BACKGROUND, *DOMAINS, *_OTHER_SCORES)
    return name.replace('-', '').isalnum() and name == name.lower() and name not in taken


def predicted_class(scores: ArrayLike) -> np.ndarray:
    """Class indices of predictions given as indices (N,) or as scores (N, K).

    Ties go to the first maximum.

    Args:
        scores: integer class indices of shape (N,), or finite class scores of shape (N, K).

    Returns:
        Integer array of shape (N,).

    Raises:
        ValueError: for another shape, for non-integer indices, or for NaN or infinite scores.
    """
    array = np.asarray(scores)
    if array.ndim == 1 and (array.size == 0 or np.issubdtype(array.dtype, np.integer)):
        return array.astype(np.int64)
    if array.ndim != 2:
        raise ValueError(
            'predictions must be integer class indices of shape (N,) or scores of shape (N, K), '
            f'got {array.dtype} of shape {array.shape}'
        )
    if not np.isfinite(array).all():
        rows = np.flatnonzero(~np.isfinite(array).all(axis=1))
        raise ValueError(f'scores of {len(rows)} sample(s) are not finite, first: row {rows[0]}')
    return array.argmax(axis=1)


def contrasted_accuracy(scuba_pred: ArrayLike, scufo_pred: ArrayLike, labels: ArrayLike) -> float:
    """Share of videos that are right on SCUBA and wrong on the paired SCUFO, in percent.

    ``100 * mean[scuba_pred = y and scufo_pred != y]``, which lies between
    ``max(0, SCUBA - SCUFO)`` and ``min(SCUBA, 100 - SCUFO)``. The three arrays are aligned: entry i
    is the same video in each.

    Args:
        scuba_pred: class indices (N,) or scores (N, K) on the moving videos.
        scufo_pred: the same for the paired still videos.
        labels: true class indices (N,).

    Returns:
        Percentage in [0, 100].

    Raises:
        ValueError: if the lengths differ or are zero.

    Example:
        >>> contrasted_accuracy([0, 1, 2, 3, 0], [0, 2, 2, 1, 1], [0, 1, 2, 0, 0])
        40.0
    """
    moving, still = predicted_class(scuba_pred), predicted_class(scufo_pred)
    labels = np.asarray(labels)
    if not len(moving) == len(still) == len(labels) or labels.ndim != 1:
        raise ValueError(
            'scuba_pred, scufo_pred and labels must describe the same videos, got '
            f'{len(moving)}, {len(still)} and {labels.shape}'
        )
    return _percent((moving == labels) & (still != labels))


def bias_scores(predictions: Predictions) -> dict[str, float]:
    """All scores of one model on one benchmark, in percent.

    Averages are unweighted means over backgrounds, whatever the size of each set. SCUBA and SCUFO
    are joined by id. Contrasted accuracy exists for each background that has both, its average only
    if SCUBA and SCUFO cover the same backgrounds.

    Args:
        predictions: (domain, background) -> id -> :class:`Prediction` (or a plain tuple of the same
            order). Domains are ``'iid'``, ``'scuba'``, ``'scufo'`` and ``'conflfg'``; any may be
            absent. Beside the IID videos, whose background is ``'original'``, there may be further
            IID sets with their names as background, e.g. ``'aras'``.

    Returns:
        Flat dict of percentages: ``iid/top1``, ``<name>/top1`` of every further IID set,
        ``scuba/<background>``, ``scuba/avg``,
        ``scufo/<background>``, ``scufo/avg``, ``contrasted/<background>``, ``contrasted/avg``,
        ``conflfg/top1`` (the moving action) and, where the class of the pasted foreground is known,
        ``conflfg/conflict_top1`` (accuracy with respect to that class). With several Confl-FG
        backgrounds these are averages and ``conflfg/<background>`` is added.

    Raises:
        ValueError: for an unknown domain, an empty set, ids or labels that do not match between
            SCUBA and SCUFO, or conflict labels that are partly missing or equal to the label. The
            message names domain, background and ids.

    Example:
        >>> labels = dict(a__0=0, b__0=1, c__0=2, d__0=0, e__0=0)
        >>> def answers(*preds):
        ...     return {key: (pred, labels[key]) for key, pred in zip(labels, preds)}
        >>> scores = bias_scores({
        ...     ('scuba', 'stripe'): answers(0, 1, 2, 3, 0),
        ...     ('scufo', 'stripe'): answers(0, 2, 2, 1, 1)})
        >>> scores['scuba/avg'], scores['scufo/avg'], scores['contrasted/avg']
        (80.0, 40.0, 40.0)
    """
    sets = _sets_by_domain(predictions)
    return _scores(sets, _iid_names(sets['iid']))


def _scores(
    sets: Mapping[str, Mapping[str, Mapping[str, Prediction]]], names: Mapping[str, str]
) -> dict[str, float]:
    scores: dict[str, float] = {}
    for background in sorted(sets['iid'], key=list(names).index):
        scores[f'{names[background]}/top1'] = top1_accuracy(sets['iid'][background])
    for domain in ('scuba', 'scufo'):
        _add_with_average(scores, domain, {b: top1_accuracy(r) for b, r in sets[domain].items()})
    contrasted = {}
    for background in sets['scuba'].keys() & sets['scufo'].keys():
        pairs = join_by_id(
            f'scuba/{background}',
            sets['scuba'][background],
            f'scufo/{background}',
            sets['scufo'][background],
        )
        contrasted[background] = contrasted_accuracy(
            [scuba.pred for scuba, _ in pairs],
            [scufo.pred for _, scufo in pairs],
            [scuba.label for scuba, _ in pairs],
        )
    same_backgrounds = sets['scuba'].keys() == sets['scufo'].keys()
    _add_with_average(scores, 'contrasted', contrasted, average=same_backgrounds)
    scores.update(_conflict_scores(sets['conflfg']))
    return scores


def top1_accuracy(records: Mapping[str, Prediction]) -> float:
    """Share of videos whose prediction is the label, in percent. At least one is needed."""
    return _percent([record.pred == record.label for record in records.values()])


def per_class_scores(predictions: Predictions) -> dict[int, dict[str, float]]:
    """The scores of :func:`bias_scores` for each true class on its own.

    Args:
        predictions: as for :func:`bias_scores`.

    Returns:
        label -> scores. A set without videos of a class has no score for it.
    """
    labels = sorted(
        {Prediction(*r).label for records in predictions.values() for r in records.values()}
    )
    # of the whole: a class may have no IID test video
    names = _iid_names({background for domain, background in predictions if domain == 'iid'})
    result = {}
    for label in labels:
        chosen = {
            key: {i: r for i, r in records.items() if Prediction(*r).label == label}
            for key, records in predictions.items()
        }
        result[label] = _scores(_sets_by_domain({k: r for k, r in chosen.items() if r}), names)
    return result


def _sets_by_domain(predictions: Predictions) -> dict[str, dict[str, dict[str, Prediction]]]:
    """Nest the sets as domain -> background -> id -> prediction, and check them."""
    sets: dict[str, dict[str, dict[str, Prediction]]] = {domain: {} for domain in DOMAINS}
    for (domain, background), records in predictions.items():
        if domain not in sets:
            raise ValueError(f'unknown domain {domain!r}, expected one of {DOMAINS}')
        if not records:
            raise ValueError(f'{domain}/{background} is empty')
        sets[domain][background] = {key: Prediction(*record) for key, record in records.items()}
    return sets


def _iid_names(backgrounds: Collection[str]) -> dict[str, str]:
    """Name of the score of every IID set by its background, the IID test videos first.

    A lone set is that of the IID test videos, whatever its background is called.
    """
    own = OWN_BACKGROUND if len(backgrounds) > 1 else next(iter(backgrounds), '')
    further = sorted(set(backgrounds) - {own})
    if backgrounds and (own not in backgrounds or not all(map(is_iid_name, further))):
        raise ValueError(
            f'one IID set expected, of background {OWN_BACKGROUND!r}, and further ones with names '
            f'that are no score, got backgrounds {sorted(backgrounds)}'
        )
    return {own: 'iid', **{name: name for name in further}}


def _conflict_scores(sets: Mapping[str, Mapping[str, Prediction]]) -> dict[str, float]:
    moving, still = {}, {}
    for background, records in sets.items():
        moving[background] = top1_accuracy(records)
        unknown = [key for key, r in records.items() if r.conflict_label is None]
        if len(unknown) == len(records):
            continue
        if unknown:
            raise ValueError(
                f'conflfg/{background}: {len(unknown)} of {len(records)} ids lack a '
                f'conflict_label: {name_some(unknown)}'
            )
        equal = [key for key, r in records.items() if r.conflict_label == r.label]
        if equal:
            raise ValueError(
                f'conflfg/{background}: {len(equal)} ids have conflict_label equal to label, so '
                f'there is no conflict: {name_some(equal)}'
            )
        still[background] = _percent([r.pred == r.conflict_label for r in records.values()])
    scores: dict[str, float] = {}
    if len(moving) > 1:
        _add_with_average(scores, 'conflfg', moving, average=False)
    if moving:
        scores['conflfg/top1'] = _mean(moving)
    if still and still.keys() == moving.keys():
        scores['conflfg/conflict_top1'] = _mean(still)
    return scores


def _add_with_average(
    scores: dict[str, float], name: str, values: Mapping[str, float], average: bool = True
) -> None:
    for background in sorted(values):
        scores[f'{name}/{background}'] = values[background]
    if values and average:
        scores[f'{name}/avg'] = _mean(values)


def _percent(hits: ArrayLike) -> float:
    hits = np.asarray(hits, dtype=bool)
    if hits.size == 0:
        raise ValueError('no predictions to score')
    return 100.0 * int(hits.sum()) / hits.size


def _mean(values: Mapping[str, float]) -> float:
    return sum(values[key] for key in sorted(values)) / len(values)
