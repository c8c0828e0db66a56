"""The embedded data: what they hold."""

from collections import Counter

import pytest

from albar_mm.datasets.motion_sprites.looks import CLASSES
from downstream.anomaly.annotations import read_annotation
from downstream.anomaly.jobs import AnomalySpritesSettings, build_anomaly_sprites, draw_video
from tests.refused import refused

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
    for index in range(40):
        spec = draw_video(SETTINGS, 'train', index)
        events = spec.intervals(WRONG)
        assert spec.num_frames == 256 and bool(events) == bool(index % 2)
        assert all(0 < first and last < 255 and last - first >= 15 for first, last in events)
        assert spec == draw_video(SETTINGS, 'train', index)


def test_build(tmp_path):
    settings, root = AnomalySpritesSettings(train=2, test=2, frames=192), tmp_path / 'data'
    assert build_anomaly_sprites(root, settings, workers=1) == root
    train, test = (read_annotation(root / f'{split}.txt') for split in ('train', 'test'))
    assert [video.is_anomalous for video in train + test] == [False, True] * 2
    assert test[1].events == tuple(draw_video(settings, 'test', 1).intervals(WRONG))
    assert test[0].num_frames == 192 and test[0].events == ()
    assert len(list(root.rglob('*.avi'))) == 4
    build_anomaly_sprites(root, settings, workers=1)
    refused('was made with other settings', build_anomaly_sprites, root, SETTINGS)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(anomaly='jump'), "anomaly must be one of .*got 'jump'"),
        (dict(scene_rate=2), 'scene_rate: expected'),
        (dict(frames=64), '192 frames a video'),
    ],
)
def test_settings_that_are_refused(change, message):
    refused(message, AnomalySpritesSettings, error=ValueError, **change)
