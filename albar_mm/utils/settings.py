"""Comparing the settings of an earlier run with those of this one."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from .errors import DatasetError


def plain(value: Any) -> Any:
    """A value as JSON reads it back: tuples become lists, keys become text.

    Args:
        value: What JSON can write.
    """
    return json.loads(json.dumps(value))


def difference(found: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Say in which settings two runs differ; '' if in none.

    Args:
        found: Settings of an earlier run, read from JSON; may have further keys.
        settings: Those of this run.
    """
    return '; '.join(_differing(found, plain(settings), ''))


def require_same(
    where: str | os.PathLike, found: Mapping[str, Any], settings: Mapping[str, Any], advice: str
) -> None:
    """Refuse to go on with what was made with other settings.

    Args:
        where: File or folder of the earlier run.
        found: Its settings, read from JSON; may have further keys.
        settings: Those of this run.
        advice: What to do, e.g. ``'delete the file to begin anew'``.

    Raises:
        DatasetError: They differ; names each difference.
    """
    differing = difference(found, settings)
    if differing:
        raise DatasetError(f'{where} was made with other settings ({differing}); {advice}')


def _differing(found: Mapping[str, Any], wanted: Mapping[str, Any], where: str) -> Iterator[str]:
    for key, value in wanted.items():
        earlier = found.get(key)
        if isinstance(value, dict) and isinstance(earlier, dict) and earlier != value:
            # a whole detector or classifier would be too long to see what is another
            yield from _differing(
                {**dict.fromkeys(value), **earlier},
                {**dict.fromkeys(earlier), **value},
                f'{where}{key}.',
            )
        elif earlier != value:
            yield f'{where}{key} is {earlier}, asked for {value}'
