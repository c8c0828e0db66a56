"""One experiment: train a config once, test its last weights once, keep the scores."""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from ..engine.checkpoints.source import last_checkpoint
from ..engine.launch import load_config, test, train
from ..evaluation.tables import COMPARISON_COLUMNS, format_bias_comparison
from ..utils.errors import DatasetError, LaunchError
from ..utils.files import read_json, write_json
from ..utils.identity import library_versions

SCORES_FILE = 'experiment.json'
_VALIDATION = (
    ('val top-1', 'val/top1'),
    ('val static top-1', 'val/static_top1'),
    ('val contrast', 'val/contrast'),
)


@dataclass(frozen=True)
class Experiment:
    """What to train.

    Attributes:
        name: Row name in tables.
        config: A config or its path.
        options: Dotted settings that override the config.
        described: Settings that are in the config already and belong in the record.
    """

    name: str
    config: Config | str
    options: Mapping[str, Any] = field(default_factory=dict)
    described: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def text(self) -> str:
        """The config with the options, laid out: about a second, so once for all seeds."""
        return load_config(self.config, self.options).pretty_text


def run_experiment(
    experiment: Experiment,
    work_dir: str | os.PathLike,
    seed: int = 0,
    test_after: bool = True,
    trials: str | os.PathLike | None = None,
    test_best: bool = False,
) -> dict[str, Any]:
    """Train and test, or return what an earlier call with the same settings left.

    An interrupted training goes on from its last epoch checkpoint. The *last* weights are tested,
    and those that were best on the validation set if asked for; nothing is selected on test or OOD
    data.

    Args:
        experiment: What to train.
        work_dir: Folder of this one run.
        seed: Seed of the run.
        test_after: Also run the test loop. Without it only validation scores are kept, which is
            how settings are chosen.
        trials: JSON-lines file to which the setting and its validation scores are appended, once.
        test_best: Also test the checkpoint that validation chose, in ``<work_dir>/best``.

    Returns:
        ``name``, ``seed``, ``options``, ``settings_sha256``, ``validation`` (scores of the last
        validation), ``train_seconds``, ``test_seconds`` and, if tested, ``metrics`` (last weights)
        and ``metrics_best`` with ``best_checkpoint``.

    Raises:
        LaunchError: ``work_dir`` holds a run of other settings, the run itself fails, or no
            checkpoint was chosen by validation.
    """
    folder, digest = Path(work_dir), _digest(experiment, seed)
    path, cfg = folder / SCORES_FILE, load_config(experiment.config, experiment.options)
    record = read_record(path, digest)
    if record is None:
        record = {
            'name': experiment.name,
            'config': Path(cfg.filename or 'config').name,
            'seed': seed,
            'options': {**experiment.described, **experiment.options},
            'settings_sha256': digest,
        }
        write_json(path, record)
    if 'validation' not in record:
        started = time.monotonic()
        # MMEngine keeps a validation score under 'val/<its name>'
        scalars = train(cfg, work_dir=str(folder), seed=seed, resume='auto').message_hub.log_scalars
        record['train_seconds'] = round(time.monotonic() - started, 1)
        record['validation'] = {
            key.removeprefix('val/'): scalars[key].current()
            for key in scalars
            if key.startswith('val/') and key not in ('val/time', 'val/data_time')
        }
        write_json(path, record)
        if trials is not None:
            _append_trial(Path(trials), record)
    if test_after and 'metrics' not in record:
        started = time.monotonic()
        record['metrics'] = test(cfg, last_checkpoint(folder), work_dir=str(folder))
        record['test_seconds'] = round(time.monotonic() - started, 1)
        write_json(path, record)
    if test_after and test_best and 'metrics_best' not in record:
        best, last = _best_checkpoint(folder), Path(last_checkpoint(folder))
        same = best.name.endswith(f'_{last.name}')  # best_val_contrast_epoch_6.pth, epoch_6.pth
        record['metrics_best'] = (
            dict(record['metrics']) if same else test(cfg, best, work_dir=str(folder / 'best'))
        )
        record['best_checkpoint'] = best.name
        write_json(path, record)
    return record


def is_finished(
    experiment: Experiment,
    work_dir: str | os.PathLike,
    seed: int = 0,
    test_after: bool = True,
    test_best: bool = False,
) -> bool:
    """Whether :func:`run_experiment` would have nothing left to do; arguments as there.

    Raises:
        LaunchError: ``work_dir`` holds a run of other settings.
    """
    record = read_record(Path(work_dir) / SCORES_FILE, _digest(experiment, seed)) or {}
    wanted = {'validation'}
    if test_after:
        wanted |= {'metrics', 'metrics_best'} if test_best else {'metrics'}
    return wanted <= record.keys()


def run_seeds(
    experiment: Experiment,
    work_dir: str | os.PathLike,
    seeds: Sequence[int],
    **how: Any,
) -> list[dict[str, Any]]:
    """:func:`run_experiment` once for each seed, in ``<work_dir>/seed<n>``.

    Args:
        experiment: What to train.
        work_dir: Folder of all its runs.
        seeds: One run for each.
        **how: ``test_after``, ``trials`` and ``test_best``, as there.
    """
    records = []
    for seed in seeds:
        print_log(f'=== {experiment.name}, seed {seed}', logger='current')
        records.append(run_experiment(experiment, Path(work_dir) / f'seed{seed}', seed, **how))
    return records


def summary_table(
    results: Mapping[str, Sequence[Mapping[str, Any]]], title: str = '', part: str = 'metrics'
) -> str:
    """Mean ± sd over seeds: the paper's columns, or validation scores if nothing was tested.

    Args:
        results: Row name to the records of its seeds.
        title: First line.
        part: ``'metrics'`` for the last weights, ``'metrics_best'`` for those that validation
            chose.
    """
    tested = all(part in record for records in results.values() for record in records)
    part, columns = (part, COMPARISON_COLUMNS) if tested else ('validation', _VALIDATION)
    return format_bias_comparison(scores_of(results, part), title, columns)


def scores_of(
    results: Mapping[str, Sequence[Mapping[str, Any]]], part: str = 'metrics'
) -> dict[str, list[Mapping[str, float]]]:
    """One part of the records of several experiments, as for :func:`summary_table`."""
    return {name: [record[part] for record in records] for name, records in results.items()}


def write_summary(
    path: str | os.PathLike, results: Mapping[str, Sequence[Mapping[str, Any]]]
) -> None:
    """Write all records of several experiments to one JSON file, with library versions."""
    write_json(path, {'versions': library_versions(), 'rows': results})


def read_record(path: Path, digest: str) -> dict[str, Any] | None:
    """What an earlier run noted of itself in a JSON file; None where there is no such file.

    Args:
        path: The file.
        digest: SHA-256 of this run's settings; the file has that of the earlier one.

    Raises:
        LaunchError: It is broken, or of other settings.
    """
    if not path.is_file():
        return None
    try:
        record = read_json(path)
    except DatasetError as error:
        raise LaunchError(f'{error}: delete {path.parent} to run it anew') from error
    for part in ('validation', 'metrics', 'metrics_best'):
        scores = record.get(part, {})
        if not isinstance(scores, dict) or not all(map(_is_score, scores.values())):
            raise LaunchError(
                f'{path}: {part}: expected scores by their names: delete {path.parent} to run it '
                'anew'
            )
    if record.get('settings_sha256') != digest:
        raise LaunchError(
            f'{path.parent} holds a run of other settings: give another work folder or delete '
            'this one'
        )
    return record


def _is_score(value: Any) -> bool:
    return isinstance(value, int | float) and not abs(value) > 1e300  # NaN is one


def _digest(experiment: Experiment, seed: int) -> str:
    return hashlib.sha256(f'{experiment.text}\nseed={seed}'.encode()).hexdigest()


def _best_checkpoint(work_dir: Path) -> Path:
    found = sorted(work_dir.glob('best_*.pth'), key=lambda path: path.stat().st_mtime)
    if not found:
        raise LaunchError(
            f'{work_dir}: holds no best_*.pth: the config must validate and have '
            "default_hooks.checkpoint.save_best, e.g. 'val/contrast'"
        )
    return found[-1]


def _append_trial(path: Path, record: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = ('name', 'config', 'seed', 'options', 'validation', 'train_seconds')
    row = {'date': time.strftime('%Y-%m-%d'), **{key: record[key] for key in kept}}
    with path.open('a') as stream:
        stream.write(json.dumps(row) + '\n')
