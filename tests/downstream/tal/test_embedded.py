"""The embedded data: what they hold."""

from itertools import pairwise

import pytest

from albar_mm.datasets.motion_sprites.builder import FPS
from albar_mm.datasets.motion_sprites.clips import SCENES_PER_CLASS
from albar_mm.datasets.motion_sprites.looks import CLASSES
from downstream.tal import embedded as tal
from downstream.tal.annotations import read_annotation
from tests.refused import refused

SETTINGS, SMALL = tal.TalSpritesSettings(), tal.TalSpritesSettings(train=4, test=2)


def shares(split, **changes):
    """Of 400 videos: share whose scene goes with their main action; of actions that are main."""
    settings = tal.TalSpritesSettings(**changes)
    specs = [tal.draw_video(settings, split, index) for index in range(400)]
    hinted = [spec.scene // SCENES_PER_CLASS == i % tal.ACTIONS for i, spec in enumerate(specs)]
    labels = [(i, part.label) for i, spec in enumerate(specs) for part in spec.stretches]
    main = [label == i % tal.ACTIONS for i, label in labels if label < tal.ACTIONS]
    return [sum(found) / len(found) for found in (hinted, main)]


def test_videos_and_that_scenes_hint_in_training_alone():
    # one of eight scenes is right by chance, and so is one of four actions
    assert shares('train') == pytest.approx([0.95 + 0.05 / 8, 0.8 + 0.2 / 4], abs=0.03)
    assert shares('test') == pytest.approx([1 / 8, 0.8 + 0.2 / 4], abs=0.04)
    assert shares('train', scene_rate=0, main_rate=0) == pytest.approx([1 / 8, 1 / 4], abs=0.04)
    counts = set()
    for index in range(60):
        spec = tal.draw_video(SETTINGS, 'train', index)
        are_actions = [stretch.label < tal.ACTIONS for stretch in spec.stretches]
        assert spec.num_frames == 256 and not are_actions[0] and not are_actions[-1]
        assert not any(map(all, pairwise(are_actions)))
        counts.add(sum(are_actions))
        for stretch, is_action in zip(spec.stretches, are_actions, strict=True):
            assert 16 <= stretch.frames <= 36 if is_action else 12 <= stretch.frames <= 31
        assert spec == tal.draw_video(SETTINGS, 'train', index)
    assert counts == {2, 3, 4}
    assert tal.draw_video(tal.TalSpritesSettings(seed=1), 'train', 0) != tal.draw_video(
        SETTINGS, 'train', 0
    )


def test_build(tmp_path):
    data = tal.build_tal_sprites(tmp_path / 'data', SMALL, workers=1)
    # by name, and label_id 0 to 3, as the annotation may leave the ids out
    found = read_annotation(data / tal.ANNOTATION_FILE, CLASSES[: tal.ACTIONS])
    assert read_annotation(data / tal.ANNOTATION_FILE).classes == CLASSES[: tal.ACTIONS]
    assert [len(found.of(subset)) for subset in ('Validation', 'Test')] == [4, 2]
    for split, subset in (('train', 'validation'), ('test', 'test')):
        for index, video in enumerate(found.of(subset)):
            assert (video.fps, video.duration_s) == (FPS, 256 / FPS)
            wanted, at = [], 0
            for stretch in tal.draw_video(SMALL, split, index).stretches:
                if stretch.label < tal.ACTIONS:
                    wanted.append((at / FPS, (at + stretch.frames) / FPS, stretch.label))
                at += stretch.frames
            rows = zip(*video.segments.T.tolist(), video.labels.tolist(), strict=True)
            assert list(rows) == wanted
    before = {path: path.stat().st_mtime_ns for path in data.rglob('*.avi')}
    assert len(before) == 6
    tal.build_tal_sprites(data, SMALL, workers=1)
    assert before == {path: path.stat().st_mtime_ns for path in data.rglob('*.avi')}
    refused('was made with other settings', tal.build_tal_sprites, data, SETTINGS)
    (tmp_path / 'file').touch()
    refused('file: cannot be written', tal.build_tal_sprites, tmp_path / 'file', SMALL)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(scene_rate=2), 'scene_rate: expected a finite number from 0 to 1, got 2'),
        (dict(main_rate=-0.1), 'main_rate: expected'),
        (dict(train=0), 'at least one video'),
        (dict(frames=255), '256 frames a video'),
    ],
)
def test_settings_that_are_refused(change, message):
    refused(message, tal.TalSpritesSettings, error=ValueError, **change)
