"""The embedded job of both transfers: all of its parts, with one toy encoder for the demo's two."""

import json

import pytest

from downstream.anomaly import jobs as anomaly
from downstream.anomaly.embedded import AnomalySpritesSettings
from downstream.detection import embedded
from downstream.tal import jobs as tal
from downstream.tal.embedded import TalSpritesSettings
from tests.downstream.anomaly.test_oracle import CONFIGS

SHORT = {
    'train_cfg.max_epochs': 1,
    'train_cfg.val_interval': 1,
    'default_hooks.checkpoint.interval': 1,
    'train_dataloader.batch_size': 2,
    'train_dataloader.dataset.val_share': 0.5,
    'val_dataloader.dataset.val_share': 0.5,
}


@pytest.mark.parametrize(
    'job, settings, told',
    [
        (
            anomaly,
            AnomalySpritesSettings(train=4, test=2, frames=192),
            ['MGFN on untrimmed motion_sprites, 1 seed(s), last weights', 'curves.png'],
        ),
        (
            tal,
            TalSpritesSettings(train=4, test=2),
            ['Plain/1 encoder: test: 2 videos, ', 'TriDet on untrimmed motion', 'timelines.png'],
        ),
    ],
)
def test_the_job(job, settings, told, encoder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    row = {'Plain/1': (encoder.config, encoder.weights)}
    monkeypatch.setattr(embedded, 'demo_encoders', lambda *_, **__: row)
    given = dict(seeds=[0], settings=settings, options=SHORT, workers=1)
    picture = job.run_embedded('work', 'demo', CONFIGS.parent, **given)
    text = capsys.readouterr().out
    assert all(part in text for part in told) and ' min for the encoders' in text
    assert picture.stat().st_size > 5000
    assert list(json.loads((tmp_path / 'work/results.json').read_text())['rows']) == ['Plain/1']
    assert (tmp_path / 'work/features/plain_1/store.json').is_file()
    assert (tmp_path / 'work/plain_1/seed0/epoch_1.pth').is_file()
