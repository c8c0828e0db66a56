"""Compiled suppression of segments on the CPU; only :mod:`downstream.tal.functional` imports it.

Scalars come in the type of the scores, so that float32 stays float32 as in PyTorch.
"""

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

BLOCK = 64
"""Segments whose extent and best score are kept together."""


def compiled(function: Callable) -> Callable:
    """Compile on the first call, and keep the machine code on disk where a folder takes it.

    Args:
        function: Written for ``numba.njit``; it raises no ``OSError`` itself.
    """
    plain = numba.njit(nogil=True)(function)
    try:
        cached = numba.njit(cache=True, nogil=True)(function)
    except (OSError, RuntimeError):  # numba finds no folder for it
        return plain

    def call(*args: Any) -> Any:
        try:
            return cached(*args)
        except OSError:  # the folder cannot be read or is full
            return plain(*args)

    return call


inlined = numba.njit(nogil=True)


@inlined
def _iou(begin: float, end: float, other_begin: float, other_end: float, extra: float) -> float:
    """IoU of segments that overlap, else 0; operations in the order of ``segment_iou``."""
    overlap = min(end, other_end) - max(begin, other_begin)
    if not overlap > 0:
        return extra - extra
    lengths = (end - begin + extra) + (other_end - other_begin + extra)
    return overlap / (lengths - overlap)


@inlined
def _best(score: np.ndarray, name: np.ndarray, first: int, size: int) -> int:
    """Place of the best score of a block; of equal ones, of the first segment given."""
    best = first
    for place in range(first + 1, first + size):
        if score[place] > score[best] or (score[place] == score[best] and name[place] < name[best]):
            best = place
    return best


@inlined
def _drop(
    begin: np.ndarray, end: np.ndarray, score: np.ndarray, name: np.ndarray, place: int, last: int
) -> None:
    """Fill the place of a segment with the last one of its block."""
    begin[place], end[place] = begin[last], end[last]
    score[place], name[place] = score[last], name[last]


@inlined
def _soft_of_class(
    begin: np.ndarray,
    end: np.ndarray,
    score: np.ndarray,
    name: np.ndarray,
    sigma: float,
    min_score: float,
    most: int,
    extra: float,
    chosen: np.ndarray,
    values: np.ndarray,
) -> int:
    """Soft suppression of one class; changes its arguments and returns how many stay.

    A segment weakens only what overlaps it, so most blocks need no look in most rounds.
    """
    total = len(score)
    count = (total + BLOCK - 1) // BLOCK
    size, best = np.empty(count, np.int64), np.empty(count, np.int64)
    since, until = np.empty(count, begin.dtype), np.empty(count, end.dtype)
    for block in range(count):
        first = block * BLOCK
        size[block] = min(BLOCK, total - first)
        since[block] = begin[first : first + size[block]].min()
        until[block] = end[first : first + size[block]].max()
        best[block] = _best(score, name, first, size[block])
    for number in range(min(most, total)):
        home = -1
        for block in range(count):
            if size[block] and (
                home < 0
                or score[best[block]] > score[best[home]]
                or (
                    score[best[block]] == score[best[home]] and name[best[block]] < name[best[home]]
                )
            ):
                home = block
        if home < 0:
            return number
        place = best[home]
        its_begin, its_end = begin[place], end[place]
        chosen[number], values[number] = name[place], score[place]
        size[home] -= 1
        _drop(begin, end, score, name, place, home * BLOCK + size[home])
        for block in range(count):
            # the first round looks at all: what was too weak from the start goes
            if number and block != home and (since[block] >= its_end or until[block] <= its_begin):
                continue
            first = place = block * BLOCK
            while place < first + size[block]:
                iou = _iou(its_begin, its_end, begin[place], end[place], extra)
                if iou > 0:
                    score[place] *= math.exp(-(iou * iou) / sigma)
                if score[place] < min_score:
                    size[block] -= 1
                    _drop(begin, end, score, name, place, first + size[block])
                else:
                    place += 1
            best[block] = _best(score, name, first, size[block])
    return min(most, total)


@compiled
def soft_suppression(
    begin: np.ndarray,
    end: np.ndarray,
    score: np.ndarray,
    name: np.ndarray,
    starts: np.ndarray,
    sigma: float,
    min_score: float,
    most: int,
    extra: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Soft suppression in every class: names and new scores of those that stay, best first.

    Segments come class by class; class k is those from ``starts[k]`` up to ``starts[k + 1]``. At
    most ``most`` stay of each. Neighbours should be neighbours in time, for speed alone. The others
    as of ``soft_nms``. Changes its arguments.
    """
    chosen, values, total = np.empty_like(name), np.empty_like(score), 0
    for number in range(len(starts) - 1):
        own = slice(starts[number], starts[number + 1])
        total += _soft_of_class(
            begin[own],
            end[own],
            score[own],
            name[own],
            sigma,
            min_score,
            most,
            extra,
            chosen[total:],
            values[total:],
        )
    return chosen[:total], values[:total]


@compiled
def hard_suppression(
    begin: np.ndarray,
    end: np.ndarray,
    order: np.ndarray,
    kind: np.ndarray,
    kinds: int,
    iou_threshold: float,
    most: int,
    extra: float,
) -> np.ndarray:
    """Hard suppression in every class: indices of those that stay, at most ``most``, best first.

    ``order`` has the best first, too. The others as of ``nms``.
    """
    kept, total = np.empty_like(order), 0
    before = np.empty_like(order)  # the one of this class that was kept before
    latest = np.full(kinds, -1)
    for index in order:
        if total == most:
            break
        other = latest[kind[index]]
        while other >= 0:
            rival = kept[other]
            if _iou(begin[index], end[index], begin[rival], end[rival], extra) >= iou_threshold:
                break
            other = before[other]
        if other < 0:
            kept[total], before[total] = index, latest[kind[index]]
            latest[kind[index]] = total
            total += 1
    return kept[:total]
