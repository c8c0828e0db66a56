"""Words for messages."""

import difflib
from collections.abc import Iterable

MAX_NAMED_IDS = 5


def name_some(ids: Iterable[str]) -> str:
    """Name at most a handful of ids, sorted, followed by how many more there are.

    Args:
        ids: Names.
    """
    ordered = sorted(ids)
    named = ', '.join(ordered[:MAX_NAMED_IDS])
    rest = len(ordered) - MAX_NAMED_IDS
    return f'{named} and {rest} more' if rest > 0 else named


def did_you_mean(word: str, known: Iterable[str], alike: float = 0.5) -> str:
    """`` (did you mean '...'?)`` where a known word is near, else ``''``.

    Args:
        word: What was given.
        known: What would have been understood.
        alike: How near, in (0, 1].
    """
    close = difflib.get_close_matches(word, list(known), 1, alike)
    return f' (did you mean {close[0]!r}?)' if close else ''


def aligned(rows: Iterable[Iterable[str]]) -> list[list[str]]:
    """Cells of a table filled up with blanks to the width of their column.

    Args:
        rows: As many cells in each; the first stands left, the others right.
    """
    rows = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        [row[0].ljust(widths[0])]
        + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        for row in rows
    ]
