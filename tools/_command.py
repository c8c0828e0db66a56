"""What every tool does around its work: find the package, report errors in one line."""

import argparse
import errno
import math
import os
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

FAILED, INCOMPLETE, INTERRUPTED = 1, 3, 130


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


def parser(
    description: str,
    examples: str,
    make: Callable[..., argparse.ArgumentParser] = argparse.ArgumentParser,
    debug: object = False,
) -> argparse.ArgumentParser:
    """A tool's parser: description, examples as they stand, and ``--debug``.

    Args:
        description: What the tool does.
        examples: Shown under the options.
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
    return made


def add_command(
    commands: argparse._SubParsersAction, name: str, description: str, examples: str
) -> argparse.ArgumentParser:
    """Add a sub-command whose parser looks like :func:`parser`'s; ``--debug`` may stand after it.

    Args:
        commands: What ``parser(...).add_subparsers(...)`` returned.
        name: Name of the sub-command.
        description: What it does.
        examples: Shown under its options.
    """
    make = partial(commands.add_parser, name, help=description)
    # no default of its own: it would undo a --debug before the sub-command
    return parser(description, examples, make, argparse.SUPPRESS)


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


def run(
    work: Callable[[], object],
    *,
    debug: bool = False,
    on_interrupt: Callable[[], str] | None = None,
) -> int:
    """Do a tool's work and turn its failure into one line on stderr.

    A process group that the work began is left when the work went well.

    Args:
        work: The work; imports belong inside, so that a missing library is reported like the rest.
            A whole number that it returns is the exit status, as :data:`INCOMPLETE`.
        debug: Show the full trace of an error.
        on_interrupt: Says how to go on after Ctrl-C.

    Returns:
        Exit status: 0 or what the work returned, 1 for a failure, 130 for an interruption.
    """
    theirs = _in_group()
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
        if remedy_of(error) or error.errno == errno.ENOTDIR:
            return one_line(cannot_write(error.filename, error))
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f'{frame.filename}:{frame.lineno}'
    return f'{one_line(error)} (at {place}' + ('' if debug else '; --debug shows the trace') + ')'


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that training and testing share."""
    add = parser.add_argument
    add('--work-dir', help='folder for logs and results (default: ./work_dirs/<config name>)')
    add(
        '--cfg-options',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='override settings of the config, e.g. train_dataloader.batch_size=1 key="[a,b]"',
    )
    add('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    add('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def options(args: argparse.Namespace, *own: str) -> dict[str, object]:
    """What the command line asks of the library, but the tool's own; tells MMEngine the rank."""
    if 'local_rank' in args:
        os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    left_out = ('local_rank', 'debug', *own)
    return {key: value for key, value in vars(args).items() if key not in left_out}


def add_experiment_options(
    parser: argparse.ArgumentParser, work_dir: str, may_skip_tests: bool = True
) -> None:
    """Add the options of a tool that trains and tests many models."""
    add = parser.add_argument
    add('--seeds', type=SEED, nargs='+', default=[0], help='one run for each (default: 0)')
    add('--work-dir', default=work_dir, help='finished runs there are not repeated')
    add('--cfg-options', nargs='+', metavar='KEY=VALUE', help='settings for every run')
    add('--trials', help='JSON-lines file to append every setting and its validation scores to')
    if may_skip_tests:
        add(
            '--validate-only',
            dest='test_after',
            action='store_false',
            help='leave out the test sets: how settings are chosen',
        )


def run_experiments(work: Callable[[], object], args: argparse.Namespace) -> int:
    """:func:`run` for such a tool."""
    kept = f'finished runs are kept in {args.work_dir}; the same command goes on'
    return run(work, debug=args.debug, on_interrupt=lambda: kept)


def add_list_options(parser: argparse.ArgumentParser, out: str) -> None:
    """Add the options of a tool that works on all videos of a list.

    Args:
        parser: The parser.
        out: Help of ``--out``.
    """
    add = parser.add_argument
    add('--list', type=Path, metavar='FILE', help='list of "path label" lines')
    add('--videos', type=Path, metavar='FOLDER', help='folder that the paths start at')
    add('--out', type=Path, metavar='FILE', help=out)
    add(
        '--missing',
        choices=('fail', 'drop'),
        default='fail',
        help='with unreadable videos: stop (default), or leave them out',
    )


def check_list_options(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """End the program where one of these options that it cannot do without is missing."""
    absent = [f'--{name}' for name in ('list', 'videos', 'out') if not getattr(args, name)]
    if absent:
        parser.error(f'missing: {", ".join(absent)}')
