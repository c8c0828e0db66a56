"""Official split lists in, verified MMAction2 annotation files out."""

from ..annotations.official_lists import SPECS, DatasetSpec
from ..annotations.video_lists import DELIMITERS, Clip, OfficialLists, format_lines, parse_line
from .holdout import HoldOut, hold_out
from .prepare import Prepared, PrepareOptions, prepare_dataset
from .verify import Finding, check_entries, check_files

__all__ = [
    'DELIMITERS',
    'SPECS',
    'Clip',
    'DatasetSpec',
    'Finding',
    'HoldOut',
    'OfficialLists',
    'PrepareOptions',
    'Prepared',
    'check_entries',
    'check_files',
    'format_lines',
    'hold_out',
    'parse_line',
    'prepare_dataset',
]
