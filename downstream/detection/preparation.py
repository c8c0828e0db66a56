"""What making a data set ready gives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Prepared:
    """What was made ready.

    Attributes:
        lines: For the terminal.
        left_out: Videos that are not there.
    """

    lines: tuple[str, ...]
    left_out: tuple[str, ...]
