"""The demonstration: a biased baseline and ALBAR on ``motion_sprites``: one table, one picture."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..datasets.motion_sprites import CLASSES, SpritesSettings, build_motion_sprites
from ..engine.checkpoints.source import last_checkpoint
from ..engine.launch import load_config
from ..utils.errors import MissingFileError
from ..utils.lock import sole_use, sole_user_of
from ..visualization import bias_figure
from .experiment import Experiment, is_finished, run_seeds, scores_of, summary_table, write_summary

DATA_ROOT = Path('data/motion_sprites')
"""Where the configs look for the data, relative to the current folder."""
MODELS = {'baseline': 'erm_sprites.py', 'ALBAR': 'albar_sprites.py'}
"""Row of the table -> config."""
_SETS = {
    'IID': 'videos/test/{}.avi',
    'SCUBA scene': 'SPRITES_SCUBA_Scene/{}__0.avi',
    'SCUBA texture': 'SPRITES_SCUBA_Texture/{}__0.avi',
    'SCUBA stripe': 'SPRITES_SCUBA_Stripe/{}__0.avi',
    'SCUFO stripe': 'SPRITES_SCUFO_Stripe/{}__0.avi',
    'Confl-FG': 'SPRITES_ConflFG_Stripe/{}__0.avi',
}


@sole_user_of('work_dir')
def run_demo(
    work_dir: str | os.PathLike,
    configs: str | os.PathLike = 'configs',
    seeds: Sequence[int] = (0,),
    ceiling: bool = False,
    cfg_options: Mapping[str, Any] | Sequence[str] | None = None,
    settings: SpritesSettings | None = None,
    trials: str | os.PathLike | None = None,
    workers: int = 2,
) -> Path:
    """Build the data, train and test every model, print the table; returns the picture drawn.

    Args:
        work_dir: Folder for runs, ``results.json`` and ``bias.png``. Finished parts found there
            are not repeated.
        configs: Folder of the configs.
        seeds: One training of every model for each.
        ceiling: Also train the baseline on unbiased data.
        cfg_options: Settings for every model, see :func:`albar_mm.engine.launch.run.train`.
        settings: Of the data; by default the published ones.
        trials: See :func:`run_experiment`.
        workers: Processes that render the data.
    """
    started = time.monotonic()
    work_dir, configs = Path(work_dir), Path(configs)
    models = dict(MODELS)
    if ceiling:
        models['baseline, unbiased training'] = 'erm_sprites_unbiased.py'
    read = {name: load_config(configs / file, cfg_options) for name, file in models.items()}
    build_motion_sprites(DATA_ROOT, settings, unbiased=ceiling, workers=workers)
    built = time.monotonic()
    results = {}
    for name, file in models.items():
        experiment = Experiment(name, read[name])
        results[name] = run_seeds(experiment, work_dir / Path(file).stem, seeds, trials=trials)

    write_summary(work_dir / 'results.json', results)
    picture = bias_figure(
        work_dir / 'bias.png',
        scores_of(results),
        example_strips(),
        100 / len(CLASSES),
        'motion_sprites: what a recogniser knows without the background, and without the motion',
    )
    training = sum(r['train_seconds'] for records in results.values() for r in records)
    print()
    print(summary_table(results, f'motion_sprites, last weights, {len(seeds)} seed(s)'))
    print(f'table and settings: {work_dir / "results.json"}\npicture: {picture}')
    total, data = (time.monotonic() - started) / 60, (built - started) / 60
    print(
        f'{total:.1f} min in all, {data:.1f} of them for the data; {training / 60:.1f} min of '
        'training (runs finished earlier count with the time they took)'
    )
    return picture


def demo_encoders(
    work_dir: str | os.PathLike,
    configs: str | os.PathLike = 'configs',
    seed: int = 0,
    workers: int = 2,
) -> dict[str, tuple[Path, Path]]:
    """The recognisers of the demonstration, trained and tested first where they are not yet.

    Arguments are those of :func:`run_demo`, for one seed.

    Returns:
        Row of the table to config and last weights.
    """
    work_dir, configs = Path(work_dir), Path(configs)
    found = {}
    for name, file in MODELS.items():
        experiment = Experiment(name, load_config(configs / file))
        folder = work_dir / Path(file).stem
        if not is_finished(experiment, folder / f'seed{seed}', seed):
            with sole_use(work_dir):  # what is finished, several commands may use
                build_motion_sprites(DATA_ROOT, unbiased=False, workers=workers)
                run_seeds(experiment, folder, [seed])
        found[name] = configs / file, Path(last_checkpoint(folder / f'seed{seed}'))
    return found


def example_strips(video: str = 'test_00000') -> dict[str, np.ndarray]:
    """One IID test clip and its OOD variants, read from the video files.

    Returns:
        Set name to uint8 RGB (8, 64, 64, 3).

    Raises:
        MissingFileError: One of the videos is missing.
    """
    import mmcv

    strips = {}
    for name, pattern in _SETS.items():
        path = DATA_ROOT / pattern.format(video)
        if not path.is_file():
            raise MissingFileError(f'{path} is missing: delete {DATA_ROOT} and run again')
        strips[name] = np.stack([frame[..., ::-1] for frame in mmcv.VideoReader(str(path))])
    return strips
