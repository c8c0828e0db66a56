"""One page and one table from any number of ``results.json`` files."""

from .checks import check_runs, contrasted_bounds
from .comparability import group_runs
from .runs import Run, collect_runs, read_run
from .write import Report, make_report, write_report

__all__ = [
    'Report',
    'Run',
    'check_runs',
    'collect_runs',
    'contrasted_bounds',
    'group_runs',
    'make_report',
    'read_run',
    'write_report',
]
