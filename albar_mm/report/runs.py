"""Finding ``results.json`` files, reading them, and telling which method and seed each is of."""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..evaluation.results import SCHEMA_VERSION
from ..utils.errors import DatasetError
from ..utils.files import files_below, read_json
from ..utils.rows import check_row

RESULTS_FILE = 'results.json'
#: what :mod:`albar_mm.experiments.experiment` leaves beside it; tells the name of the row
_EXPERIMENT_FILE = 'experiment.json'
_KINDS = {
    **dict.fromkeys(('per_class', 'protocol', 'versions', 'config', 'checkpoint'), dict),
    'seed': (range(-(2**63), 2**63), 'a whole number or null'),
}
_WHOLE = (range(1, 2**31), 'a whole number from 1')
_TRAINING = {'epoch': _WHOLE, 'epochs': _WHOLE, 'chosen_by': str}
_PER_CLASS = re.compile(r'(?P<score>.+)/class_(?P<label>\d+)')
_SEED = re.compile(r'(?:(?P<method>.+?)[_.-]+)?seed[_-]?(?P<seed>\d+)')
_SHOWN = re.compile(r'(scuba|scufo|contrasted|conflfg)/.+|[^/]+/top1')


@dataclass(frozen=True)
class Run:
    """The scores of one set of weights.

    Attributes:
        method: Name of the row that the run counts for.
        seed: Seed of its training, or None where nothing tells it.
        path: The file, as it was found.
        metrics: Score name to percentage; only finite ones.
        per_class: Class label to scores; empty where the file has none.
        document: The whole file.
        not_finite: Names of scores that were no number.
    """

    method: str
    seed: int | None
    path: str
    metrics: Mapping[str, float]
    per_class: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)
    not_finite: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return self.method if self.seed is None else f'{self.method}, seed {self.seed}'

    @property
    def weights(self) -> str:
        """Which weights of its training were tested, in words; '' where the file does not say."""
        training = (self.document.get('checkpoint') or {}).get('training')
        if not training:
            return ''
        epoch, epochs = training['epoch'], training['epochs']
        if chosen := training.get('chosen_by'):
            return f'chosen by {clean(chosen)}: epoch {epoch} of {epochs}'
        which = f'last of {epochs} epoch(s)' if epoch == epochs else f'epoch {epoch} of {epochs}'
        return f'{which}, nothing was chosen'

    @property
    def shown(self) -> set[str]:
        """Names of the scores that some table has a column for."""
        return {key for key in self.metrics if _SHOWN.fullmatch(key)}


def collect_runs(
    paths: Sequence[str | os.PathLike] = (), named: Iterable[tuple[str, str | os.PathLike]] = ()
) -> tuple[list[Run], list[str]]:
    """Read all runs below some files and folders.

    A run of a folder ``<method>/seed<k>/`` is seed k of that method; otherwise the folder is the
    method and the file tells the seed. The name in an ``experiment.json`` beside the file comes
    before the folder's.

    Args:
        paths: Results files, or folders that are searched for ``results.json``.
        named: (method, path) pairs: whatever is found there counts for that method, in this order.

    Returns:
        The runs, those of ``named`` first, and a sentence for everything that was left out.

    Raises:
        DatasetError: Nothing is found, a file is no results file, or two are of one method and
            seed.
    """
    runs: dict[tuple[str, int | None], Run] = {}
    notes: list[str] = []
    seen: dict[str, str | None] = {}
    for name, place in [*named, *((None, path) for path in paths)]:
        if name is not None and not name.strip():
            raise DatasetError(f"'={place}': the name is empty; write --names METHOD=PATH")
        for path in _files(Path(place)):
            real = os.path.realpath(path)
            if real in seen:
                if name not in (None, seen[real]):
                    raise DatasetError(
                        f'{path} is given to two methods, {seen[real]!r} and {name!r}; name each '
                        'file once'
                    )
                continue
            seen[real] = name
            try:
                run = read_run(path, name)
            except _NoScores as reason:
                if path == Path(place):
                    raise
                notes.append(str(reason))
                continue
            other = runs.setdefault((run.method, run.seed), run)
            if other is not run:
                seed = 'no seed' if run.seed is None else f'seed {run.seed}'
                raise DatasetError(
                    f'{other.path} and {run.path} are both {run.method!r}, {seed}; give them names '
                    'of their own with --names METHOD=PATH, put them in folders seed<k>, or leave '
                    'one out'
                )
    if not runs:
        given = ', '.join(str(place) for place in [*(p for _, p in named), *paths])
        raise DatasetError(
            f'no results of a test run in {given or "nothing"}'
            + (f' ({len(notes)} file(s) hold none: {notes[0]})' if notes else '')
            + f'; name {RESULTS_FILE} files, or folders that tools/test.py wrote them to'
        )
    return list(runs.values()), notes


def read_run(path: str | os.PathLike, method: str | None = None) -> Run:
    """Read one results file.

    Args:
        path: The file.
        method: Its method; by default told from its place.

    Raises:
        DatasetError: It is no results file, or a value in it is not what it should be.
    """
    path = Path(path)
    document = _load(path)
    metrics, not_finite = _numbers(document['metrics'], f'{path}: metrics')
    per_class: dict[int, dict[str, float]] = {}
    for match in filter(None, map(_PER_CLASS.fullmatch, list(metrics))):
        per_class.setdefault(int(match['label']), {})[match['score']] = metrics.pop(match[0])
    for label, scores in (document.get('per_class') or {}).items():
        if not label.isdecimal() or not isinstance(scores, dict):
            raise DatasetError(f'{path}: per_class must map class labels to scores, got {label!r}')
        values, missing = _numbers(scores, f'{path}: per_class {label}')
        per_class.setdefault(int(label), {}).update(values)
        not_finite += [f'{key}/class_{label}' for key in missing]
    if not any(map(_SHOWN.fullmatch, metrics)):
        raise _NoScores(
            f'{path} holds none of the scores of a bias benchmark (iid/top1, scuba/avg, …), only '
            f'{", ".join(sorted(metrics)[:5]) or "nothing"}'
        )
    own_method, seed = _identity(path)
    return Run(
        method=clean(own_method if method is None else method),
        seed=document.get('seed') if seed is None else seed,
        path=str(path),
        metrics=metrics,
        per_class=dict(sorted(per_class.items())),
        document=document,
        not_finite=tuple(not_finite),
    )


def list_runs(runs: Sequence[Run]) -> str:
    """``ERM (seeds 0, 1), ALBAR``: runs by name, seeds together."""
    seeds: dict[str, list[str]] = {}
    for run in runs:
        seeds.setdefault(run.method, []).extend([] if run.seed is None else [str(run.seed)])
    return ', '.join(
        method + (f' (seed{"s" * (len(own) > 1)} {", ".join(own)})' if own else '')
        for method, own in seeds.items()
    )


def weights_lines(runs: Sequence[Run]) -> list[str]:
    """Which weights were tested: one line if the same for all runs, else one for each kind.

    Runs whose files do not say are left out where no other says it, and named otherwise.
    """
    kinds: dict[str, list[Run]] = {}
    for run in runs:
        kinds.setdefault(run.weights, []).append(run)
    if len(kinds) == 1:
        return [kind for kind in kinds if kind]
    return [f'{kind or "not recorded"} ({list_runs(own)})' for kind, own in kinds.items()]


def clean(text: str) -> str:
    """Text of a file or a name with what a page cannot show (control characters) replaced."""
    hidden = r'[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]'
    return re.sub(hidden, '\ufffd', text)


class _NoScores(DatasetError):
    """A sound file that has nothing for the report."""


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    if not place.is_dir():
        raise DatasetError(f'{place}: no such file or folder; name a {RESULTS_FILE} or its folder')
    found = (path for path in files_below(place) if path.name == RESULTS_FILE)
    yield from sorted(found, key=lambda path: path.parent)


def _load(path: Path) -> dict[str, Any]:
    document = read_json(path, object)
    if isinstance(document, dict) and 'rows' in document and 'metrics' not in document:
        raise _NoScores(f'{path} is a summary of several runs; their own files count')
    if not isinstance(document, dict) or not isinstance(document.get('metrics'), dict):
        raise DatasetError(
            f'{path}: not a results file: it has no "metrics"; name the {RESULTS_FILE} of a test '
            'run, or leave the file out'
        )
    version = document.get('schema_version')
    if version != SCHEMA_VERSION:
        raise DatasetError(
            f'{path}: schema_version is {version!r}, this albar_mm reads {SCHEMA_VERSION}; '
            'test again or update albar_mm'
        )
    check_row(document, str(path), _KINDS, optional=_KINDS)
    checkpoint = document.get('checkpoint') or {}
    check_row(checkpoint, f'{path}: checkpoint', {'training': dict}, optional=['training'])
    if training := checkpoint.get('training'):
        check_row(training, f'{path}: checkpoint: training', _TRAINING, optional=['chosen_by'])
    return document


def _numbers(values: Mapping[str, Any], where: str) -> tuple[dict[str, float], list[str]]:
    """Finite numbers, and the names of the others."""
    for key, value in values.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise DatasetError(f'{where}: {key} must be a number, got {value!r}')
    good = {
        key: float(value)
        for key, value in values.items()
        if value is not None and abs(value) <= sys.float_info.max
    }
    return good, sorted(values.keys() - good.keys())


def _identity(path: Path) -> tuple[str, int | None]:
    """Method and seed that the place of a file tells."""
    folder = path.resolve().parent
    in_folder = path.name == RESULTS_FILE
    method = folder.name if in_folder else path.stem
    match = _SEED.fullmatch(method)
    if match:
        method = match['method'] or (folder.parent if in_folder else folder).name
    if in_folder and (folder / _EXPERIMENT_FILE).is_file():
        with suppress(DatasetError):  # only a nicer name is looked for
            name = read_json(folder / _EXPERIMENT_FILE).get('name')
            method = name if isinstance(name, str) and name.strip() else method
    return method or path.stem, int(match['seed']) if match else None
