"""Checks that every sound result passes: what contrasted accuracy can be, given SCUBA and SCUFO."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .runs import Run

#: room for rounding in percentages that were computed in float64
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Check:
    """The bounds of one contrasted accuracy, in percent.

    Attributes:
        title: Of which run.
        background: Name of the background, or ``'avg'``.
        scuba, scufo, contrasted: The three scores.
        lower, upper: What contrasted accuracy must lie between.
        holds: Whether it does.
    """

    title: str
    background: str
    scuba: float
    scufo: float
    contrasted: float
    lower: float
    upper: float
    holds: bool

    def __str__(self) -> str:
        where = 'average' if self.background == 'avg' else self.background
        return (
            f'{self.title}, {where}: contrasted {self.contrasted:.2f} is not between '
            f'{self.lower:.2f} and {self.upper:.2f}, as SCUBA {self.scuba:.2f} and SCUFO '
            f'{self.scufo:.2f} require'
        )


def contrasted_bounds(scuba: float, scufo: float) -> tuple[float, float]:
    """Least and greatest contrasted accuracy that SCUBA and SCUFO allow.

    ``max(0, SCUBA - SCUFO) <= contrasted <= min(SCUBA, 100 - SCUFO)``: of the videos that are right
    on SCUBA, at most SCUFO can be taken away, and none can count whose SCUFO is right. Holds for
    averages over backgrounds too.

    Args:
        scuba: Accuracy on SCUBA, in percent.
        scufo: Accuracy on SCUFO, in percent.

    Returns:
        Lower and upper bound, in percent.
    """
    return max(0.0, scuba - scufo), min(scuba, 100.0 - scufo)


def check_scores(
    title: str, scores: Mapping[str, float], tolerance: float = TOLERANCE
) -> list[Check]:
    """Check every background, and the average, that has all three scores.

    Args:
        title: Name of the scores.
        scores: Keys of :func:`albar_mm.evaluation.functional.bias_scores`, in percent.
        tolerance: Room for rounding, in percent points.

    Returns:
        One check per background and average, the average last.
    """
    names = {key.split('/', 1)[1] for key in scores if key.startswith('contrasted/')}
    checks = []
    for name in sorted(names, key=lambda name: (name == 'avg', name)):
        scuba, scufo = scores.get(f'scuba/{name}'), scores.get(f'scufo/{name}')
        if scuba is not None and scufo is not None:
            value = scores[f'contrasted/{name}']
            lower, upper = contrasted_bounds(scuba, scufo)
            holds = lower - tolerance <= value <= upper + tolerance
            checks.append(Check(title, name, scuba, scufo, value, lower, upper, holds))
    return checks


def check_runs(runs: Sequence[Run]) -> tuple[list[Check], list[str]]:
    """Check all runs.

    Args:
        runs: The runs.

    Returns:
        All checks of contrasted accuracy, and a sentence for every fault: a bound that is broken,
        or a score outside 0 to 100.
    """
    checks = [check for run in runs for check in check_scores(run.title, run.metrics)]
    faults = [str(check) for check in checks if not check.holds]
    faults += [
        f'{run.title}: {key} is {run.metrics[key]:g}, but a percentage lies in 0 to 100'
        for run in runs
        for key in sorted(run.shown)
        if not -TOLERANCE <= run.metrics[key] <= 100 + TOLERANCE
    ]
    return checks, faults
