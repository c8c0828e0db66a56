"""What every tool does around its work: find the package, report errors in one line."""

import argparse
import errno
import io
import math
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

FAILED, INCOMPLETE, INTERRUPTED = 1, 3, 130
Options = Mapping[str, Mapping[str, Any]]
"""Name or flag -> what ``add_argument`` is told of it."""

Args = argparse.Namespace


def number(
    low: float, high: float = 10**6, kind: Callable[[str], float] = int
) -> Callable[[str], float]:
    """The type of an option that takes a number within bounds.

    Args:
        low: Smallest value allowed.
        high: Largest value allowed; neither nan nor infinity ever is.
        kind: ``int`` or ``float``.
    """

    def read(text: str) -> float:
        try:
            value = kind(text)
        except (ValueError, OverflowError):
            value = math.nan
        if low <= value <= high:
            return value
        what = 'whole number' if kind is int else 'number'
        raise argparse.ArgumentTypeError(f'expected a {what} from {low} to {high}, got {text:.40}')

    return read


COUNT, FROM_0, SEED = number(1), number(0), number(0, 2**32 - 1)
SHARE, RATE = number(0, 1, float), number(0.01, 1000, float)  # frames per second

_RANK = dict(type=int, default=0, help=argparse.SUPPRESS)
RUN_OPTIONS: Options = {
    '--work-dir': dict(help='folder for logs and results (default: ./work_dirs/<config name>)'),
    '--cfg-options': dict(
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='override settings of the config, e.g. train_dataloader.batch_size=1 key="[a,b]"',
    ),
    '--launcher': dict(choices=['none', 'pytorch', 'slurm', 'mpi'], default='none'),
    '--local_rank': _RANK,
    '--local-rank': _RANK,
}
"""What training and testing share."""


def experiment_options(work_dir: str) -> Options:
    """Those of a tool that trains and tests many models."""
    return {
        '--seeds': dict(type=SEED, nargs='+', default=[0], help='one run for each (default: 0)'),
        '--work-dir': dict(default=work_dir, help='finished runs there are not repeated'),
        '--cfg-options': dict(nargs='+', metavar='KEY=VALUE', help='settings for every run'),
        '--trials': dict(
            help='JSON-lines file to append every setting and its validation scores to'
        ),
    }


VALIDATE_ONLY: Options = {
    '--validate-only': dict(
        dest='test_after',
        action='store_false',
        help='leave out the test sets: how settings are chosen',
    )
}


def list_options(out: str) -> Options:
    """Those of a tool that works on all videos of a list; ``out``: help of ``--out``."""
    return {
        '--list': dict(type=Path, metavar='FILE', help='list of "path label" lines'),
        '--videos': dict(type=Path, metavar='FOLDER', help='folder that the paths start at'),
        '--out': dict(type=Path, metavar='FILE', help=out),
        '--missing': dict(
            choices=('fail', 'drop'),
            default='fail',
            help='with unreadable videos: stop (default), or leave them out',
        ),
    }


def check_list(args: Args) -> str:
    """Which of these options is missing that the work cannot do without."""
    absent = [f'--{name}' for name in ('list', 'videos', 'out') if not getattr(args, name)]
    return f'missing: {", ".join(absent)}' if absent else ''


@dataclass(frozen=True)
class Command:
    """A tool, or a sub-command of one.

    Attributes:
        description: What it does.
        examples: Shown under the options, as they stand.
        options: Its options.
        work: Does it with the options that were given; imports belong inside, so that a missing
            library is reported like the rest. A whole number that it returns is the exit status, as
            :data:`INCOMPLETE`.
        kept: Says how to go on after Ctrl-C.
        check: Says what is wrong with the options that were given; '' if nothing is.
        commands: Name -> sub-command, which does the work instead.
        metavar: What stands for their names in messages.
    """

    description: str
    examples: str
    options: Options = field(default_factory=dict)
    work: Callable[[Args], object] | None = None
    kept: Callable[[Args], str] | None = None
    check: Callable[[Args], str] = lambda args: ''
    commands: Mapping[str, 'Command'] = field(default_factory=dict)
    metavar: str | None = None

    def main(self, argv: list[str] | None = None) -> int:
        """Read ``argv``, by default the command line, and :func:`run` the work."""
        made = parser(self.description, self.examples, self.options)
        if self.commands:
            added = made.add_subparsers(dest='command', required=True, metavar=self.metavar)
            for name, each in self.commands.items():
                make = partial(added.add_parser, name, help=each.description)
                # no default of its own: it would undo a --debug before the sub-command
                parser(each.description, each.examples, each.options, make, argparse.SUPPRESS)
        args = made.parse_args(argv)
        chosen = self.commands[args.command] if self.commands else self
        if fault := chosen.check(args):
            made.error(fault)
        kept = chosen.kept and partial(chosen.kept, args)
        return run(partial(chosen.work, args), debug=args.debug, on_interrupt=kept)


def parser(
    description: str,
    examples: str,
    options: Options = MappingProxyType({}),
    make: Callable[..., argparse.ArgumentParser] = argparse.ArgumentParser,
    debug: object = False,
) -> argparse.ArgumentParser:
    """A parser with a description, examples as they stand, ``--debug`` and options.

    Args:
        description: What the tool does.
        examples: Shown under the options.
        options: Its options.
        make: Makes the parser.
        debug: Default of ``--debug``.
    """
    made = make(
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        '--debug', action='store_true', default=debug, help='show the trace of an error'
    )
    for name, told in options.items():
        made.add_argument(name, **told)
    return made


def run(
    work: Callable[[], object],
    *,
    debug: bool = False,
    on_interrupt: Callable[[], str] | None = None,
) -> int:
    """Do a tool's work and turn its failure into one line on stderr.

    A process group that the work began is left when the work went well.

    Args:
        work: See :class:`Command`.
        debug: Show the full trace of an error.
        on_interrupt: Says how to go on after Ctrl-C.

    Returns:
        Exit status: 0 or what the work returned, 1 for a failure, 130 for an interruption.
    """
    theirs = _in_group()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors='backslashreplace')  # names of files may be in any encoding
    try:
        use_repository()
        status = work()
        if _in_group() and not theirs:
            from albar_mm.engine.launch.process import leave_process_group

            leave_process_group()
    except KeyboardInterrupt:
        _say('interrupted' + (f': {on_interrupt()}' if on_interrupt else ''))
        return INTERRUPTED
    except Exception as error:
        if debug:
            traceback.print_exc()
        _say(f'error: {_describe(error, debug)}')
        return FAILED
    return status if isinstance(status, int) else 0


def use_repository() -> None:
    """Let a tool of a repository that was not installed import ``albar_mm`` from any folder.

    The folder of the tools, which Python puts first when it runs one, goes to the end: its
    ``downstream.py`` would hide the package of that name. It stays, as new processes look there.
    """
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or os.curdir).resolve() != here]
    sys.path.append(str(here))
    root = here.parent
    if (root / 'albar_mm' / '__init__.py').is_file() and str(root) not in sys.path:
        sys.path.insert(0, str(root))


def _in_group() -> bool:
    dist = sys.modules.get('torch.distributed')  # torch is not imported for this alone
    return dist is not None and dist.is_available() and dist.is_initialized()


def _say(text: str) -> None:
    rank = f'[rank {os.environ["RANK"]}] ' if int(os.environ.get('WORLD_SIZE', 1)) > 1 else ''
    print(f'{rank}{Path(sys.argv[0]).name}: {text}', file=sys.stderr, flush=True)


def _describe(error: Exception, debug: bool) -> str:
    try:
        from albar_mm.utils.errors import AlbarError, cannot_write, one_line, remedy_of
    except ImportError:  # the import is what failed
        return ' '.join(str(error).split())
    if isinstance(error, AlbarError):
        return one_line(error)
    if isinstance(error, OSError) and error.filename:
        if error.errno in (errno.EACCES, errno.EPERM):  # of a file to be read as well
            return f'{error.filename}: {remedy_of(error, written=False)}'
        if remedy_of(error) or error.errno == errno.ENOTDIR:
            return one_line(cannot_write(error.filename, error))
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f'{frame.filename}:{frame.lineno}'
    return f'{one_line(error)} (at {place}' + ('' if debug else '; --debug shows the trace') + ')'


def options(args: Args, *own: str) -> dict[str, object]:
    """What the command line asks of the library, but the tool's own; tells MMEngine the rank."""
    if 'local_rank' in args:
        os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    left_out = ('command', 'local_rank', 'debug', *own)
    return {key: value for key, value in vars(args).items() if key not in left_out}


def runs_are_kept(args: Args) -> str:
    """How to go on with many runs."""
    return f'finished runs are kept in {args.work_dir}; the same command goes on'
