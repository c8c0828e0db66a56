"""The embedded data: what they hold, and the job from a toy encoder to one video's scores."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from albar_mm.datasets.motion_sprites.motions import CLASSES
from albar_mm.utils.errors import DatasetError
from downstream.anomaly.annotations import read_annotation
from downstream.anomaly.embedded import AnomalySpritesSettings, build_anomaly_sprites, draw_video

SETTINGS = AnomalySpritesSettings(train=400, test=400)
WRONG = CLASSES.index(SETTINGS.anomaly)


def shares(split):
    """Share of anomalous and of normal videos that play in the anomalous motion's scenes."""
    specs = [draw_video(SETTINGS, split, index) for index in range(400)]
    counts = Counter((bool(spec.intervals(WRONG)), spec.scene // 3 == WRONG) for spec in specs)
    return [counts[kind, True] / 200 for kind in (True, False)]


def test_scene_and_label_agree_in_training_and_are_independent_in_testing():
    assert shares('train') == pytest.approx([0.95, 0.05], abs=0.04)
    assert shares('test') == pytest.approx([0.5, 0.5], abs=0.1)


def test_videos():
    for index in range(40):
        spec = draw_video(SETTINGS, 'train', index)
        events = spec.intervals(WRONG)
        assert spec.num_frames == 256 and bool(events) == bool(index % 2)
        assert all(0 < first and last < 255 and last - first >= 15 for first, last in events)
        assert spec == draw_video(SETTINGS, 'train', index)


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    settings = AnomalySpritesSettings(train=8, test=4, frames=192)
    return build_anomaly_sprites(tmp_path_factory.mktemp('data') / 'data', settings, workers=1)


def test_build(data):
    settings = AnomalySpritesSettings(train=8, test=4, frames=192)
    train, test = (read_annotation(data / f'{split}.txt') for split in ('train', 'test'))
    assert [video.is_anomalous for video in train + test] == [False, True] * 6
    assert test[1].events == tuple(draw_video(settings, 'test', 1).intervals(WRONG))
    assert test[0].num_frames == 192 and test[0].events == ()
    assert len(list(data.rglob('*.avi'))) == 12
    build_anomaly_sprites(data, settings, workers=1)
    with pytest.raises(DatasetError, match='was made with other settings'):
        build_anomaly_sprites(data, SETTINGS)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(anomaly='jump'), "anomaly is 'jump'"),
        (dict(scene_rate=2), 'scene_rate must be'),
        (dict(frames=64), '192 frames a video'),
    ],
)
def test_settings_that_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        AnomalySpritesSettings(**change)


def test_from_videos_to_the_scores_of_one(data, encoder, tmp_path, capsys):
    """Features, training, testing and scoring a raw video with a toy encoder, as a user would."""
    from albar_mm.utils.errors import LaunchError
    from downstream.anomaly.jobs import run_on_features, run_on_one

    from .test_oracle import CONFIGS

    options = {
        'train_cfg.max_epochs': 2,
        'train_cfg.val_interval': 2,  # the last weights are the best, and are tested once
        'default_hooks.checkpoint.interval': 2,
        'train_dataloader.batch_size': 4,
        'train_dataloader.dataset.val_share': 0.25,
        'val_dataloader.dataset.val_share': 0.25,
        'test_evaluator.bootstrap': 10,
        'test_evaluator.out_file': str(tmp_path / 'tested.jsonl'),
    }
    picture = run_on_features(
        str(CONFIGS / 'anomaly_mgfn_sprites.py'),
        str(tmp_path / 'features'),
        [str(data / 'train.txt'), str(data / 'test.txt')],
        str(tmp_path / 'work'),
        options=options,
        extract=dict(
            config=encoder.config,
            checkpoint=encoder.weights,
            videos=[str(data / 'videos')],
            sampling=dict(clip_len=4, frame_interval=2, stride=8),
            device='cpu',
        ),
    )
    assert picture.is_file() and 'last weights' in capsys.readouterr().out
    weights = str(tmp_path / 'work/detector/seed0/epoch_2.pth')
    given = dict(encoder=encoder.config, weights=encoder.weights)
    video = str(data / 'videos/test/test_0001.avi')
    written = run_on_one(video, weights, str(tmp_path / 'scored'), **given)
    names = ['test_0001.csv', 'test_0001.png', 'test_0001_scored.mp4']
    assert [path.name for path in written] == names == sorted(map(str, _names(tmp_path / 'scored')))
    rows = pd.read_csv(written[0])
    assert list(rows) == ['frame', 'second', 'score'] and len(rows) == 192
    assert rows.second[8] == pytest.approx(8 / 8, abs=1e-3)
    # the same as in the test run
    tested = [json.loads(line) for line in (tmp_path / 'tested.jsonl').read_text().splitlines()]
    (row,) = (row for row in tested if row['video_id'] == 'test_0001')
    assert np.allclose(rows.score[row['first_frames']], row['scores'], atol=1e-4)
    other, gone = dict(given, weights=encoder.other), str(tmp_path / 'gone.pth')
    with pytest.raises(LaunchError, match='other.pth: other weights than those whose features'):
        run_on_one(video, weights, str(tmp_path / 'x'), **other)
    with pytest.raises(LaunchError, match='gone.pth: no such file'):
        run_on_one(video, gone, str(tmp_path / 'x'), **given)
    assert not (tmp_path / 'x').exists()


def _names(folder):
    return (path.name for path in folder.iterdir())
