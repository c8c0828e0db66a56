"""``results.json``: what was measured, on which data, with which weights and versions."""

import hashlib
import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmaction.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, EpochBasedTrainLoop, Runner
from torch import nn

from ..utils.config_types import type_name
from ..utils.files import write_json
from ..utils.identity import file_identity, library_versions, weights_sha256
from ..utils.settings import plain

SCHEMA_VERSION = 1
_BEST = re.compile(r'best_(?P<score>.+)_epoch_(?P<epoch>\d+)\.pth')


def write_results(
    path: str | os.PathLike,
    metrics: Mapping[str, float],
    protocol: Mapping[str, Any],
    data: Iterable[Mapping[str, Any]] = (),
    checkpoint: Mapping[str, Any] | None = None,
    seed: int | None = None,
    **extra: Any,
) -> dict[str, Any]:
    """Write one evaluation's ``results.json``, whole or not at all.

    JSON has no NaN or infinity: such a metric is written as ``null`` and named under
    ``non_finite``.

    Args:
        path: file to write; its folder is made if absent.
        metrics: name -> value, percentages unless the name says otherwise.
        protocol: how it was measured, e.g. from :func:`describe_protocol`.
        data: identities of the annotation files and manifests, from :func:`file_identity`.
        checkpoint: identity of the weights.
        seed: seed of the run.
        **extra: further JSON-ready entries, e.g. ``config``.

    Returns:
        The document as written.

    Raises:
        TypeError: if a value cannot be written as JSON; names the key.
        ValueError: if an extra entry has a reserved name.
    """
    numbers = {key: _number(key, value) for key, value in metrics.items()}
    non_finite = [key for key, value in numbers.items() if not math.isfinite(value)]
    document: dict[str, Any] = dict(
        schema_version=SCHEMA_VERSION,
        metrics=numbers | dict.fromkeys(non_finite),
        protocol=dict(protocol),
        data=[dict(entry) for entry in data],
        checkpoint=dict(checkpoint) if checkpoint is not None else None,
        seed=seed,
        versions=library_versions(),
        **({'non_finite': non_finite} if non_finite else {}),
    )
    reserved = sorted(extra.keys() & (document.keys() | {'non_finite'}))
    if reserved:
        raise ValueError(f'results.json already has entries named {reserved}')
    document.update(extra)
    for key, value in document.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            name = Path(path).name
            raise TypeError(f'{name}: entry {key!r} is not plain JSON: {error}') from error
    write_json(path, document, indent=2)
    return plain(document)


def describe_protocol(dataset: Any, model: nn.Module | None = None) -> dict[str, Any]:
    """Describe what a dataset and its test pipelines measure.

    Args:
        dataset: a dataset with ``pipeline``; a :class:`BiasBenchmarkDataset` adds one pipeline per
            overridden domain and the size of every set. Wrappers are followed through ``.dataset``.
        model: recogniser whose head says how the views of a video are averaged.

    Returns:
        ``num_samples``, ``sets`` (name -> number of videos), ``missing_sets`` (names of those that
        were asked for and are not there, so not in the averages), ``pipelines`` (name -> list of
        transforms with their settings), ``clip_sampling`` (name -> settings of the frame samplers)
        and ``average_clips``.
    """
    inner, metainfo = innermost_dataset(dataset), getattr(dataset, 'metainfo', {})
    pipelines = getattr(inner, 'pipelines', None) or {'all': getattr(inner, 'pipeline', None)}
    described = {
        name: [_describe_transform(t) for t in getattr(pipeline, 'transforms', [])]
        for name, pipeline in pipelines.items()
    }
    return dict(
        num_samples=len(dataset),
        sets=dict(metainfo.get('sets', {})),
        missing_sets=list(metainfo.get('missing_sets', [])),
        pipelines=described,
        clip_sampling={
            name: [step for step in steps if 'Sample' in type_name(step)]
            for name, steps in described.items()
        },
        average_clips=getattr(getattr(model, 'cls_head', None), 'average_clips', None),
    )


def training_of(checkpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Which weights of a training by epochs a checkpoint of MMEngine holds, by what it says.

    Returns:
        ``epoch`` and ``epochs`` of the training, and ``chosen_by``: the score that chose these
        weights, as in ``best_<score>_epoch_<n>.pth``, or None where nothing chose them. Empty where
        it does not say, as for converted weights.
    """
    info = (checkpoint.get('message_hub') or {}).get('runtime_info') or {}
    epoch, epochs = (checkpoint.get('meta') or {}).get('epoch'), info.get('max_epochs')
    if not epoch or not epochs:
        return {}
    # an epoch's own checkpoint also names the best one, but only that has no optimiser
    best = [str(value) for key, value in info.items() if key.startswith('best_ckpt')]
    names = [_BEST.fullmatch(Path(path).name) for path in best if 'optimizer' not in checkpoint]
    chosen = [name['score'] for name in names if name and int(name['epoch']) == epoch]
    return dict(epoch=epoch, epochs=epochs, chosen_by=', '.join(chosen) or None)


def innermost_dataset(dataset: Any) -> Any:
    """The dataset inside any number of wrappers that keep it as ``.dataset``."""
    while hasattr(dataset, 'dataset'):
        dataset = dataset.dataset
    return dataset


def _describe_transform(transform: Any) -> dict[str, Any]:
    settings = {
        key: value
        for key, value in vars(transform).items()
        if not key.startswith('_') and _is_plain(value)
    }
    return dict(type=type_name(transform), **settings)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, bool | int | str)


def _number(key: str, value: Any) -> float:
    try:
        return value if isinstance(value, int) else float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f'metric {key!r} must be a number, got {type(value).__name__}') from error


@HOOKS.register_module()
class ResultsHook(Hook):
    """Write the metrics of a test run, with everything needed to repeat it, to one JSON file.

    Only the main process writes. See :func:`write_results` for the file.

    Args:
        filename: name of the file.
        out_dir: folder to write to; by default the runner's work folder.

    Example config::

        custom_hooks = [dict(type='ResultsHook')]
    """

    # after hooks that add metrics
    priority = 'VERY_LOW'

    def __init__(
        self, filename: str = 'results.json', out_dir: str | os.PathLike | None = None
    ) -> None:
        self.filename = filename
        self.out_dir = out_dir
        self._training: dict[str, Any] = {}

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note which weights of a training they are."""
        self._training = training_of(checkpoint)

    def after_test_epoch(self, runner: Runner, metrics: Mapping[str, float] | None = None) -> None:
        """Write the file."""
        if not is_main_process():
            return
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        dataset = runner.test_dataloader.dataset
        path = Path(self.out_dir or runner.work_dir) / self.filename
        write_results(
            path,
            metrics or {},
            describe_protocol(dataset, model),
            data=[file_identity(file, name) for name, file in _source_files(dataset).items()],
            checkpoint=_checkpoint_identity(runner, model, self._training),
            seed=runner.seed,
            config=dict(
                file=Path(runner.cfg.filename).name if runner.cfg.filename else None,
                sha256=hashlib.sha256(runner.cfg.pretty_text.encode()).hexdigest(),
            ),
            run=runner.timestamp,
            **{
                key: value
                for metric in getattr(getattr(runner, 'test_evaluator', None), 'metrics', ())
                for key, value in getattr(metric, 'results_entries', {}).items()
            },
        )
        print_log(f'Results written to {path}', logger='current')


def _source_files(dataset: Any) -> dict[str, str]:
    """Annotation files and manifests of a dataset: name in the results -> path."""
    inner = innermost_dataset(dataset)
    files = getattr(inner, 'source_files', None)
    if files is not None:
        return dict(files)
    ann_file = getattr(inner, 'ann_file', '')
    return {Path(ann_file).name: ann_file} if ann_file and Path(ann_file).is_file() else {}


def _checkpoint_identity(runner: Runner, model: Any, training: Mapping[str, Any]) -> dict[str, Any]:
    identity: dict[str, Any] = dict(weights_sha256=weights_sha256(model), file=None)
    # runner.iter would build the training loop, whose data a test need not have
    loop = runner._train_loop
    iterations = loop.iter if isinstance(loop, BaseLoop) else 0
    if iterations > 0:
        # the weights in memory have moved on from any file that was loaded
        identity['trained_iterations'] = iterations
        if isinstance(loop, EpochBasedTrainLoop):
            training = dict(epoch=loop.epoch, epochs=loop.max_epochs, chosen_by=None)
    elif runner._load_from:
        source = str(runner._load_from)
        identity.update(file_identity(source) if Path(source).is_file() else dict(file=source))
    if training:
        identity['training'] = dict(training)
    return identity
