"""What detectors on frozen features share, whatever they detect: configs, runs, single videos."""

from __future__ import annotations

import copy
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from torch import nn

from albar_mm.engine.launch import load_config, unfilled
from albar_mm.experiments.experiment import Experiment, run_seeds, write_summary
from albar_mm.utils.errors import LaunchError
from albar_mm.utils.identity import is_weights_sha256

from ..features.command import run_features
from ..features.encoder import FrozenEncoder
from ..features.extract import extract_features, store_settings
from ..features.progress import VideoProgress
from ..features.readers import choose_reader
from ..features.sampling import Sampling
from ..features.store import FeatureStore
from ..features.time_grid import TimeGrid
from ..features.videos import Video


def detector_config(
    config: str | os.PathLike | Config,
    store: str | os.PathLike,
    kind: str,
    options: Mapping[str, Any] | Sequence[str] | None = None,
) -> tuple[Config, int]:
    """A detector's config for a store.

    ``feature_settings`` keeps how the features were made, for using the detector on a video later.

    Args:
        config: Config of a detector.
        store: Folder of the features.
        kind: Type of its model.
        options: Settings that override the config.

    Returns:
        The config, and the number of channels of the features.

    Raises:
        DatasetError: The store cannot be read.
        LaunchError: It is empty, or the config is none of a detector of that kind.
    """
    cfg, opened = load_config(config, options), FeatureStore(store)
    ids = opened.ids()
    if not ids:
        raise LaunchError(f'{store}: holds no features')
    if (cfg.get('model') or {}).get('type') != kind:
        article = 'an' if kind[0] in 'AEIOU' else 'a'
        raise LaunchError(f'{cfg.filename or "the config"}: its model is not {article} {kind}')
    cfg.feature_settings = copy.deepcopy(opened.settings)
    return cfg, opened.load(ids[0], mmap=True).shape[-1]


def encode_videos(
    encoders: Mapping[str, tuple[str | os.PathLike, str | os.PathLike]],
    videos: str | os.PathLike,
    work_dir: str | os.PathLike,
    sampling: Mapping[str, Any],
) -> dict[str, Path]:
    """Features of videos by each of several small encoders, on the CPU.

    Args:
        encoders: Row of the table -> config and weights.
        videos: Folder of the videos.
        work_dir: Folder of the stores, ``features/<row>``.
        sampling: See :func:`~.features.presets.sampling_of`.

    Returns:
        Row -> store.
    """
    stores = {}
    for name, (config, checkpoint) in encoders.items():
        stores[name] = Path(work_dir) / 'features' / folder_name(name)
        run_features(
            str(config),
            str(checkpoint),
            [str(videos)],
            str(stores[name]),
            sampling=sampling,
            batch_size=32,
            device='cpu',
        )
    return stores


def run_detectors(
    configs: Mapping[str, Config], work_dir: str | os.PathLike, seeds: Sequence[int]
) -> dict[str, list[dict[str, Any]]]:
    """Train and test each detector once a seed; finished runs are not repeated.

    The last weights are tested and, if the config chooses a checkpoint on held-out videos
    (``save_best``), those as well.

    Args:
        configs: Row of the table -> config, as :func:`detector_config` makes it.
        work_dir: Folder of the runs, and of ``results.json``.
        seeds: Of the runs.

    Returns:
        Row -> records of its seeds, see :func:`albar_mm.experiments.experiment.run_experiment`.
    """
    work_dir = Path(work_dir)
    records = {
        name: run_seeds(
            Experiment(name, cfg),
            work_dir / folder_name(name),
            seeds,
            test_best=bool(cfg.default_hooks.checkpoint.get('save_best')),
        )
        for name, cfg in configs.items()
    }
    write_summary(work_dir / 'results.json', records)
    return records


def folder_name(name: str) -> str:
    """Folder of a row's runs.

    Args:
        name: The row.
    """
    return name.lower().replace(' ', '_').replace('/', '_')


def last_weights(work_dir: str | os.PathLike, name: str, seed: int) -> str:
    """Last checkpoint of a run of :func:`run_detectors`.

    Args:
        work_dir: As there.
        name: Row of the table.
        seed: Which run.
    """
    folder = Path(work_dir) / folder_name(name) / f'seed{seed}'
    return (folder / 'last_checkpoint').read_text().strip()


def config_beside(checkpoint: str | os.PathLike) -> Path:
    """The config that a training wrote beside its weights.

    Args:
        checkpoint: The weights.

    Raises:
        LaunchError: The weights are not there, or there is no config, or there are several.
    """
    if not os.path.isfile(checkpoint):
        raise LaunchError(f'checkpoint {os.fspath(checkpoint)}: no such file')
    found = sorted(Path(checkpoint).parent.glob('*.py'))
    if len(found) != 1:
        raise LaunchError(
            f'{Path(checkpoint).parent}: {len(found)} configs beside the checkpoint; '
            'name the one of the detector (--config)'
        )
    return found[0]


def load_detector(config: str | os.PathLike | Config, checkpoint: str | os.PathLike) -> nn.Module:
    """A detector with its weights, ready for use.

    Args:
        config: Its config.
        checkpoint: Its weights; loaded as data.

    Raises:
        LaunchError: The weights are not there or do not fit.
    """
    cfg, path = load_config(config), os.fspath(checkpoint)
    if not os.path.isfile(path):
        raise LaunchError(f'checkpoint {path}: no such file')
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    model = MODELS.build(cfg.model)
    given = load_checkpoint(model, path, map_location='cpu', logger='silent')
    fault = unfilled(model.named_parameters(), given.get('state_dict', given))
    if fault:
        raise LaunchError(f'checkpoint {path} does not fit the model of {cfg.filename}: {fault}')
    model.train(False)
    return model


def features_for_detector(
    video: str | os.PathLike,
    cfg: Config,
    encoder: str,
    weights: str,
    decoder: str = 'auto',
    device: str = 'cpu',
) -> tuple[TimeGrid, np.ndarray]:
    """Features of one video, made like those that a detector was trained on.

    Args:
        video: The video file.
        cfg: Config of the detector.
        encoder: Config of the encoder.
        weights: Its checkpoint, the one that the detector was trained with.
        decoder: See :func:`~downstream.features.readers.choose_reader`.
        device: Where the encoder runs.

    Returns:
        Time grid, and features of shape (T, C) or (T, crops, C).

    Raises:
        LaunchError: The detector was not trained on features of this encoder.
        BadVideoError: The video cannot be read.
    """
    if cfg.get('feature_settings') is None:
        raise LaunchError(
            f'{cfg.filename}: does not say how its features were made; train with '
            'tools/downstream.py'
        )
    settings, reader = cfg.feature_settings.to_dict(), choose_reader(decoder)
    sampling = Sampling(**settings['sampling'])
    made = FrozenEncoder(
        encoder,
        weights,
        level=settings['encoder'].get('level', 'pooled'),
        crops=_crops(settings),
        device=device,
    )
    if not is_weights_sha256(settings['encoder'].get('weights_sha256'), made.model):
        raise LaunchError(
            f'{weights}: other weights than those whose features the detector was '
            f'trained on ({settings.get("made_with", {}).get("checkpoint")}); name '
            'that checkpoint (--encoder-checkpoint)'
        )
    if _plain(made.view.steps) != _plain(settings['view']):
        raise LaunchError(
            f'{encoder}: shows frames otherwise than those whose features the '
            'detector was trained on: name the same config'
        )
    one = Video(Path(video).stem, Path(video))
    with tempfile.TemporaryDirectory() as folder:
        store = FeatureStore.create(folder, store_settings(made, sampling, reader))
        with VideoProgress([one]) as progress:
            extract_features(made, sampling, [one], store, reader, notice=progress)
        return store.grid(one.video_id), store.load(one.video_id)


def _plain(value: Any) -> Any:  # noqa: ANN401
    """As a file would give it back: tuples are lists there."""
    return json.loads(json.dumps(value))


def _crops(settings: Mapping[str, Any]) -> int | None:
    """Ten or three crops are told by the step that makes them."""
    names = {str(step.get('type', '')) for step in settings.get('view', ())}
    return 10 if 'TenCrop' in names else 3 if 'ThreeCrop' in names else None
