"""The table of the ALBAR paper on one config: every method, several seeds."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from mmaction.registry import METRICS
from mmengine.config import Config
from mmengine.logging import print_log

from ..debias.checks import lacks_bank, mixes_batch
from ..debias.methods import METHODS, debias
from ..engine.checkpoints.source import last_checkpoint
from ..engine.launch import load_config, train
from ..evaluation.metrics import BiasMetric
from ..preparation.frame_bank.build import FrameBankOptions, build_frame_bank
from ..report import make_report
from ..utils.config_types import class_of
from ..utils.errors import DatasetError, DebiasError, LaunchError
from ..utils.files import write_json, write_text
from ..utils.lock import sole_user_of
from ..utils.text import did_you_mean
from ..visualization import comparison_figure
from .experiment import (
    Experiment,
    is_finished,
    read_record,
    run_experiment,
    run_seeds,
    scores_of,
    summary_table,
    write_summary,
)
from .side_by_side import Job, run_side_by_side

_STATE = 'reference.json'
_OF_BANK = ('window', 'size', 'measure', 'every', 'frame_size', 'seed')


@dataclass(frozen=True)
class ReferenceBank:
    """A reference network to train, and the bank to draw with it.

    Attributes:
        cfg: Config of the network.
        bank: Options of :class:`~..preparation.frame_bank.build.FrameBankOptions`.
    """

    cfg: Config
    bank: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_config(cls, given: Mapping[str, Any], folder: Path) -> 'ReferenceBank':
        """Read ``comparison.reference``.

        Args:
            given: ``config`` (path, relative to ``folder``, or ``albar_mm::<name>``), optionally
                ``cfg_options``, and options of the bank: ``window``, ``size``, ``measure``,
                ``every``, ``frame_size``, ``seed``.
            folder: Where the config that names it lies.

        Raises:
            LaunchError: No such config, an unknown key, or a bank that cannot be made, which would
                show only after the training.
        """
        known = ('config', 'cfg_options', *_OF_BANK)
        unknown = sorted(set(given) - set(known))
        if unknown or 'config' not in given:
            wrong = f'unknown {unknown[0]!r}' if unknown else 'no config'
            raise LaunchError(f'comparison.reference: {wrong}; expected {", ".join(known)}')
        named = os.fspath(given['config'])
        cfg = load_config(named if '::' in named else folder / named, given.get('cfg_options'))
        bank = {key: given[key] for key in _OF_BANK if key in given}
        bank = {key: tuple(v) if isinstance(v, list) else v for key, v in bank.items()}
        try:
            FrameBankOptions(**bank)
        except DatasetError as error:
            raise LaunchError(f'comparison.reference: {error}') from error
        return cls(cfg, bank)

    def path(self, folder: Path) -> Path:
        """Where the bank lies, or will lie, in the folder of the reference network."""
        return folder.absolute() / 'bank.npz'

    def make(self, folder: Path) -> Path:
        """Train the network in a folder and write the bank, or go on, or reuse what is there.

        Raises:
            LaunchError: ``folder`` holds another network, or its training fails.
            DatasetError: The bank cannot be made.
        """
        settings = f'{self.cfg.pretty_text}\n{sorted(self.bank.items())}'
        digest = hashlib.sha256(settings.encode()).hexdigest()
        state = read_record(folder / _STATE, digest)
        if state is None:
            state = dict(settings_sha256=digest)
            write_json(folder / _STATE, state)
        if not state.get('trained'):
            print_log('=== reference network of StillMix', logger='current')
            train(self.cfg, work_dir=str(folder), resume='auto')
            write_json(folder / _STATE, dict(state, trained=True))
        path = self.path(folder)
        if not path.is_file():
            options = FrameBankOptions(**self.bank)
            _, lines = build_frame_bank(self.cfg, last_checkpoint(folder), path, options)
            print_log('\n'.join(lines), logger='current')
        return path


BASELINE = 'none'
ROWS = {
    BASELINE: 'None',
    'mixup': 'Mixup',
    'videomix': 'VideoMix',
    'sdn': 'SDN',
    'be': 'BE',
    'actorcutmix': 'ActorCutMix',
    'fame': 'FAME',
    'stillmix': 'StillMix',
    'albar': 'ALBAR',
    'albar+stillmix': 'ALBAR+StillMix',
}
"""Method -> name of its row, in the order of the paper's table."""
_OUTPUT = 'output.txt'
_FILES = {'sdn': ('scenes', 'boxes'), 'actorcutmix': ('boxes',), 'stillmix': ('bank',)}


@dataclass(frozen=True)
class Plan:
    """What is compared.

    Attributes:
        cfg: The plain config, without its ``comparison``.
        options: Method -> options of :func:`albar_mm.mixin.debias`.
        notes: Method -> what its row was given, shown under the table.
        reference: Network whose frame bank StillMix uses; None: frames of the batch, or a bank
            that ``options`` name.
    """

    cfg: Config
    options: Mapping[str, Mapping[str, Any]]
    notes: Mapping[str, str] = field(default_factory=dict)
    reference: ReferenceBank | None = None


def read_plan(
    config: str | os.PathLike,
    cfg_options: Mapping[str, Any] | Sequence[str] | None = None,
    files: Mapping[str, str] | None = None,
) -> Plan:
    """Read a config and its variable ``comparison``.

    ``comparison`` is a dict with the optional keys ``scenes``, ``boxes``, ``bank`` (files, as for
    :func:`~albar_mm.mixin.debias`), ``reference`` (see :class:`ReferenceBank`), ``options``
    (method -> options) and ``notes`` (method -> text).

    Args:
        config: The config of the plain model.
        cfg_options: Settings that override the config.
        files: ``scenes``, ``boxes`` or ``bank``, which come before those of the config.

    Raises:
        LaunchError: ``comparison`` has an unknown key, method or option file.
    """
    cfg = load_config(config, cfg_options)
    given = dict(cfg.pop('comparison', None) or {})
    by_method, notes = dict(given.get('options') or {}), dict(given.get('notes') or {})
    known = ('bank', 'boxes', 'notes', 'options', 'reference', 'scenes')
    unknown = sorted(given.keys() - set(known)) + [m for m in (*by_method, *notes) if m not in ROWS]
    if unknown:
        raise LaunchError(
            f'{config}: comparison: unknown {unknown[0]!r}; expected {", ".join(known)}, and the '
            f'methods {", ".join(ROWS)}'
        )
    given.update({key: path for key, path in (files or {}).items() if path})
    options = {method: dict(by_method.get(method) or {}) for method in METHODS}
    for method, needed in _FILES.items():
        for name in needed:
            left_out = name == 'scenes' and options[method].get('scene', {}) is None
            if given.get(name) and not left_out:
                options[method].setdefault(name, given[name])
    reference = None
    if given.get('reference') and not options['stillmix'].get('bank'):
        reference = ReferenceBank.from_config(given['reference'], Path(cfg.filename or '').parent)
    return Plan(cfg, options, notes, reference)


@sole_user_of('work_dir')
def run_comparison(
    config: str | os.PathLike,
    work_dir: str | os.PathLike,
    methods: Sequence[str] = ('all',),
    seeds: Sequence[int] = (0,),
    cfg_options: Mapping[str, Any] | Sequence[str] | None = None,
    files: Mapping[str, str] | None = None,
    test_after: bool = True,
    trials: str | os.PathLike | None = None,
    jobs: int = 1,
) -> dict[str, list[dict[str, Any]]]:
    """Train and test every method with every seed; print the table after every row.

    Every method gets the schedule of the config. Writes ``results.json``, ``table.txt``,
    ``comparison.png`` and ``report.html`` to ``work_dir``. The first table is that of the last
    weights; that of the weights which the validation set chose stands apart. Nothing is chosen on
    test or OOD sets. What is finished is not repeated.

    Args:
        config: See :func:`read_plan`.
        work_dir: Folder to write to.
        methods: Names as in :data:`ROWS`, or ``'all'``.
        seeds: One run of every method for each.
        cfg_options: Settings for every run.
        files: See :func:`read_plan`.
        test_after: False leaves the validation scores alone, by which settings are chosen.
        trials: See :func:`~.experiment.run_experiment`.
        jobs: Runs at the same time, each in a process of its own that prints to ``output.txt`` in
            its folder. With 1 they run in this process.

    Returns:
        Name of the row -> records of its seeds.

    Raises:
        LaunchError: A method cannot be mixed into the config, or a run fails.
    """
    plan, folder = read_plan(config, cfg_options, files), Path(work_dir)
    chosen = _chosen(methods)
    _check_scores(plan.cfg, config, test_after)
    experiments = {method: _experiment(plan, method, folder) for method in chosen}  # fails early
    reference = plan.reference if 'stillmix' in chosen else None
    how = dict(test_after=test_after, trials=trials, test_best=test_after)
    if jobs > 1:
        run_side_by_side(_jobs(experiments, reference, folder, seeds, how), jobs)
    if reference is not None:
        reference.make(folder / 'reference')
    results: dict[str, list[dict[str, Any]]] = {}
    for method, experiment in experiments.items():  # what ran side by side is read back here
        results[experiment.name] = run_seeds(experiment, folder / method, seeds, **how)
        print(summary_table(results, f'{len(seeds)} seed(s), last weights'), flush=True)
        write_summary(folder / 'results.json', results)
    if test_after:
        _write_pages(plan, folder, results, experiments, seeds)
    return results


def _chosen(methods: Sequence[str]) -> list[str]:
    names = list(ROWS) if 'all' in methods else list(dict.fromkeys(map(str.lower, methods)))
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        near = did_you_mean(unknown[0], ROWS)
        raise LaunchError(f'unknown method {unknown[0]!r}{near}; there are all, {", ".join(ROWS)}')
    return names


def _experiment(plan: Plan, method: str, folder: Path) -> Experiment:
    if method == BASELINE:
        return Experiment(ROWS[method], plan.cfg)
    options = plan.options[method]
    banks = method == 'stillmix' and plan.reference is not None
    try:
        cfg = debias(plan.cfg, method, **options | (dict(bank=None) if banks else {}))
    except DebiasError as error:
        raise LaunchError(str(error)) from error
    if banks:
        # it is written later, by a network of this config's own classes
        bank = plan.reference.path(folder / 'reference')
        cfg.model.data_preprocessor.blending['bank'] = str(bank)
    # files lie elsewhere on each machine
    described = {k: v for k, v in options.items() if k not in _FILES.get(method, ())}
    name = ROWS[method] + ('-random' if lacks_bank(cfg.model) else '')
    return Experiment(name, cfg, described=described)


def _jobs(
    experiments: Mapping[str, Experiment],
    reference: ReferenceBank | None,
    folder: Path,
    seeds: Sequence[int],
    how: Mapping[str, Any],
) -> list[Job]:
    place, made = folder / 'reference', []
    if reference is not None and not reference.path(place).is_file():
        made.append(Job(place.name, partial(reference.make, place), place / _OUTPUT))
    needed = {'stillmix': [job.name for job in made]}
    parts = {key: how[key] for key in ('test_after', 'test_best')}
    # the longest come first, so that none is left over when the others are done
    for method in sorted(experiments, key=lambda m: 'static' not in experiments[m].config.model):
        for seed in seeds:
            experiment, place = experiments[method], folder / method / f'seed{seed}'
            if not is_finished(experiment, place, seed, **parts):
                work = partial(run_experiment, experiment, place, seed, **how)
                name = f'{experiment.name}, seed {seed}'
                made.append(Job(name, work, place / _OUTPUT, needed.get(method, ())))
    return made


def _check_scores(cfg: Config, config: str | os.PathLike, test_after: bool) -> None:
    """Refuse before the first training what would leave the table empty after the last."""
    save_best = ((cfg.get('default_hooks') or {}).get('checkpoint') or {}).get('save_best')
    metrics = cfg.get('test_evaluator') or []
    metrics = [metrics] if isinstance(metrics, Mapping) else metrics
    kinds = [class_of(metric, METRICS) for metric in metrics]
    measured = any(kind is not None and issubclass(kind, BiasMetric) for kind in kinds)
    lacking = []
    if cfg.get('val_dataloader') is None or not save_best:
        lacking.append(
            'a val_dataloader with default_hooks.checkpoint.save_best, which choose weights '
            'without a test set'
        )
    if test_after and not (cfg.get('test_dataloader') and measured):
        lacking.append("a test_dataloader with test_evaluator = dict(type='BiasMetric')")
    if lacking:
        raise LaunchError(
            f'{config}: the table needs {" and ".join(lacking)}: add them as '
            'configs/erm_hmdb51.py has them'
        )


def _write_pages(
    plan: Plan,
    folder: Path,
    results: Mapping[str, Sequence[Mapping[str, Any]]],
    experiments: Mapping[str, Experiment],
    seeds: Sequence[int],
) -> None:
    count = f'{len(seeds)} seed(s)'
    tables = [
        summary_table(results, f'{count}, last weights'),
        summary_table(results, f'{count}, weights chosen by validation contrast', 'metrics_best'),
    ]
    given = {**_batch_notes(experiments), **plan.notes}
    notes = [f'{each.name}: {given[m]}' for m, each in experiments.items() if m in given]
    text = '\n\n'.join([*tables, *(['\n'.join(notes)] if notes else [])]) + '\n'
    write_text(folder / 'table.txt', text)
    picture = comparison_figure(folder / 'comparison.png', scores_of(results), count)
    named = [
        (each.name, folder / method / f'seed{seed}' / 'results.json')
        for method, each in experiments.items()
        for seed in seeds
    ]
    make_report([], named, folder / 'report.html', folder / 'report.md')
    print_log(
        f'\n{text}\ntable: {folder / "table.txt"}\npicture: {picture}\n'
        f'report: {folder / "report.html"}',
        logger='current',
    )


def _batch_notes(experiments: Mapping[str, Experiment]) -> dict[str, str]:
    """Said of the rows whose still frames come from the batch."""
    frames = 'frames of the other clips of the batch'
    return {
        method: f'{frames}, no frame bank' if lacks_bank(model) else f'{frames}, as published'
        for method, model in ((m, each.config.model) for m, each in experiments.items())
        if mixes_batch(model)
    }
