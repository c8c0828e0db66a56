"""Reading back the curves that MMEngine wrote into a work folder."""

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..utils.errors import BadFileError, DatasetError, MissingFileError
from ..utils.files import parse_json, read_text

PROBE = 'static_probe/'


@dataclass(frozen=True)
class RunLog:
    """The scalars of one run.

    Attributes:
        curves: Key to (iterations, values), both (N,) and sorted by iteration; values may be NaN or
            infinite, as they were logged.
        num_classes: ``model.cls_head.num_classes`` of the config beside the log, or None.
        left_out: One sentence for everything that was not read.
    """

    curves: dict[str, tuple[np.ndarray, np.ndarray]]
    num_classes: int | None
    left_out: tuple[str, ...] = ()


def read_run(run: str | os.PathLike) -> RunLog:
    """Read every ``scalars.json`` of a run.

    A resumed run has several, one for each start: where they overlap, the later one counts.
    Values of a validation, which are logged by epoch, are placed at the last iteration that was
    logged before them.

    Args:
        run: Work folder, one of its ``<time>`` folders, or a ``scalars.json``.

    Raises:
        FileNotFoundError: If there is no log.
        ValueError: If a line is not JSON (file and line are named) or no log is of a training. A
            last line that was cut off while it was written is left out instead.
    """
    run = Path(run)
    files = [run] if run.is_file() else sorted(run.glob('*/vis_data/scalars.json'))
    if not files and (run / 'vis_data' / 'scalars.json').is_file():
        files = [run / 'vis_data' / 'scalars.json']
    if not files:
        raise MissingFileError(
            f'{run}: no <time>/vis_data/scalars.json in it: name the work folder of a training'
        )
    left_out: list[str] = []
    points: dict[str, dict[int, float]] = {}
    trained = False
    for file in files:
        rows = list(_rows(file, left_out))
        start = min((step for training, step, _ in rows if training), default=None)
        if start is None:
            left_out.append(f'{file}: no training in it')
            continue
        trained = True
        points = {
            key: {step: value for step, value in curve.items() if step < start}
            for key, curve in points.items()
        }
        for _, step, scalars in rows:
            for key, value in scalars.items():
                points.setdefault(key, {})[step] = value
    if not trained:
        raise BadFileError(
            f'{run}: no scalars.json in it holds a training iteration: name the work folder of a '
            'training'
        )
    curves = {
        key: (np.array(sorted(curve)), np.array([curve[step] for step in sorted(curve)]))
        for key, curve in points.items()
        if curve
    }
    return RunLog(curves, _num_classes(files[-1].with_name('config.py')), tuple(left_out))


def _rows(file: Path, left_out: list[str]) -> Iterator[tuple[bool, int, dict[str, float]]]:
    """Whether a line is of a training iteration, its iteration, and its numbers."""
    last = 0
    *lines, rest = read_text(file).split('\n')
    for number, line in enumerate([*lines, rest], 1):
        if not line.strip():
            continue
        where = f'{file}:{number}'
        try:
            row = parse_json(line, where)
            if not isinstance(row.get('step'), int):
                raise BadFileError(f"{where}: expected a line of scalars, with a whole 'step'")
        except BadFileError as error:
            if number > len(lines):  # it has no line end
                left_out.append(f'{where}: cut off while it was written')
                return
            raise BadFileError(f'{error}; mend or remove this line') from error
        training = 'iter' in row
        if training or any(key.startswith(PROBE) for key in row):
            last = row['step']
        scalars = {
            key: float(value)
            for key, value in row.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
        yield training, last, scalars


def _num_classes(config: Path) -> int | None:
    """Read a dumped config as text; running it would run whatever it holds."""
    try:
        tree = ast.parse(read_text(config))
    except (DatasetError, SyntaxError, ValueError):
        return None
    known = {
        getattr(line.targets[0], 'id', ''): line.value
        for line in tree.body
        if isinstance(line, ast.Assign)
    }
    node = None
    for name in ('model', 'cls_head', 'num_classes'):
        node = known.get(name)
        known = {word.arg: word.value for word in getattr(node, 'keywords', ())}
    value = getattr(node, 'value', None)
    return value if isinstance(value, int) else None
