"""What is installed, what is wrong, and the command that mends it: behind ``tools/doctor.py``.

The package imports nothing but the standard library and itself, so that it still speaks where
``import albar_mm`` fails; only the check of a config needs the rest. Anything that may crash or
hang is asked in a child process.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from .libraries import check_decoders, check_gpus, check_package, check_torchvision
from .machine import check_copies, check_machine, check_paths
from .packages import check_versions, describe, installed_versions
from .report import Finding, Report

__all__ = ['Finding', 'Report', 'diagnose']

REPOSITORY = Path(__file__).resolve().parents[2]


def diagnose(
    config: str | os.PathLike | None = None,
    cfg_options: Sequence[str] = (),
    say: Callable[[str], None] = lambda text: None,
) -> Report:
    """Examine the environment and, if one is named, everything that a config needs.

    Args:
        config: Path of a config, or ``albar_mm::<name>``.
        cfg_options: ``key=value`` strings that override its settings.
        say: Told before each check what is done.

    Returns:
        Facts and findings; it never raises for anything that it finds.
    """
    report = Report()
    say('versions')
    report.add('versions', describe(REPOSITORY), check_versions(installed_versions()))
    paths = check_paths(os.environ.get('PYTHONPATH'), REPOSITORY)
    report.add('machine', {}, paths + check_copies(REPOSITORY))
    say('imports and mends')
    facts, problems = check_package()
    report.add('mends (albar_mm.compat)', facts, problems + check_torchvision())
    say('video decoders')
    decoders, found = check_decoders()
    report.add('video decoders', decoders, found)
    say('machine')
    for check in (check_gpus, check_machine):
        report.add('machine', *check())
    if config is None:
        return report
    say(f'config {config}')
    if any(problem.level == 'error' for problem in problems):
        report.add('config', {str(config): 'not checked, as albar_mm cannot be imported'}, [])
        return report
    # what the libraries log while a dataset is built is no part of the report
    with contextlib.redirect_stdout(sys.stderr):
        from .config import check_config

        report.add('config', *check_config(config, cfg_options, decoders))
    return report
