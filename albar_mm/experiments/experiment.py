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

from ..engine.launch import load_config, test, train
from ..evaluation.tables import COMPARISON_COLUMNS, format_bias_comparison
from ..utils.errors import LaunchError
from ..utils.files import write_text
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
        name (str): Row name in tables.
        config (Config | str): A config or its path.
        options (Mapping): Dotted settings that override the config.
        described (Mapping): Settings that are in the config already and belong in the record.
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
        experiment (Experiment): What to train.
        work_dir (str | os.PathLike): Folder of this one run.
        seed (int): Seed of the run.
        test_after (bool): Also run the test loop. Without it only validation scores are kept, which
            is how settings are chosen. Defaults to True.
        trials (str | os.PathLike, optional): JSON-lines file to which the setting and its
            validation scores are appended, once.
        test_best (bool): Also test the checkpoint that validation chose, in ``<work_dir>/best``.
            Defaults to False.

    Returns:
        dict: ``name``, ``seed``, ``options``, ``settings_sha256``, ``validation`` (scores of the
        last validation), ``train_seconds``, ``test_seconds`` and, if tested, ``metrics`` (last
        weights) and ``metrics_best`` with ``best_checkpoint``.

    Raises:
        LaunchError: If ``work_dir`` holds a run of other settings, the run itself fails, or no
            checkpoint was chosen by validation.
    """
    work_dir = Path(work_dir)
    cfg, digest = load_config(experiment.config, experiment.options), _digest(experiment, seed)
    record = _load(work_dir / SCORES_FILE, digest)
    if record is None:
        record = {
            'name': experiment.name,
            'config': Path(cfg.filename or 'config').name,
            'seed': seed,
            'options': {**experiment.described, **experiment.options},
            'settings_sha256': digest,
        }
        _save(work_dir, record)
    if 'validation' not in record:
        started = time.monotonic()
        runner = train(cfg, work_dir=str(work_dir), seed=seed, resume='auto')
        record['train_seconds'] = round(time.monotonic() - started, 1)
        record['validation'] = _last_validation(runner)
        _save(work_dir, record)
        if trials is not None:
            _append_trial(Path(trials), record)
    if test_after and 'metrics' not in record:
        started = time.monotonic()
        checkpoint = (work_dir / 'last_checkpoint').read_text().strip()
        record['metrics'] = test(cfg, checkpoint, work_dir=str(work_dir))
        record['test_seconds'] = round(time.monotonic() - started, 1)
        _save(work_dir, record)
    if test_after and test_best and 'metrics_best' not in record:
        best = _best_checkpoint(work_dir)
        last = Path((work_dir / 'last_checkpoint').read_text().strip())
        same = best.name.endswith(f'_{last.name}')  # best_val_contrast_epoch_6.pth, epoch_6.pth
        record['metrics_best'] = (
            dict(record['metrics']) if same else test(cfg, best, work_dir=str(work_dir / 'best'))
        )
        record['best_checkpoint'] = best.name
        _save(work_dir, record)
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
        LaunchError: If ``work_dir`` holds a run of other settings.
    """
    record = _load(Path(work_dir) / SCORES_FILE, _digest(experiment, seed)) or {}
    return all(
        part in record
        for part, wanted in (
            ('validation', True),
            ('metrics', test_after),
            ('metrics_best', test_after and test_best),
        )
        if wanted
    )


def run_seeds(
    experiment: Experiment,
    work_dir: str | os.PathLike,
    seeds: Sequence[int],
    test_after: bool = True,
    trials: str | os.PathLike | None = None,
    test_best: bool = False,
) -> list[dict[str, Any]]:
    """:func:`run_experiment` once for each seed, in ``<work_dir>/seed<n>``."""
    records = []
    for seed in seeds:
        print_log(f'=== {experiment.name}, seed {seed}', logger='current')
        records.append(
            run_experiment(
                experiment, Path(work_dir) / f'seed{seed}', seed, test_after, trials, test_best
            )
        )
    return records


def summary_table(
    results: Mapping[str, Sequence[Mapping[str, Any]]], title: str = '', part: str = 'metrics'
) -> str:
    """Mean ± sd over seeds: the paper's columns, or validation scores if nothing was tested.

    Args:
        results (Mapping): Row name to the records of its seeds.
        title (str): First line.
        part (str): ``'metrics'`` for the last weights, ``'metrics_best'`` for those that validation
            chose.

    Returns:
        str: Text of several lines.
    """
    tested = all(part in record for records in results.values() for record in records)
    part, columns = (part, COMPARISON_COLUMNS) if tested else ('validation', _VALIDATION)
    return format_bias_comparison(
        {name: [record[part] for record in records] for name, records in results.items()},
        title,
        columns,
    )


def write_summary(
    path: str | os.PathLike, results: Mapping[str, Sequence[Mapping[str, Any]]]
) -> None:
    """Write all records of several experiments to one JSON file, with library versions.

    Args:
        path (str | os.PathLike): File to write.
        results (Mapping): Row name to the records of its seeds.
    """
    document = {'versions': library_versions(), 'rows': results}
    write_text(Path(path), json.dumps(document, indent=1) + '\n')


def _digest(experiment: Experiment, seed: int) -> str:
    return hashlib.sha256(f'{experiment.text}\nseed={seed}'.encode()).hexdigest()


def _load(path: Path, digest: str) -> dict[str, Any] | None:
    if not path.exists():
        return None
    record = json.loads(path.read_text())
    if record.get('settings_sha256') != digest:
        raise LaunchError(
            f'{path.parent} holds a run of other settings: give another work folder '
            'or delete this one'
        )
    return record


def _save(work_dir: Path, record: Mapping[str, Any]) -> None:
    write_text(work_dir / SCORES_FILE, json.dumps(record, indent=1) + '\n')


def _best_checkpoint(work_dir: Path) -> Path:
    found = sorted(work_dir.glob('best_*.pth'), key=lambda path: path.stat().st_mtime)
    if not found:
        raise LaunchError(
            f'{work_dir}: holds no best_*.pth: the config must validate and have '
            "default_hooks.checkpoint.save_best, e.g. 'val/contrast'"
        )
    return found[-1]


def _last_validation(runner: Any) -> dict[str, float]:
    # MMEngine keeps a validation score under 'val/<its name>'.
    scalars = runner.message_hub.log_scalars
    return {
        key.removeprefix('val/'): scalars[key].current()
        for key in scalars
        if key.startswith('val/') and 'time' not in key
    }


def _append_trial(path: Path, record: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = ('name', 'config', 'seed', 'options', 'validation', 'train_seconds')
    row = {'date': time.strftime('%Y-%m-%d'), **{key: record[key] for key in kept}}
    with path.open('a') as stream:
        stream.write(json.dumps(row) + '\n')
