"""Checks of single values that come from files, configs and command lines."""

import math
from collections.abc import Collection
from typing import Any

from .errors import DatasetError


def number(
    value: Any,
    what: str,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    above: float | None = None,
    whole: bool = False,
    error: type[Exception] = DatasetError,
) -> float:
    """A finite number within bounds.

    Args:
        value: A number, or text that holds one. True and False are none.
        what: File, line and key, for the message.
        low: Smallest value allowed.
        high: Largest value allowed.
        above: The value must be larger than this.
        whole: Only whole numbers.
        error: What to raise, as ``ValueError`` for the arguments of a class.

    Returns:
        float, or int for ``whole``.

    Raises:
        DatasetError: Or ``error``: it is none, infinite or outside of the bounds.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        given = float(value)
        if whole:
            exact = int(value)
            if exact != given:
                raise ValueError
            given = exact
    except (TypeError, ValueError, OverflowError):
        given = math.nan
    fits = math.isfinite(given) and low <= given <= high and (above is None or given > above)
    if not fits:
        raise error(f'{what}: expected {_span(low, high, above, whole)}, got {value!r:.80}')
    return given


def frame_rate(value: Any, what: str, error: type[Exception] = DatasetError) -> float:
    """Frames a second of a video: from one in a quarter of an hour to high-speed cameras.

    Args:
        value: A number, or text that holds one.
        what: File, line and key, for the message.
        error: What to raise.

    Raises:
        DatasetError: Or ``error``: it is none.
    """
    return number(value, what, 1e-3, 1e4, error=error)


def class_index(
    value: Any,
    what: str,
    num_classes: int | None = None,
    error: type[Exception] = DatasetError,
) -> int:
    """A class index.

    Args:
        value: A whole number, or text that holds one.
        what: File and line, for the message.
        num_classes: The index must be below; None for any.
        error: What to raise.

    Raises:
        DatasetError: Or ``error``: it is none.
    """
    top = math.inf if num_classes is None else num_classes - 1
    return number(value, f'{what}: label', 0, top, whole=True, error=error)


def one_of(
    value: Any,
    allowed: Collection[Any],
    what: str,
    error: type[Exception] = ValueError,
) -> Any:
    """A value that is among those allowed.

    Args:
        value: What was given.
        allowed: What would be right.
        what: Name of the setting, for the message.
        error: What to raise.

    Raises:
        ValueError: Or ``error``: it is not.
    """
    if value not in allowed:
        raise error(f'{what} must be one of {", ".join(map(repr, allowed))}, got {value!r}')
    return value


def _span(low: float, high: float, above: float | None, whole: bool) -> str:
    parts = ['a whole number' if whole else 'a finite number']
    if above is not None:
        parts.append(f'above {above:g}')
    elif low > -math.inf:
        parts.append(f'from {low:g}')
    if high < math.inf:
        parts.append(f'to {high:g}')
    return ' '.join(parts)
