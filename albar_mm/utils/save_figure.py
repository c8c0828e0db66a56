"""Writing a picture whole or not at all (used by the figures only)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a figure at 130 dots per inch; the file has its name only when it is complete.

    Args:
        figure: The figure.
        path: PNG or PDF file to write.

    Returns:
        The file.
    """
    temporary = path.with_name(f'.{path.stem}.{os.getpid()}{path.suffix}')
    try:
        figure.savefig(temporary, dpi=130)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
