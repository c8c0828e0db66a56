"""What a report says, apart from its looks, and the checks that every sound result passes: what
contrasted accuracy can be, given SCUBA and SCUFO."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..utils.errors import DatasetError
from ..utils.numbers import number, one_of
from .comparability import group_runs
from .published import PUBLISHED
from .runs import Run, clean, list_runs, weights_lines

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
    averages over backgrounds too. All are in percent.
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


class Report:
    """What a report says: runs, grouped and checked.

    Args:
        runs: The runs, from :func:`collect_runs`.
        notes: What was left out already.
        title: Heading.
        published: Whose published numbers to show: ``'hmdb51'``, ``'ucf101'``,
            ``'ucf101_boxes'`` or ``'k400'``.
        class_names: Names of the classes by label.
        num_classes: Number of classes, for the chance level; default: that of ``class_names``.

    Attributes:
        groups: The runs by table: only runs that were measured alike share one.
        checks: Every check of contrasted accuracy.
        faults: What cannot be right, a sentence each.
        warnings: What a reader must know before comparing, a sentence each.
        notes: What was left out, a sentence each.
        published: Tables of the paper.

    Raises:
        DatasetError: An unknown ``published`` or fewer than two classes.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        notes: Sequence[str] = (),
        *,
        title: str = 'Static bias in action recognition',
        published: str | None = None,
        class_names: Sequence[str] = (),
        num_classes: int | None = None,
    ) -> None:
        if published is not None:
            one_of(published, PUBLISHED, 'published', DatasetError)
        self.num_classes = num_classes if num_classes is not None else len(class_names) or None
        if self.num_classes is not None:
            number(self.num_classes, 'the number of classes', 2, whole=True)
        self.title, self.runs = clean(title), list(runs)
        self.groups, differences = group_runs(runs)
        self.checks, self.faults = check_runs(runs)
        self.warnings = [*differences, *_split_methods(self.groups), *_same_weights(runs)]
        self.warnings += _chosen_beside_last(self.groups)
        self.notes = [clean(note) for note in [*notes, *_left_out(runs)]]
        self.published = PUBLISHED[published] if published else ()
        self.class_names = tuple(map(clean, class_names))

    def class_name(self, label: int) -> str:
        return self.class_names[label] if label < len(self.class_names) else f'class {label}'


def _split_methods(groups: Sequence[Sequence[Run]]) -> list[str]:
    numbered = [(number, {run.method for run in group}) for number, group in enumerate(groups, 1)]
    methods = dict.fromkeys(run.method for group in groups for run in group)
    tables = {m: [number for number, inside in numbered if m in inside] for m in methods}
    return [
        f'The seeds of {method} were not all measured alike: they stand in tables '
        f'{", ".join(map(str, numbers))}, and no mean is taken over all of them.'
        for method, numbers in tables.items()
        if len(numbers) > 1
    ]


def _same_weights(runs: Sequence[Run]) -> list[str]:
    first: dict[str, Run] = {}
    digests = [(run.document.get('checkpoint') or {}).get('weights_sha256') for run in runs]
    return [
        f'{first[digest].title} and {run.title} tested the same weights, so they are not '
        'independent runs.'
        for run, digest in zip(runs, digests, strict=True)
        if isinstance(digest, str) and first.setdefault(digest, run) is not run
    ]


def _chosen_beside_last(groups: Sequence[Sequence[Run]]) -> list[str]:
    """Tables in which some weights were chosen by validation and others not."""
    return [
        'Weights that validation chose stand beside weights that nothing chose: '
        f'{"; ".join(weights_lines(group))}.'
        for group in groups
        if len({run.weights.startswith('chosen') for run in group if run.weights}) > 1
    ]


def _left_out(runs: Sequence[Run]) -> list[str]:
    """What the files hold and no table shows, and the other way round."""
    hidden = [(key, run) for run in runs for key in sorted(run.metrics.keys() - run.shown)]
    notes = [
        f'score without a column: {key}, of {list_runs([run for k, run in hidden if k == key])}'
        for key in dict.fromkeys(key for key, _ in hidden)
    ]
    notes += [
        f'not finite in {run.title}: {", ".join(run.not_finite)}' for run in runs if run.not_finite
    ]
    lacking = [run for run in runs if not run.per_class]
    if lacking:
        notes.append(
            f'no per-class scores in {len(lacking)} of {len(runs)} files (written by an older '
            f'albar_mm; test again to get them): {list_runs(lacking)}'
        )
    return notes
