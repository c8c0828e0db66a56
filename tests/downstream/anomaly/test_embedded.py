"""The embedded data: what they hold, and the job from a toy encoder to one video's scores."""

import csv
import json
from collections import Counter

import numpy as np
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
    return [
        counts[kind, True] / (counts[kind, True] + counts[kind, False]) for kind in (True, False)
    ]


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


def test_build(tmp_path):
    settings = AnomalySpritesSettings(train=2, test=2, frames=192)
    root = build_anomaly_sprites(tmp_path / 'data', settings, workers=1)
    train, test = (read_annotation(root / f'{split}.txt') for split in ('train', 'test'))
    assert [video.is_anomalous for video in train + test] == [False, True] * 2
    assert test[1].events == tuple(draw_video(settings, 'test', 1).intervals(WRONG))
    assert test[0].num_frames == 192 and test[0].events == ()
    assert len(list(root.rglob('*.avi'))) == 4
    build_anomaly_sprites(tmp_path / 'data', settings, workers=1)
    with pytest.raises(DatasetError, match='was made with other settings'):
        build_anomaly_sprites(tmp_path / 'data', SETTINGS)


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


def test_from_videos_to_the_scores_of_one(tmp_path, toy_config, monkeypatch, capsys):
    """Features, training, testing and scoring a raw video with a toy encoder, as a user would."""
    import torch

    from albar_mm.utils.errors import LaunchError
    from downstream.anomaly.command import run_on_videos, run_score
    from downstream.features.encoder import FrozenEncoder

    from .test_oracle import CONFIGS, QUICK

    torch.manual_seed(0)
    for name in ('weights.pth', 'other.pth'):
        encoder = FrozenEncoder(toy_config, None)
        torch.save(dict(state_dict=encoder.model.state_dict()), tmp_path / name)
    root = build_anomaly_sprites(
        tmp_path / 'data', AnomalySpritesSettings(train=8, test=4, frames=192), workers=1
    )
    work = tmp_path / 'work'
    options = [
        f'{key}={value}'
        for key, value in {
            **QUICK,
            'train_cfg.max_epochs': 2,
            'train_cfg.val_interval': 1,
            'default_hooks.checkpoint.interval': 2,
            'train_dataloader.batch_size': 4,
            'train_dataloader.dataset.val_share': 0.25,
            'val_dataloader.dataset.val_share': 0.25,
        }.items()
    ]
    picture = run_on_videos(
        str(CONFIGS / 'anomaly_mgfn_sprites.py'),
        str(toy_config),
        str(tmp_path / 'weights.pth'),
        [str(root / 'videos')],
        str(root / 'train.txt'),
        str(root / 'test.txt'),
        str(work),
        sampling=dict(clip_len=4, frame_interval=2, stride=8),
        device='cpu',
        options=options,
    )
    assert picture.is_file() and 'last weights' in capsys.readouterr().out
    weights = work / 'detector/seed0/epoch_2.pth'
    given = dict(encoder=str(toy_config), weights=str(tmp_path / 'weights.pth'))
    video = root / 'videos/test/test_0001.avi'
    written = run_score(str(video), str(weights), str(tmp_path / 'scored'), **given)
    assert [path.name for path in written] == [
        'test_0001.csv',
        'test_0001.png',
        'test_0001_scored.mp4',
    ]
    rows = list(csv.reader(written[0].open()))
    assert rows[0] == ['frame', 'second', 'score'] and len(rows) == 193
    assert float(rows[9][1]) == pytest.approx(8 / 8, abs=1e-3)
    # the same as in the test run
    scores = np.array([float(row[2]) for row in rows[1:]])
    assert len(set(scores)) <= 24 and ((scores > 0) & (scores < 1)).all()
    with pytest.raises(LaunchError, match='other.pth: other weights than those whose features'):
        run_score(
            str(video),
            str(weights),
            str(tmp_path / 'x'),
            encoder=str(toy_config),
            weights=str(tmp_path / 'other.pth'),
        )
    with pytest.raises(LaunchError, match='gone.pth: no such file'):
        run_score(str(video), str(tmp_path / 'gone.pth'), str(tmp_path / 'x'), **given)
    assert not (tmp_path / 'x').exists()
    assert json.loads((work / 'results.json').read_text())['rows']
