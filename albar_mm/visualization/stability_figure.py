"""The course of static bias over training, for one or more runs (after Fig. 5 of the paper), and
reading back the curves that MMEngine wrote into their work folders."""

import ast
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from ..utils.errors import BadFileError, DatasetError, MissingFileError
from ..utils.files import parse_json, read_text, save_figure
from ..utils.rows import check_row

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
    name = 'vis_data/scalars.json'
    files = [run] if run.is_file() else sorted(run.glob(f'*/{name}')) or list(run.glob(name))
    if not files:
        raise MissingFileError(
            f'{run}: no <time>/vis_data/scalars.json in it: name the work folder of a training'
        )
    left_out: list[str] = []
    points: dict[str, dict[int, float]] = {}
    for file in files:
        rows = list(_rows(file, left_out))
        start = min((step for training, step, _ in rows if training), default=None)
        if start is None:
            left_out.append(f'{file}: no training in it')
            continue
        points = {
            key: {step: value for step, value in curve.items() if step < start}
            for key, curve in points.items()
        }
        for _, step, scalars in rows:
            for key, value in scalars.items():
                points.setdefault(key, {})[step] = value
    if not points:
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
            check_row(row, f'{where}: no line of scalars', dict(step=range(2**53)))
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
            if isinstance(value, int | float)
            and not isinstance(value, bool)
            and not (isinstance(value, int) and abs(value) >= 2**1023)
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


_COLOURS = ('#1f77b4', '#d62728', '#2ca02c', '#9467bd', '#ff7f0e', '#17becf', '#8c564b', '#7f7f7f')
_LOG_SCALE_FROM = 5  # times the chance level
_MARKS = {
    'held-out clips': dict(linewidth=1.6, marker='o', markersize=3.5),
    'training batches': dict(linewidth=1, alpha=0.6),
    'not finite': dict(linestyle='', marker='x', markersize=6),
}


@dataclass(frozen=True)
class _Panel:
    """One quantity: where it is in the log, and its chance level for K classes.

    In the log of the training, what is a percentage here is a share.
    """

    title: str
    unit: str
    note: str
    held_out: tuple[str, ...] = ()
    training: str = ''
    chance: Callable[[int], float] = math.log

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.held_out, self.training) if self.training else self.held_out


PANELS = (
    _Panel(
        'Static top-1',
        '%',
        'low: one frame does not tell the class',
        ('static_probe/top1', 'val/static_top1'),
        'static_top1',
        lambda k: 100 / k,
    ),
    _Panel(
        'Static entropy',
        'nats',
        'high: unsure about one frame',
        ('static_probe/entropy',),
        'static_entropy',
    ),
    _Panel(
        'Static cross-entropy',
        'nats',
        'far above chance: sure of a wrong class',
        ('static_probe/cross_entropy',),
        'static_ce',
    ),
    _Panel('Clip loss', 'nats', 'low: the clips are learnt', training='loss_cls'),
    _Panel(
        'Validation contrast',
        '%',
        'high: clip right, its own static clip wrong',
        ('static_probe/contrast', 'val/contrast'),
        chance=lambda k: 100 * (k - 1) / k**2,
    ),
)


def plot_stability(
    runs: Sequence[str | os.PathLike],
    out: str | os.PathLike,
    labels: Sequence[str] | None = None,
    num_classes: int | None = None,
    title: str = 'Static bias during training',
) -> tuple[Path, list[str]]:
    """Read the logs of runs and draw their curves.

    Args:
        runs: Work folders, see :func:`albar_mm.visualization.stability_figure.read_run`.
        out: PNG, PDF or SVG file to write.
        labels: A name for each run; default: the names of the folders.
        num_classes: K, for the chance levels; default: that of the runs' configs.
        title: Heading.

    Returns:
        The file, and a sentence for everything that is not in the picture.

    Raises:
        FileNotFoundError, ValueError: For bad arguments or logs, naming the run.
    """
    labels = list(labels) if labels else [Path(run).resolve().name for run in runs]
    if len(labels) != len(runs):
        raise ValueError(f'{len(labels)} labels for {len(runs)} runs: give one for each')
    if len(set(labels)) != len(labels):
        raise ValueError(f'runs need names of their own, got {labels}: set --labels')
    logs = {label: read_run(run) for label, run in zip(labels, runs, strict=True)}
    known = [key for panel in PANELS for key in panel.keys]
    for label, log in logs.items():
        if not log.curves.keys() & set(known):
            raise ValueError(
                f'{label}: the log holds none of {known}: train with StaticProbeHook (any '
                'recogniser) or an ALBAR recogniser'
            )
    notes = [note for log in logs.values() for note in log.left_out]
    found = {log.num_classes for log in logs.values()} - {None}
    if num_classes is None and len(found) > 1:
        raise ValueError(
            f'the runs have different numbers of classes, {sorted(found)}: compare '
            'runs on the same classes, or set --num-classes'
        )
    if num_classes is None:
        num_classes = next(iter(found), None)
    if num_classes is None:
        notes.append(
            'no chance levels: no config beside the logs tells the number of classes '
            '(set --num-classes)'
        )
    missing = [
        f'{panel.title.lower()} of {label}'
        for label, log in logs.items()
        for panel in PANELS
        if not log.curves.keys() & set(panel.keys)
    ]
    if missing:
        notes.append(f'not in the logs: {", ".join(missing)} (StaticProbeHook would log it)')
    return stability_figure(out, logs, num_classes, title), notes


def stability_figure(
    path: str | os.PathLike,
    runs: Mapping[str, RunLog],
    num_classes: int | None = None,
    title: str = 'Static bias during training',
) -> Path:
    """Draw static top-1, entropy and cross-entropy, clip loss and validation contrast.

    Lines with dots are measured on held-out clips (``static_probe/*``, else ``val/*``), thin ones
    on the batches of the training. A cross at the top marks a value that is not finite. An axis
    turns logarithmic when a cross-entropy runs far beyond chance.

    Args:
        path: PNG, PDF or SVG file to write, whole or not at all.
        runs: Name to log, in the order of the legend.
        num_classes: K; None draws no chance levels.
        title: Heading.

    Returns:
        Path: The file.

    Raises:
        ValueError: If there is no run, or ``num_classes`` is below 2.
    """
    from matplotlib.figure import Figure

    if not runs:
        raise ValueError('stability_figure needs at least one run')
    if num_classes is not None and num_classes < 2:
        raise ValueError(f'num_classes must be at least 2, got {num_classes}')
    figure = Figure(figsize=(12, 6.6), layout='constrained')
    figure.suptitle(title, fontsize=13)
    *axes, corner = figure.subplots(2, 3, sharex=True).flat
    seen: set[str] = set()
    for panel, ax in zip(PANELS, axes, strict=True):
        seen |= _draw_panel(ax, panel, runs, num_classes)
    for ax in axes[2:]:
        ax.set_xlabel('iteration')
    axes[2].tick_params(labelbottom=True)
    _draw_legend(corner, runs, seen)
    return save_figure(figure, path)


def _draw_panel(
    ax: Any, panel: _Panel, runs: Mapping[str, RunLog], num_classes: int | None
) -> set[str]:
    """Draw one quantity of all runs; returns which kinds of marks came to be used."""
    used, values = set(), []
    for colour, log in zip(cycle(_COLOURS), runs.values()):
        held_out = next((key for key in panel.held_out if key in log.curves), None)
        lines = []
        if panel.training in log.curves:
            faint = dict(linewidth=1, alpha=0.4) if held_out else dict(linewidth=1.3)
            factor = 100 if panel.unit == '%' else 1
            lines.append(('training batches', panel.training, factor, faint))
        if held_out:
            lines.append(('held-out clips', held_out, 1, _MARKS['held-out clips']))
        for kind, key, factor, style in lines:
            steps, curve = log.curves[key]
            finite = np.isfinite(curve)
            ax.plot(steps, np.where(finite, factor * curve, np.nan), color=colour, **style)
            values.append(factor * curve[finite])
            used.add(kind)
            if not finite.all():
                # x in iterations, y as a share of the height: at the top whatever the scale.
                place, top = ax.get_xaxis_transform(), np.full((~finite).sum(), 0.98)
                style = dict(color=colour, transform=place, **_MARKS['not finite'])
                ax.plot(steps[~finite], top, **style)
                used.add('not finite')
    shown = np.concatenate(values) if values else np.zeros(0)
    if not shown.size:
        ax.text(0.5, 0.5, 'not in the logs', transform=ax.transAxes, ha='center', color='#888888')
    _draw_chance(ax, panel, shown, num_classes)
    ax.set_title(panel.title, loc='left', fontsize=11, pad=18)
    note = dict(fontsize=8, color='#666666')
    ax.annotate(panel.note, (0, 1), (0, 6), 'axes fraction', 'offset points', **note)
    ax.set(ylabel=panel.unit, axisbelow=True)
    ax.spines[['top', 'right']].set_visible(False)
    ax.grid(axis='y', color='#eeeeee')
    return used


def _draw_chance(ax: Any, panel: _Panel, shown: np.ndarray, num_classes: int | None) -> None:
    """Scale of the y axis, and the level of a blind guess."""
    highest = shown.max(initial=0.0)
    chance = panel.chance(num_classes) if num_classes else None
    wild = panel.unit == 'nats' and highest > _LOG_SCALE_FROM * (chance or math.log(10))
    if wild and shown.min() > 0:
        ax.set_yscale('log')
    else:
        ax.set_ylim(0, 1.12 * max(highest, chance or 0.0) or 1.0)
    if chance is not None:
        ax.axhline(chance, zorder=1, color='#444444', linewidth=1, linestyle='--')
        style = dict(fontsize=8, color='#444444', ha='right', va='bottom', zorder=1)
        name = 'uniform' if panel.unit == 'nats' else 'chance'
        ax.text(0.995, chance, name, transform=ax.get_yaxis_transform(), **style)


def _draw_legend(ax: Any, runs: Mapping[str, RunLog], used: set[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour, linewidth=3, label=label)
        for colour, label in zip(cycle(_COLOURS), runs)
    ]
    handles += [
        Line2D([], [], color='#666666', label=name, **style)
        for name, style in _MARKS.items()
        if name in used
    ]
    ax.axis('off')
    ax.legend(handles=handles, loc='center left', frameon=False, fontsize=10)
