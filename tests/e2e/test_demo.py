"""The demonstration from nothing to table and picture, on a reduced benchmark (tests only)."""

import json
from pathlib import Path

import cv2
import pytest

from albar_mm.datasets.motion_sprites import SpritesSettings
from albar_mm.experiments.ablation import run_ablation
from albar_mm.experiments.demo import run_demo
from albar_mm.utils.errors import LaunchError

from .runs import SHORT

CONFIGS = Path(__file__).parents[2] / 'configs'
REDUCED = SpritesSettings(train=32, val=16, test=16)


def demo(*options, trials=None):
    run_demo(
        'out', CONFIGS, cfg_options=[*SHORT, *options], settings=REDUCED, trials=trials, workers=1
    )


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp('demo')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        demo(trials='trials.jsonl')
    return path


def test_results_hold_every_score_of_both_models_and_a_picture_is_drawn(folder):
    rows = json.loads((folder / 'out/results.json').read_text())['rows']
    assert list(rows) == ['baseline', 'ALBAR']
    for name, (record,) in rows.items():
        metrics = record['metrics']
        for key in ('iid/top1', 'scuba/avg', 'scufo/avg', 'conflfg/top1', 'contrasted/avg'):
            assert 0 <= metrics[key] <= 100, (name, key)
        for background in ('scene', 'texture', 'stripe'):
            scuba, scufo = metrics[f'scuba/{background}'], metrics[f'scufo/{background}']
            contrasted = metrics[f'contrasted/{background}']
            assert max(0, scuba - scufo) - 1e-6 <= contrasted <= min(scuba, 100 - scufo) + 1e-6
        assert set(record['validation']) == {'val/top1', 'val/static_top1', 'val/contrast'}
    picture = cv2.imread(str(folder / 'out/bias.png'))
    assert picture is not None and min(picture.shape[:2]) > 600
    assert len(set(map(tuple, picture.reshape(-1, 3)[::97]))) > 50


def test_finished_runs_are_not_repeated_and_other_settings_are_refused(folder, monkeypatch):
    monkeypatch.chdir(folder)
    for done in ('train', 'test'):
        monkeypatch.setattr(
            f'albar_mm.experiments.experiment.{done}', lambda *a, **k: pytest.fail('again')
        )
    demo(trials='trials.jsonl')
    trials = [json.loads(line) for line in (folder / 'trials.jsonl').read_text().splitlines()]
    assert [t['config'] for t in trials] == ['erm_sprites.py', 'albar_sprites.py']
    assert all('metrics' not in t and t['validation'] for t in trials)  # without OOD scores
    with pytest.raises(LaunchError, match='holds a run of other settings'):
        demo('optim_wrapper.optimizer.lr=1')


def test_ablation_row_without_the_test_sets(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    options = dict(rows=['(e)'], cfg_options=SHORT, test_after=False)
    results = run_ablation(CONFIGS / 'albar_sprites.py', 'losses', 'ablation', **options)
    (record,) = results['(e) adv + ent']
    assert 'metrics' not in record and 'val/contrast' in record['validation']
    assert '(e) adv + ent' in capsys.readouterr().out
    assert json.loads((folder / 'ablation/losses/results.json').read_text())['rows']
