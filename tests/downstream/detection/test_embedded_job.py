"""The embedded job of both transfers, with a toy encoder for the demo's two; then one video."""

import contextlib
import io
import json
from types import SimpleNamespace
from unittest.mock import create_autospec

import numpy as np
import pandas as pd
import pytest

from albar_mm.utils.errors import DatasetError, LaunchError
from downstream.anomaly import jobs as anomaly
from downstream.anomaly.jobs import AnomalySpritesSettings
from downstream.detection import runs
from downstream.features.command import run_features
from downstream.tal import jobs as tal
from downstream.tal.embedded import TalSpritesSettings
from tests.downstream.anomaly.test_oracle import CONFIGS

SETTINGS = dict(tal=TalSpritesSettings(train=4, test=2))
SETTINGS['anomaly'] = AnomalySpritesSettings(train=4, test=2, frames=192)
SHORT = {
    'train_cfg.max_epochs': 1,
    'train_cfg.val_interval': 1,
    'default_hooks.checkpoint.interval': 1,
    'train_dataloader.batch_size': 2,
    'train_dataloader.dataset.val_share': 0.5,
    'val_dataloader.dataset.val_share': 0.5,
}


@pytest.fixture(scope='module', params=['anomaly', 'tal'])
def done(request, encoder, tmp_path_factory):
    """Folder of a job that ran, and what is needed to use its detector."""
    folder, name = tmp_path_factory.mktemp(request.param), request.param
    job, row = dict(anomaly=anomaly, tal=tal)[name], {'Plain/1': (encoder.config, encoder.weights)}
    options = {**SHORT, 'test_evaluator.out_file': 'tested.json'}
    given = dict(seeds=[0], settings=SETTINGS[name], options=options, workers=1)
    told = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(told):
        patch.chdir(folder)
        patch.setattr(runs, 'demo_encoders', lambda *_, **__: row)
        picture = job.run_embedded('work', 'demo', CONFIGS.parent, **given)
    one = dict(
        video=str(folder / f'data/{name}_sprites/videos/test/test_0001.avi'),
        checkpoint=str(folder / 'work/plain_1/seed0/epoch_1.pth'),
        encoder=encoder.config,
        weights=encoder.weights,
        threshold=0.01,
    )
    paths = dict(folder=folder, picture=folder / picture)
    return SimpleNamespace(name=name, job=job, one=one, told=told.getvalue(), **paths)


def test_the_job_and_one_video(done, tmp_path, capsys):
    """Features, detection and files as in the test run."""
    out = tmp_path / 'found'
    written = done.job.run_on_one(**done.one, out=str(out))
    assert sorted(out.iterdir()) == sorted(written)
    told = capsys.readouterr().out
    assert all(str(path) in told for path in written) and 'test_0001' in told.splitlines()[0]
    text = (done.folder / 'tested.json').read_text()
    if done.name == 'anomaly':
        names = ['test_0001.csv', 'test_0001.png', 'test_0001_scored.mp4']
        tested = [json.loads(line) for line in text.splitlines()]
        (row,) = (row for row in tested if row['video_id'] == 'test_0001')
        table = pd.read_csv(written[0])
        assert list(table) == ['frame', 'second', 'score'] and len(table) == 192
        assert table.second[8] == pytest.approx(8 / 8, abs=1e-3)
        assert np.allclose(table.score[row['first_frames']], row['scores'], atol=1e-4)
    else:
        names = ['test_0001.json', 'test_0001.png']
        (rows,) = json.loads(written[0].read_text())['results'].values()
        tested = json.loads(text)['results']['test_0001']
        assert len(rows) == len(tested) > 0
        near = dict(abs=1e-2)
        tested = [dict(row, segment=pytest.approx(row['segment'], **near)) for row in tested]
        for row in rows[:10]:  # those of nearly equal scores in any order
            assert any(row == dict(o, score=pytest.approx(o['score'], abs=1e-4)) for o in tested)
        # and its file gives its scores
        files = done.folder / 'tested.json', done.folder / 'data/tal_sprites/segments.json'
        scores = tal.run_evaluate(*map(str, files))
        ((record,),) = json.loads((done.folder / 'work/results.json').read_text())['rows'].values()
        own = {f'tal/{name}': v for name, v in scores.items() if not name.startswith('AP_')}
        assert own == record['metrics']
    assert [path.name for path in written] == names and written[1].stat().st_size > 5000
    names = dict(anomaly='curves.png', tal='timelines.png')
    detector = dict(anomaly='MGFN', tal='TriDet')[done.name]
    title = f'{detector} on untrimmed motion_sprites, 1 seed(s), last weights'
    assert title in done.told and ' min for the encoders' in done.told
    assert ('Plain/1 encoder: test: 2 videos, ' in done.told) == (done.name == 'tal')
    assert done.picture.name == names[done.name] and done.picture.stat().st_size > 5000
    records = json.loads((done.folder / 'work/results.json').read_text())['rows']
    assert list(records) == ['Plain/1'] and len(records['Plain/1']) == 1
    assert (done.folder / 'work/features/plain_1/store.json').is_file()


def test_what_cannot_be_used_on_one_video(done, encoder, tmp_path):
    gone, none = done.one['checkpoint'].replace('epoch', 'gone'), str(tmp_path / 'none.pth')
    other = 'toy.py: does not name its classes' if done.name == 'tal' else 'does not say how its'
    for changed, message in (
        (dict(weights=encoder.other), 'other.pth: other weights than those whose features'),
        (dict(weights=none), 'none.pth'),
        (dict(checkpoint=gone), r'gone_1.pth: no such file'),
        (dict(checkpoint=none), 'no such file'),
        (dict(checkpoint=encoder.weights), other),
        (dict(video=str(tmp_path / 'gone.avi')), 'gone.avi'),
    ):
        with pytest.raises((LaunchError, DatasetError), match=message):
            done.job.run_on_one(**{**done.one, **changed}, out=str(tmp_path / 'x'))
    assert not (tmp_path / 'x').exists()


def test_features_are_made_first(done, tmp_path, monkeypatch):
    """Where videos are given; their annotation is read before."""
    extracted = create_autospec(run_features, side_effect=KeyboardInterrupt)
    monkeypatch.setattr(done.job, 'run_features', extracted)
    root, lists = done.folder / f'data/{done.name}_sprites', ['train.txt', 'test.txt']
    lists = [str(root / name) for name in (lists if done.name == 'anomaly' else ['segments.json'])]
    given = dict(config='c', checkpoint='w', videos=['v'])

    def run(*lists):
        lists = list(lists) if done.name == 'anomaly' else lists[0]
        done.job.run_on_features('d', 'store', lists, str(tmp_path / 'work'), extract=given)

    with pytest.raises(KeyboardInterrupt):
        run(*lists)
    with pytest.raises(DatasetError, match='gone: no such file'):
        run('gone', 'gone')
    extracted.assert_called_once_with(**given, out='store')
