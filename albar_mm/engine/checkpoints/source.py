"""Reading a checkpoint that another is to be made of (used by :mod:`albar_mm.engine` only)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ...compat import safe_load
from ...utils.errors import CheckpointError


def load_source(source: Path, target: Path) -> Any:  # noqa: ANN401
    """Load a checkpoint as data.

    Args:
        source: The checkpoint.
        target: File that is to be written.

    Raises:
        CheckpointError: ``source`` is not there, damaged, holds code, or is ``target`` itself.
    """
    if target.exists() and source.exists() and os.path.samefile(source, target):
        raise CheckpointError(f'{target} is the checkpoint itself: name another file to write')
    if not source.is_file():
        raise CheckpointError(f'{source}: no such checkpoint file')
    return safe_load(source, map_location='cpu')
