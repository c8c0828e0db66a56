"""Prediction records, and joining the sets of a bias benchmark by id.

Both published code bases pair SCUBA and SCUFO by position in two lists, so one unreadable file
shifts or breaks the pairing unnoticed. Here every record carries its id (``<video>__<k>``) and
sets are joined by it; a missing, duplicate or extra id is an error.
"""

import warnings
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ...utils.text import name_some


class Prediction(NamedTuple):
    """What a model said about one video, and what was asked.

    Attributes:
        pred: predicted class index, >= 0.
        label: class index of the (moving) action, >= 0.
        conflict_label: class index of the pasted still foreground of a Confl-FG video, else None.
    """

    pred: int
    label: int
    conflict_label: int | None = None


class PredictionRecord(NamedTuple):
    """One :class:`Prediction` with its key; plain values, so cheap to send between processes.

    Attributes:
        domain: name of the set, e.g. ``'scuba'``.
        background: background family, e.g. ``'stripe'``.
        pair_id: id inside (domain, background).
        pred: predicted class index.
        label: class index of the action.
        conflict_label: class of the pasted foreground (Confl-FG only), else None.
    """

    domain: str
    background: str
    pair_id: str
    pred: int
    label: int
    conflict_label: int | None = None


#: (domain, background) -> id -> prediction
Predictions = Mapping[tuple[str, str], Mapping[str, Prediction]]


def check_partners(
    reference: str,
    reference_labels: Mapping[str, int],
    other: str,
    other_labels: Mapping[str, int],
) -> None:
    """Check that two sets hold exactly the same ids, with the same labels.

    Args:
        reference: name of the first set for the message, e.g. ``'scuba/stripe'``.
        reference_labels: its id -> label.
        other: name of the second set.
        other_labels: its id -> label.

    Raises:
        ValueError: naming both sets, the counts, and a few of the ids that lack their partner or
            differ in label.
    """
    missing = reference_labels.keys() - other_labels.keys()
    extra = other_labels.keys() - reference_labels.keys()
    if missing or extra:
        where = (missing, f'missing from {other}'), (extra, f'in {other} only')
        parts = [f'{len(ids)} {what}: {name_some(ids)}' for ids, what in where if ids]
        raise ValueError(
            f'{reference} ({len(reference_labels)} ids) and {other} ({len(other_labels)} ids) must '
            f'hold the same ids, but {"; ".join(parts)}. Regenerate the incomplete set.'
        )
    wrong = [key for key, label in reference_labels.items() if other_labels[key] != label]
    if wrong:
        raise ValueError(
            f'{reference} and {other} give {len(wrong)} of {len(reference_labels)} ids different '
            f'labels: {name_some(wrong)}.'
        )


def join_by_id(
    reference: str,
    reference_predictions: Mapping[str, Prediction],
    other: str,
    other_predictions: Mapping[str, Prediction],
) -> list[tuple[Prediction, Prediction]]:
    """Pair the predictions of two sets that share ids and labels.

    Args:
        reference: name of the first set for messages.
        reference_predictions: id -> prediction; its order is the order of the result.
        other: name of the second set.
        other_predictions: id -> prediction.

    Returns:
        One (reference, other) tuple per id.

    Raises:
        ValueError: if the ids or the labels of the two sets differ, see :func:`check_partners`.
    """
    check_partners(
        reference,
        {key: prediction.label for key, prediction in reference_predictions.items()},
        other,
        {key: prediction.label for key, prediction in other_predictions.items()},
    )
    return [(first, other_predictions[key]) for key, first in reference_predictions.items()]


def collate_records(
    records: Iterable[PredictionRecord], allow_repeats: bool = False
) -> dict[tuple[str, str], dict[str, Prediction]]:
    """Sort a flat list of records into one id -> prediction mapping per set.

    Args:
        records: records in any order.
        allow_repeats: accept an id that comes more than once with equal labels and keep its first
            record. A distributed sampler repeats samples to give every process the same number;
            anywhere else a repeat is a fault of the data.

    Returns:
        (domain, background) -> id -> prediction.

    Raises:
        ValueError: if an id comes twice, or with two different labels; names the set and the ids.
    """
    found: dict[tuple[str, str], dict[str, list[Prediction]]] = {}
    for domain, background, item, *said in records:
        of_set = found.setdefault((domain, background), {})
        of_set.setdefault(item, []).append(Prediction(*said))
    what = 'with different labels' if allow_repeats else 'more than once'
    faults = []
    for (domain, background), items in sorted(found.items()):
        kinds = {i: {p[1:] for p in many} if allow_repeats else many for i, many in items.items()}
        wrong = [item for item, kind in kinds.items() if len(kind) > 1]
        if wrong:
            faults.append(
                f'{domain}/{background}: {len(wrong)} id(s) come {what}: {name_some(wrong)}'
            )
    if faults:
        raise ValueError('; '.join(faults))
    groups = [many for items in found.values() for many in items.values()]
    changed = sum(other.pred != many[0].pred for many in groups for other in many)
    if changed:
        warnings.warn(
            f'{changed} sample(s) that two processes both evaluated got two different predictions '
            '(rounding differs with the batch); the first one counts.'
        )
    return {key: {item: many[0] for item, many in items.items()} for key, items in found.items()}
