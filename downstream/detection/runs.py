"""What detectors on frozen features share, whatever they detect: configs, runs, single videos."""

import copy
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from torch import nn

from albar_mm.engine.checkpoints.source import last_checkpoint, load_weights, require_checkpoint
from albar_mm.engine.launch import load_config
from albar_mm.evaluation.tables import format_bias_comparison
from albar_mm.experiments.demo import demo_encoders
from albar_mm.experiments.experiment import (
    Experiment,
    is_finished,
    run_seeds,
    scores_of,
    write_summary,
)
from albar_mm.utils.config_types import is_type, mappings, plain_types, type_name
from albar_mm.utils.errors import BadFileError, LaunchError, one_line, reading
from albar_mm.utils.files import read_json, save_figure, write_json
from albar_mm.utils.identity import is_weights_sha256
from albar_mm.utils.lock import sole_user_of
from albar_mm.utils.rows import check_row
from albar_mm.utils.settings import plain
from albar_mm.utils.video_ids import id_of

from ..features.command import run_features, video_progress
from ..features.encoder import CROPS, FrozenEncoder
from ..features.extract import extract_features, store_settings
from ..features.sampling import Sampling
from ..features.store import SETTINGS_FILE, FeatureStore
from ..features.time_grid import TimeGrid
from ..features.videos import Video, choose_reader
from .dataset import FeatureDataset

CONFIG_FILE = 'detector.json'
"""Beside the weights of a detector: all that using it needs of its config, as data."""
_KEPT = ('model', 'classes', 'feature_settings')
LAST, BEST = ('metrics', 'last weights'), ('metrics_best', 'chosen on held-out training videos')
"""Key of the scores in a record of a run, and what was tested."""


def detector_config(
    config: str | os.PathLike | Config,
    store: str | os.PathLike,
    kind: str,
    annotations: Mapping[str, str | os.PathLike | None],
    options: Mapping[str, Any] | Sequence[str] | None = None,
) -> tuple[Config, int]:
    """A detector's config for a store and annotation.

    ``feature_settings`` keeps how the features were made, for using the detector on a video later.

    Args:
        config: Config of a detector.
        store: Folder of the features.
        kind: Type of its model.
        annotations: ``'train'``, ``'val'`` or ``'test'`` -> file; None: the config's.
        options: Settings that override the config.

    Returns:
        The config, and the number of channels of the features.

    Raises:
        DatasetError: The store cannot be read, or does not say how its snippets were made.
        LaunchError: It is empty, or the config is none of a detector of that kind.
    """
    cfg, opened = load_config(config, options), FeatureStore(store)
    ids = opened.ids()
    if not ids:
        raise LaunchError(f'{store}: holds no features')
    if not is_type(cfg.get('model') or {}, kind):
        raise LaunchError(f'{cfg.filename or "the config"}: its model is no {kind}')
    _sampling_of(opened.settings, f'{opened.root}: {SETTINGS_FILE}')
    cfg.feature_settings = copy.deepcopy(opened.settings)
    for part, dataset in datasets_of(cfg).items():
        dataset.store = os.fspath(store)
        if annotations.get(part) is not None:
            dataset.ann_file = os.fspath(annotations[part])
    return cfg, opened.load(ids[0], mmap=True).shape[-1]


def datasets_of(cfg: Config) -> dict[str, ConfigDict]:
    """Data sets of a config: ``'train'``, ``'val'`` and ``'test'``, those that there are."""
    loaders = {part: cfg.get(f'{part}_dataloader') for part in ('train', 'val', 'test')}
    return {part: loader.dataset for part, loader in loaders.items() if loader is not None}


def checked_datasets(cfg: Config, **given: Any) -> dict[str, FeatureDataset]:
    """Data sets of a config, all of whose features were read once.

    Args:
        cfg: From :func:`detector_config`.
        **given: Arguments of the data sets that come before the config's.

    Raises:
        DatasetError: Features cannot be used: told of now, not in the middle of a training.
    """
    parts = {}
    for name, dataset in datasets_of(cfg).items():
        data = parts[name] = DATASETS.build(dict(dataset, **given, _scope_='mmaction'))
        for index in range(len(data)):
            data[index]
    return parts


@sole_user_of('work_dir')
def train_and_tell(
    configs: Mapping[str, Config],
    work_dir: str | os.PathLike,
    seeds: Sequence[int],
    tested: str,
    videos: Sequence[Any],
    title: str,
    *,
    draw: Callable[..., Path],
    picture: str,
    tables: Callable[[Mapping[str, Sequence[Mapping[str, Any]]], str], str],
) -> Path:
    """Train and test each detector once a seed; draw what they give, print their scores.

    The last weights are tested and, if the config chooses a checkpoint on held-out videos
    (``save_best``), those as well. Finished runs are not repeated.

    Args:
        configs: Row of the table -> config, as :func:`detector_config` makes it.
        work_dir: Folder of the runs, of ``results.json`` and of the picture.
        seeds: Of the runs.
        tested: What was tested, for the tables.
        videos: Annotation of the videos to draw.
        title: Of the picture.
        draw: Draws a path, configs, work folder, seed, videos and title.
        picture: Name of the picture.
        tables: Makes tables of a title and of row -> records of its seeds, see
            :func:`albar_mm.experiments.experiment.run_experiment`.
    """
    work_dir = Path(work_dir)
    records = {}
    for name, cfg in configs.items():
        experiment, folder = Experiment(name, cfg), work_dir / folder_name(name)
        for seed in seeds:
            is_finished(experiment, folder / f'seed{seed}', seed)  # refuses other settings
            kept = {key: plain_types(cfg[key]) for key in _KEPT if cfg.get(key) is not None}
            write_json(folder / f'seed{seed}' / CONFIG_FILE, kept)
        best = bool(cfg.default_hooks.checkpoint.get('save_best'))
        records[name] = run_seeds(experiment, folder, seeds, test_best=best)
    write_summary(work_dir / 'results.json', records)
    path = work_dir / picture
    draw(path, configs, work_dir, seeds[0], videos, f'{title}, seed {seeds[0]}')
    print(f'\n{tables(records, f"{tested}, {len(seeds)} seed(s)")}')
    print(f'scores and settings: {work_dir / "results.json"}\npicture: {path}')
    return path


def score_table(
    records: Mapping[str, Sequence[Mapping[str, Any]]],
    title: str,
    part: tuple[str, str],
    columns: Sequence[tuple[str, str]],
) -> str:
    """A table of scores in percent, mean and deviation over the seeds.

    Args:
        records: See :func:`train_and_tell`.
        title: What was tested.
        part: :data:`LAST` or :data:`BEST`.
        columns: Heading and score of each.
    """
    scores = scores_of(records, part[0])
    return format_bias_comparison(scores, f'{title}, {part[1]}', columns, 'percent')


def folder_name(name: str) -> str:
    """Folder of a row's runs."""
    return name.lower().replace(' ', '_').replace('/', '_')


def last_weights(work_dir: str | os.PathLike, name: str, seed: int) -> str:
    """Last checkpoint of a run of :func:`train_and_tell`.

    Args:
        work_dir: As there.
        name: Row of the table.
        seed: Which run.
    """
    return last_checkpoint(Path(work_dir) / folder_name(name) / f'seed{seed}')


def trained_detectors(
    configs: Mapping[str, Config], work_dir: str | os.PathLike, seed: int
) -> Iterator[tuple[str, nn.Module, FeatureStore]]:
    """Row, detector with its last weights and test features of each run of :func:`train_and_tell`.

    Args:
        configs: As there.
        work_dir: As there.
        seed: Which runs.
    """
    for name, cfg in configs.items():
        model = load_detector(cfg, last_weights(work_dir, name, seed))
        yield name, model, FeatureStore(cfg.test_dataloader.dataset.store)


def open_detector(
    checkpoint: str | os.PathLike, config: str | os.PathLike | None = None
) -> tuple[Config, nn.Module]:
    """A trained detector and its config.

    Args:
        checkpoint: Its weights.
        config: Its config, which is run as Python; None: :data:`CONFIG_FILE` beside the weights.

    Raises:
        LaunchError: The weights are not there or do not fit, or no config lies beside them.
        BadFileError: The config beside them cannot be used.
    """
    if config is not None:
        cfg = load_config(config)
        return cfg, load_detector(cfg, checkpoint)
    path = Path(require_checkpoint(checkpoint)).with_name(CONFIG_FILE)
    if not path.exists():
        found = ' or '.join(map(str, sorted(path.parent.glob('*.py')))) or '<its config>'
        raise LaunchError(
            f'{path}: no such file, and no Python file beside weights is run unasked: name the '
            f'config of the detector, --config {found}'
        )
    cfg = _kept_config(path)
    with reading(path, 'the config of a detector'):
        return cfg, load_detector(cfg, checkpoint)


def _kept_config(path: Path) -> Config:
    """A config that was kept as data: it names registered parts and can make nothing else."""
    kept = read_json(path)
    settings = dict(model=dict, feature_settings=dict, classes=list)
    check_row(kept, os.fspath(path), settings, optional=('classes',))
    for key, node in mappings(kept['model'], 'model'):
        kind = node.get('type', '')
        # MMEngine would import whatever module a dotted name or a scope names
        if not isinstance(kind, str) or '.' in kind or '_scope_' in node:
            raise BadFileError(
                f'{path}: {key}: type {kind!r:.80}: expected the bare name of a class'
            )
    return Config({key: kept[key] for key in _KEPT if key in kept}, filename=path)


def load_detector(config: str | os.PathLike | Config, checkpoint: str | os.PathLike) -> nn.Module:
    """A detector with its weights, ready for use.

    Args:
        config: Its config.
        checkpoint: Its weights; loaded as data.

    Raises:
        LaunchError: The weights are not there or do not fit.
    """
    cfg = load_config(config)
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    model = MODELS.build(cfg.model)
    load_weights(model, checkpoint, cfg.filename)
    model.train(False)
    return model


def features_for_detector(
    video: str | os.PathLike,
    cfg: Config,
    encoder: str,
    weights: str,
    device: str = 'cpu',
) -> tuple[TimeGrid, np.ndarray]:
    """Features of one video, made like those that a detector was trained on.

    Args:
        video: The video file.
        cfg: Config of the detector.
        encoder: Config of the encoder.
        weights: Its checkpoint, the one that the detector was trained with.
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
    settings, reader = cfg.feature_settings.to_dict(), choose_reader()
    where = f'{cfg.filename}: feature_settings'
    check_row(settings, where, dict(encoder=dict, view=list, made_with=dict), ('made_with',))
    check_row(settings['encoder'], where, dict(level=str, weights_sha256=str), ('level',))
    sampling = _sampling_of(settings, cfg.filename)
    steps = set(map(type_name, settings.get('view', ())))
    made = FrozenEncoder(
        encoder,
        weights,
        level=settings['encoder'].get('level', 'pooled'),
        crops=next((number for number in (10, 3) if CROPS[number] in steps), None),
        device=device,
    )
    if not is_weights_sha256(settings['encoder'].get('weights_sha256'), made.model):
        raise LaunchError(
            f'{weights}: other weights than those whose features the detector was '
            f'trained on ({(settings.get("made_with") or {}).get("checkpoint")}); name '
            'that checkpoint (--encoder-checkpoint)'
        )
    if plain(made.view.steps) != plain(settings['view']):
        raise LaunchError(
            f'{encoder}: shows frames otherwise than those whose features the '
            'detector was trained on: name the same config'
        )
    one = Video(id_of(video), Path(video))
    with tempfile.TemporaryDirectory() as folder:
        store = FeatureStore.create(folder, store_settings(made, sampling, reader))
        with video_progress([one]) as progress:
            extract_features(made, sampling, [one], store, reader, notice=progress)
        return store.grid(one.video_id), store.load(one.video_id)


def _sampling_of(settings: Mapping[str, Any], where: str) -> Sampling:
    """The snippets of features, checked."""
    check_row(settings, where, dict(sampling=dict))
    try:
        return Sampling(**settings['sampling'])
    except (LaunchError, TypeError) as error:
        raise BadFileError(f'{where}: sampling: {one_line(error)}') from error


def draw_panels(
    path: str | os.PathLike,
    videos: Sequence[tuple[str, float]],
    height: float,
    draw: Callable[[Any, int], Mapping[str, Any]],
    title: str = '',
) -> Path:
    """Draw videos, one below the other, over their seconds.

    Args:
        path: PNG or PDF file to write.
        videos: Name and length in seconds of each.
        height: Of the figure, in inches.
        draw: Draws the i-th video on axes, and returns what the legend tells: label -> artist.
        title: Heading.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, height), layout='constrained')
    axes, legend = figure.subplots(len(videos), 1, squeeze=False)[:, 0], {}
    for index, (axis, (name, duration_s)) in enumerate(zip(axes, videos, strict=True)):
        axis.tick_params(labelsize=8)
        for side in ('top', 'right'):
            axis.spines[side].set_visible(False)
        legend.update(draw(axis, index))
        axis.set_title(name, fontsize=9, loc='left')
        axis.set_xlim(0, duration_s)
    axes[-1].set_xlabel('seconds', fontsize=8)
    if legend:
        figure.legend(
            legend.values(),
            legend.keys(),
            loc='outside lower center',
            ncols=5,
            fontsize=8,
            frameon=False,
        )
    if title:
        figure.suptitle(title, fontsize=10)
    return save_figure(figure, path)


@sole_user_of('work_dir')
def run_embedded(
    work_dir: str | os.PathLike,
    demo_dir: str | os.PathLike,
    configs: str | os.PathLike = 'configs',
    seeds: Sequence[int] = (0, 1, 2),
    settings: Any = None,
    options: Mapping[str, Any] | Sequence[str] | None = None,
    workers: int = 2,
    *,
    config: str,
    tested: str,
    build: Callable[[Any, int], Path],
    sampling: Mapping[str, Any],
    config_for: Callable[[Path, Path, Any], Config],
    drawn: Callable[[], Sequence[Any]],
    check: Callable[[Config], Sequence[str]] = lambda cfg: (),
    **told_by: Any,
) -> Path:
    """Make the videos, extract features with both encoders, train and test a detector on each.

    Encoders are those of the demonstration, trained first where they are not there yet. Finished
    parts are not repeated. The arguments from ``config`` on are those in which the tasks differ.

    Args:
        work_dir: Folder for features, runs, ``results.json`` and the picture.
        demo_dir: Folder of the demonstration's runs.
        configs: Folder of the configs.
        seeds: Of the detectors.
        settings: Of the data.
        options: Settings that override the detector's config.
        workers: Processes that render videos.
        config: The detector's, in that folder.
        tested: The detector and what it is tested on, for tables and picture.
        build: Makes the videos by settings and processes, and returns their folder.
        sampling: See :func:`~.features.command.sampling_of`.
        config_for: Makes the config for a store, of the config's path, store and options.
        drawn: Gives the videos to draw.
        check: Looks at the data before a training, and gives lines for the terminal.
        **told_by: See :func:`train_and_tell`.
    """
    started, detectors = time.monotonic(), {}
    encoders = demo_encoders(demo_dir, configs, workers=workers)
    encoded = time.monotonic()
    videos = str(build(settings, workers) / 'videos')
    for name, encoder in encoders.items():
        store = Path(work_dir) / 'features' / folder_name(name)
        given = dict(sampling=sampling, batch_size=32, device='cpu')
        run_features(*map(str, encoder), [videos], str(store), **given)
        detectors[name] = config_for(Path(configs) / config, store, options)
    for name, cfg in detectors.items():
        for line in check(cfg):
            print(f'{name} encoder: {line}')
    title = f'{tested}, test videos'
    picture = train_and_tell(detectors, work_dir, seeds, tested, drawn(), title, **told_by)
    own, before = (time.monotonic() - encoded) / 60, (encoded - started) / 60
    print(f'{own:.1f} min, and {before:.1f} min for the encoders')
    return picture
