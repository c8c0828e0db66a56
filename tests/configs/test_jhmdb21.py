"""``configs/albar_jhmdb21.py`` runs from lists to ``results.json``; it has all that erm has."""

import json

import numpy as np
import pytest

from albar_mm.engine import launch
from albar_mm.preparation.prepare import prepare_dataset
from tests.preparation.official import write_jhmdb21

from .test_configs import FOLDER

SMALL = {'train_cfg.max_epochs': 1, 'train_cfg.val_begin': 1, 'default_hooks.logger.interval': 1}
SMALL |= {f'{part}_dataloader.num_workers': 0 for part in ('train', 'val', 'test')}
SMALL |= {f'{part}_dataloader.persistent_workers': False for part in ('train', 'val')}


def run(source, folder, monkeypatch):
    monkeypatch.chdir(folder)
    places = folder / 'data' / 'jhmdb21', source, source / 'videos'
    prepare_dataset('jhmdb21', *places, decode='none', say=lambda text: None)
    cfg = launch.load_config(FOLDER / 'albar_jhmdb21.py', SMALL)
    runner = launch.train(cfg, work_dir=str(folder / 'run'))
    (best,) = (folder / 'run').glob('best_val_contrast_epoch_1.pth')
    scores = launch.test(cfg, best, work_dir=str(folder / 'run'))
    return runner, scores, json.loads((folder / 'run' / 'results.json').read_text())


def test_from_lists_to_results(tmp_path, monkeypatch):
    """Synthetic clips with the file names of HMDB51: two steps, validation, test."""
    source = write_jhmdb21(tmp_path / 'source', train=3)
    runner, scores, results = run(source, tmp_path, monkeypatch)
    assert runner.iter == 42 // 16
    losses = runner.message_hub.get_scalar('train/loss').data[0]
    assert len(losses) == 2 and np.isfinite(losses).all()
    assert set(scores) == set(results['metrics']) == {'iid/top1'}
    assert results['protocol']['sets'] == {'iid/original': 21}


@pytest.mark.slow
@pytest.mark.real_data
def test_one_epoch_on_the_real_clips(real_data, tmp_path, monkeypatch):
    """One epoch of 273 clips and the test on the 257 official test clips."""
    source = real_data / 'hmdb51_jhmdb21'
    runner, scores, results = run(source, tmp_path, monkeypatch)
    assert runner.iter == 17
    assert results['protocol']['sets'] == {'iid/original': 257}
    assert scores['iid/top1'] * 257 / 100 == pytest.approx(round(scores['iid/top1'] * 2.57))
