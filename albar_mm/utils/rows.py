"""One check of the keys and types of a row that comes from a file."""

from collections.abc import Collection, Mapping
from typing import Any

from .errors import BadFileError

_WORDS = {str: 'some text', list: 'a list', dict: 'an object', object: 'a value'}


def check_row(
    row: Mapping[str, Any],
    where: str,
    kinds: Mapping[str, type | range | tuple[type | range, str]],
    optional: Collection[str] = (),
) -> None:
    """Check what a row of a file holds; further keys are left alone.

    Args:
        row: The row, as JSON has it.
        where: ``file:line``, and perhaps the video, for the message.
        kinds: Key -> ``str`` or ``list`` (neither may be empty), ``dict``, ``object`` for anything,
            or a range that a whole number must be in; where that says too little, with words.
        optional: Keys that may be missing, or null.

    Raises:
        BadFileError: A key is missing, or its value of another kind.
    """
    for key, kind in kinds.items():
        kind, words = kind if isinstance(kind, tuple) else (kind, '')
        value = row.get(key)
        if value is None and key in optional:
            continue
        if isinstance(kind, range):
            fits = type(value) is int and value in kind
            end = f' to {kind.stop - 1}' if kind.stop < 2**31 else ''
            words = words or f'a whole number from {kind.start}{end}'
        else:
            fits = key in row and isinstance(value, kind) and value not in ('', [])
        if not fits:
            got = f'got {value!r:.60}' if key in row else 'which is missing'
            raise BadFileError(f'{where}: expected "{key}", {words or _WORDS[kind]}, {got}')
