"""COCO run-length encoding of one mask (format: github.com/cocodataset/cocoapi, maskApi.h)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def decode_rle(item: Any) -> np.ndarray:  # noqa: ANN401
    """Decode one mask.

    Runs alternate between background and foreground, background first, down the columns.

    Args:
        item: ``size`` [height, width], and ``counts``: a list of run lengths, or COCO's string.

    Returns:
        bool, shape (height, width).

    Raises:
        ValueError: It is no such encoding; says why.
    """
    if not isinstance(item, dict) or not {'size', 'counts'} <= item.keys():
        raise ValueError("expected an object with 'size' and 'counts'")
    size, counts = item['size'], item['counts']
    if not _is_sizes(size) or len(size) != 2 or 0 in size:
        raise ValueError(f'size {size!r}; expected [height, width]')
    if isinstance(counts, str):
        counts = _runs_of_string(counts)
    if not _is_sizes(counts):
        raise ValueError('counts are neither a string nor a list of integers >= 0')
    height, width = size
    if sum(counts) != height * width:
        raise ValueError(f'the runs cover {sum(counts)} of {height} x {width} pixels')
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(width, height).T


def _is_sizes(values: Any) -> bool:  # noqa: ANN401
    return isinstance(values, list) and all(type(v) is int and v >= 0 for v in values)


def _runs_of_string(text: str) -> list[int]:
    """Numbers of 5-bit groups, lowest first, each plus 48; bit 5 says that more groups follow.

    From the fourth on, a number is the difference to the run two before it.
    """
    runs: list[int] = []
    digits: list[int] = []
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64:
            raise ValueError(f'character {character!r} in the string of counts')
        digits.append(code & 31)
        if code & 32:
            continue
        runs.append(_signed(digits) + (runs[-2] if len(runs) > 2 else 0))
        digits = []
    if digits:
        raise ValueError('the string of counts ends within a number')
    return runs


def _signed(digits: Sequence[int]) -> int:
    value = sum(digit << (5 * place) for place, digit in enumerate(digits))
    return value - (1 << (5 * len(digits))) if digits[-1] & 16 else value
