"""Scores of many runs as columns and cells: mean, spread over seeds, and the best per column."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from ..evaluation.tables import mean_sd
from .runs import Run

HIGHER, LOWER = 'higher', 'lower'


@dataclass(frozen=True)
class Column:
    """One score.

    Attributes:
        key: Name of the score.
        label: Heading.
        better: ``'higher'`` or ``'lower'``.
        note: What is measured, in a few words.
    """

    key: str
    label: str
    better: str = HIGHER
    note: str = ''

    @property
    def highlighted(self) -> bool:
        """Whether it is contrasted accuracy, the number that counts."""
        return self.key.startswith('contrasted/')

    @property
    def heading(self) -> str:
        return f'{self.label} {"↑" if self.better == HIGHER else "↓"}'


IID = Column('iid/top1', 'IID', note='test videos as they are')
ARAS = Column('aras/top1', 'ARAS', note='rare scenes')
SCUBA = Column('scuba/avg', 'SCUBA', note='background replaced')
SCUFO = Column('scufo/avg', 'SCUFO', LOWER, 'one still frame of SCUBA')
CONFLFG = Column('conflfg/top1', 'Confl-FG', note='still actor of another class added')
CONTRASTED = Column('contrasted/avg', 'Contrasted', note='SCUBA right and its SCUFO wrong')
_CONFLICT = Column('conflfg/conflict_top1', 'Confl-FG, pasted class', LOWER)
FAMILIES = dict(scuba=SCUBA, scufo=SCUFO, conflfg=CONFLFG, contrasted=CONTRASTED)
"""First part of a score's name -> the column of its average."""
_AVERAGES = ('avg', 'top1', 'conflict_top1')


@dataclass(frozen=True)
class Cell:
    """One score of one method.

    Attributes:
        values: Percentage of each seed that has the score.
        lacking: Number of seeds that lack it.
        best: Whether no other method of the table is better, to two decimals.
        odd: Why it cannot be right; ``''`` if it can.
    """

    values: tuple[float, ...]
    lacking: int = 0
    best: bool = False
    odd: str = ''

    @property
    def mean(self) -> float | None:
        """Mean over seeds; None without a value."""
        return fmean(self.values) if self.values else None

    @property
    def sd(self) -> float | None:
        """Sample standard deviation over seeds; None with fewer than two."""
        return mean_sd(self.values)[1] if self.values else None

    def __str__(self) -> str:
        if self.mean is None:
            return '–'
        text = f'{self.mean:.2f}' + ('' if self.sd is None else f' ± {self.sd:.2f}')
        if self.lacking:
            text += f' ({len(self.values)} of {len(self.values) + self.lacking} seeds)'
        return text + '*' * bool(self.odd)


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
    methods: dict[str, list[Run]] = {run.method: [] for run in runs}
    for run in sorted(runs, key=lambda run: -1 if run.seed is None else run.seed):
        methods[run.method].append(run)
    return methods


def summary_columns(runs: Sequence[Run]) -> tuple[Column, ...]:
    """The columns of the paper's tables that some run has, and any further ``<set>/top1``."""
    present = set().union(*(run.shown for run in runs))
    further = (
        Column(key, key.removesuffix('/top1'))
        for key in sorted(present - {IID.key, ARAS.key})
        if key.endswith('/top1') and key.split('/')[0] not in FAMILIES
    )
    columns = (IID, ARAS, *further, SCUBA, SCUFO, CONFLFG, CONTRASTED)
    return tuple(column for column in columns if column.key in present)


def background_columns(runs: Sequence[Run]) -> tuple[Column, ...]:
    """One column per set and background, and how often the pasted class of Confl-FG wins."""
    present = set().union(*(run.shown for run in runs))
    columns = [
        Column(key, f'{family.label} {key.split("/", 1)[1]}', family.better)
        for name, family in FAMILIES.items()
        for key in sorted(present)
        if key.startswith(f'{name}/') and key.split('/', 1)[1] not in _AVERAGES
    ]
    if _CONFLICT.key in present:
        columns.insert(sum(not column.highlighted for column in columns), _CONFLICT)
    return tuple(columns)


def tabulate(runs: Sequence[Run], columns: Iterable[Column]) -> Table:
    """Mean and spread of every method in every column.

    The best value of a column is marked, unless all methods have the same.

    Args:
        runs: Runs that were measured alike.
        columns: The scores.
    """
    columns, methods = tuple(columns), methods_of(runs)
    cells: dict[str, list[Cell]] = {method: [] for method in methods}
    for column in columns:
        values = {
            method: tuple(run.metrics[column.key] for run in members if column.key in run.metrics)
            for method, members in methods.items()
        }
        means = {method: round(fmean(seeds), 2) for method, seeds in values.items() if seeds}
        top = (max if column.better == HIGHER else min)(means.values(), default=None)
        for method, seeds in values.items():
            best = len(set(means.values())) > 1 and means.get(method) == top
            cells[method].append(Cell(seeds, len(methods[method]) - len(seeds), best))
    return Table(columns, {method: tuple(row) for method, row in cells.items()})


def class_gaps(runs: Sequence[Run]) -> dict[int, dict[str, tuple[float, float]]]:
    """Per-class SCUBA and SCUFO, means over seeds, in percent.

    Args:
        runs: Runs that were measured alike.

    Returns:
        Class label -> method -> (SCUBA, SCUFO), classes with the largest mean gap between the two,
        which is what motion adds, first.
    """
    pairs: dict[int, dict[str, list[tuple[float, float]]]] = {}
    for method, members in methods_of(runs).items():
        for label, scores in (pair for run in members for pair in run.per_class.items()):
            if scores.keys() >= {SCUBA.key, SCUFO.key}:
                of_method = pairs.setdefault(label, {}).setdefault(method, [])
                of_method.append((scores[SCUBA.key], scores[SCUFO.key]))
    means = {
        label: {method: tuple(map(fmean, zip(*many, strict=True))) for method, many in by.items()}
        for label, by in pairs.items()
    }
    order = sorted(means, key=lambda k: (-fmean(a - b for a, b in means[k].values()), k))
    return {label: means[label] for label in order}
