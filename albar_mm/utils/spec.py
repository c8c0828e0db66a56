"""Options of the mask sources on the command line: which there are, and what they may be."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .errors import DatasetError


def _number(low: float, high: float = math.inf) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = float(text)
        if not (math.isfinite(value) and low <= value <= high):
            raise ValueError
        return value

    read.__doc__ = f'a number from {low:g}' + (f' to {high:g}' if math.isfinite(high) else '')
    return read


def _whole(low: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if int(text) < low:
            raise ValueError
        return int(text)

    read.__doc__ = f'a whole number from {low}'
    return read


def _odd(text: str) -> int:
    """an odd whole number from 1"""
    if int(text) < 1 or not int(text) % 2:
        raise ValueError
    return int(text)


def flag(text: str) -> bool:
    """true or false"""
    return {'true': True, 'false': False}[text.lower()]


def triple(text: str) -> tuple[float, float, float]:
    """three numbers, e.g. 0.485/0.456/0.406"""
    first, second, third = map(float, text.split('/'))
    return first, second, third


def size(text: str) -> tuple[int, int]:
    """HEIGHTxWIDTH in px, e.g. 256x256"""
    height, width = map(int, text.lower().split('x'))
    return height, width


def _text(text: str) -> str:
    """some text"""
    if not text:
        raise ValueError
    return text


OPTIONS: dict[str, dict[str, Callable[[str], Any]]] = {
    'grabcut': dict(padding=_number(0, 1), iterations=_whole(1), propagate=flag, seed=_whole(0)),
    'dnn': dict(
        size=size,
        scale=_number(0),
        mean=triple,
        std=triple,
        channels=_text,
        layout=_text,
        output=_text,
        person=_whole(0),
        threshold=_number(0, 1),
        layer=_text,
    ),
    'sam2': dict(boxes=_text, config=_text, prompt=_text, every=_whole(0), device=_text),
    'motion': dict(threshold=_number(1, 255), kernel=_odd, min_area=_number(0, 1)),
    'within': dict(padding=_number(0, 1)),
    'union': dict(radius=_whole(0)),
}
"""Form -> option -> reader of its value, whose docstring says what it expects."""


def convert(form: str, key: str, text: str) -> Any:  # noqa: ANN401
    """Read the value of an option.

    Args:
        form: Name of a form, e.g. ``'dnn'``.
        key: One of its options.
        text: The value as it is written.

    Returns:
        The value.

    Raises:
        DatasetError: It is none that the option takes.
    """
    read = OPTIONS[form][key]
    try:
        return read(text)
    except (ValueError, KeyError, OverflowError) as error:
        raise DatasetError(f'{key}={text}: expected {read.__doc__}') from error
