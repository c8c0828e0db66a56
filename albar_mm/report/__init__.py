"""One page and one table from any number of ``results.json`` files."""

from .checks import check_runs, contrasted_bounds
from .comparability import group_runs
from .contents import Report
from .markdown import terminal_text
from .runs import Run, collect_runs, read_run
from .write import make_report

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
