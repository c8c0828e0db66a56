"""Scores of many runs as columns and cells: mean, spread over seeds, and the best per column."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from .runs import Run

HIGHER, LOWER = 'higher', 'lower'
_FIRST = (
    ('iid/top1', 'IID', HIGHER),
    ('aras/top1', 'ARAS', HIGHER),
    ('scuba/avg', 'SCUBA', HIGHER),
    ('scufo/avg', 'SCUFO', LOWER),
    ('conflfg/top1', 'Confl-FG', HIGHER),
)
_LAST = ('contrasted/avg', 'Contrasted', HIGHER)
_FAMILIES = (
    ('scuba', 'SCUBA', HIGHER),
    ('scufo', 'SCUFO', LOWER),
    ('conflfg', 'Confl-FG', HIGHER),
    ('contrasted', 'Contrasted', HIGHER),
)
_FAMILY_NAMES = {family: label for family, label, _ in _FAMILIES}
_CONFLICT = ('conflfg/conflict_top1', 'Confl-FG, pasted class', LOWER)


@dataclass(frozen=True)
class Column:
    """One score.

    Attributes:
        key: Name of the score.
        label: Heading.
        better: ``'higher'`` or ``'lower'``.
    """

    key: str
    label: str
    better: str

    @property
    def highlighted(self) -> bool:
        """Whether it is contrasted accuracy, the number that counts."""
        return self.key.startswith('contrasted/')

    @property
    def family(self) -> str:
        """The kind of set, e.g. ``'SCUBA'``."""
        return _FAMILY_NAMES.get(self.key.split('/')[0], self.label)

    @property
    def arrow(self) -> str:
        """``↑`` or ``↓``."""
        return '↑' if self.better == HIGHER else '↓'


@dataclass(frozen=True)
class Cell:
    """One score of one method.

    Attributes:
        values: Percentage of each seed that has the score.
        lacking: Number of seeds that lack it.
        best: Whether no other method of the table is better, to two decimals.
    """

    values: tuple[float, ...]
    lacking: int = 0
    best: bool = False

    @property
    def mean(self) -> float | None:
        """Mean over seeds; None without a value."""
        return statistics.fmean(self.values) if self.values else None

    @property
    def sd(self) -> float | None:
        """Sample standard deviation over seeds; None with fewer than two."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    def __str__(self) -> str:
        if self.mean is None:
            return '–'
        text = f'{self.mean:.2f}' + ('' if self.sd is None else f' ± {self.sd:.2f}')
        if self.lacking:
            text += f' ({len(self.values)} of {len(self.values) + self.lacking} seeds)'
        return text


@dataclass(frozen=True)
class Table:
    """Methods by scores.

    Attributes:
        columns: The scores.
        rows: Method to one cell per column.
    """

    columns: tuple[Column, ...]
    rows: dict[str, tuple[Cell, ...]]


def methods_of(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Runs by method, seeds in order."""
    methods: dict[str, list[Run]] = {}
    for run in runs:
        methods.setdefault(run.method, []).append(run)
    for members in methods.values():
        members.sort(key=lambda run: -1 if run.seed is None else run.seed)
    return methods


def summary_columns(runs: Sequence[Run]) -> tuple[Column, ...]:
    """The columns of the paper's tables that some run has, and any further ``<set>/top1``."""
    present = _present(runs)
    known = {key for key, *_ in (*_FIRST, _LAST, _CONFLICT)}
    further = sorted(
        key
        for key in present
        if key.endswith('/top1') and key not in known and key.split('/')[0] not in _OOD
    )
    columns = [
        *_FIRST[:2],
        *((key, key.removesuffix('/top1'), HIGHER) for key in further),
        *_FIRST[2:],
        _LAST,
    ]
    return tuple(Column(*column) for column in columns if column[0] in present)


def background_columns(runs: Sequence[Run]) -> tuple[Column, ...]:
    """One column per set and background, and how often the pasted class of Confl-FG wins."""
    present = _present(runs)
    columns = [
        Column(key, f'{label} {key.split("/", 1)[1]}', better)
        for family, label, better in _FAMILIES
        for key in sorted(present)
        if key.startswith(f'{family}/') and key.split('/', 1)[1] not in _AVERAGES
    ]
    if _CONFLICT[0] in present:
        columns.insert(sum(not column.highlighted for column in columns), Column(*_CONFLICT))
    return tuple(columns)


def tabulate(runs: Sequence[Run], columns: Sequence[Column]) -> Table:
    """Mean and spread of every method in every column.

    The best value of a column is marked, unless all methods have the same.

    Args:
        runs: Runs that were measured alike.
        columns: The scores.
    """
    methods = methods_of(runs)
    cells = {
        method: [_cell(members, column.key) for column in columns]
        for method, members in methods.items()
    }
    for index, column in enumerate(columns):
        means = {m: round(row[index].mean, 2) for m, row in cells.items() if row[index].values}
        if len(set(means.values())) < 2:
            continue
        top = max(means.values()) if column.better == HIGHER else min(means.values())
        for method, mean in means.items():
            if mean == top:
                cell = cells[method][index]
                cells[method][index] = Cell(cell.values, cell.lacking, best=True)
    return Table(tuple(columns), {method: tuple(row) for method, row in cells.items()})


@dataclass(frozen=True)
class ClassGap:
    """SCUBA and SCUFO of one class and one method, means over seeds, in percent."""

    scuba: float
    scufo: float

    @property
    def gap(self) -> float:
        """SCUBA minus SCUFO: what motion adds, in percent points."""
        return self.scuba - self.scufo


def class_gaps(runs: Sequence[Run]) -> tuple[dict[int, dict[str, ClassGap]], list[str]]:
    """Per-class SCUBA and SCUFO.

    Args:
        runs: Runs that were measured alike.

    Returns:
        Class label -> method -> gap, classes with the largest mean gap first; and the titles of the
        runs whose files hold no per-class scores.
    """
    gaps: dict[int, dict[str, ClassGap]] = {}
    for method, members in methods_of(runs).items():
        for label in sorted({label for run in members for label in run.per_class}):
            pairs = [
                (scores['scuba/avg'], scores['scufo/avg'])
                for scores in (run.per_class.get(label, {}) for run in members)
                if 'scuba/avg' in scores and 'scufo/avg' in scores
            ]
            if pairs:
                scuba, scufo = zip(*pairs, strict=True)
                gap = ClassGap(statistics.fmean(scuba), statistics.fmean(scufo))
                gaps.setdefault(label, {})[method] = gap
    order = sorted(gaps, key=lambda k: (-statistics.fmean(g.gap for g in gaps[k].values()), k))
    return {label: gaps[label] for label in order}, [r.title for r in runs if not r.per_class]


_OOD = ('scuba', 'scufo', 'conflfg', 'contrasted')
_AVERAGES = ('avg', 'top1', 'conflict_top1')


def _present(runs: Sequence[Run]) -> set[str]:
    return {key for run in runs for key in run.metrics.keys() - set(run.not_shown)}


def _cell(members: Sequence[Run], key: str) -> Cell:
    values = tuple(run.metrics[key] for run in members if key in run.metrics)
    return Cell(values, len(members) - len(values))
