"""One page and one table from any number of ``results.json`` files."""

from .comparability import group_runs
from .contents import Report, check_runs, contrasted_bounds
from .page import make_report, terminal_text
from .runs import Run, collect_runs, read_run

__all__ = [
    'Report',
    'Run',
    'check_runs',
    'collect_runs',
    'contrasted_bounds',
    'group_runs',
    'make_report',
    'read_run',
    'terminal_text',
]
