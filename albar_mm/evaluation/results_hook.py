"""Write ``results.json`` at the end of every test run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmaction.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, Runner

from ..utils.identity import file_identity, weights_sha256
from .results import describe_protocol, innermost_dataset, write_results


@HOOKS.register_module()
class ResultsHook(Hook):
    """Write the metrics of a test run, with everything needed to repeat it, to one JSON file.

    Only the main process writes. See :func:`albar_mm.evaluation.results.write_results` for the
    file.

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
            checkpoint=_checkpoint_identity(runner, model),
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


def _checkpoint_identity(runner: Runner, model: Any) -> dict[str, Any]:
    identity: dict[str, Any] = dict(weights_sha256=weights_sha256(model), file=None)
    # runner.iter would build the training loop, whose data a test need not have
    loop = runner._train_loop
    iterations = loop.iter if isinstance(loop, BaseLoop) else 0
    if iterations > 0:
        # the weights in memory have moved on from any file that was loaded
        identity['trained_iterations'] = iterations
    elif runner._load_from:
        source = str(runner._load_from)
        identity.update(file_identity(source) if Path(source).is_file() else dict(file=source))
    return identity
