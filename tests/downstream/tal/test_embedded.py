"""The embedded data: what they hold."""

from collections import Counter

import pytest

from albar_mm.datasets.motion_sprites.clips import SCENES_PER_CLASS
from albar_mm.datasets.motion_sprites.motions import CLASSES
from albar_mm.datasets.motion_sprites.video_file import FPS
from albar_mm.utils.errors import DatasetError
from downstream.tal.annotations import read_annotation
from downstream.tal.embedded import (
    ACTIONS,
    ANNOTATION_FILE,
    TalSpritesSettings,
    build_tal_sprites,
    draw_video,
)

SETTINGS, SMALL = TalSpritesSettings(), TalSpritesSettings(train=4, test=2)


def shares(split, **changes):
    """Of 400 videos: share whose scene goes with their main action; of actions that are main."""
    settings = TalSpritesSettings(**changes)
    specs = [draw_video(settings, split, index) for index in range(400)]
    hinted = Counter(
        spec.scene // SCENES_PER_CLASS == index % ACTIONS for index, spec in enumerate(specs)
    )
    main = Counter(
        stretch.label == index % ACTIONS
        for index, spec in enumerate(specs)
        for stretch in spec.stretches
        if stretch.label < ACTIONS
    )
    return [count[True] / count.total() for count in (hinted, main)]


def test_scenes_hint_in_training_alone():
    # one of eight scenes is right by chance, and so is one of four actions
    assert shares('train') == pytest.approx([0.95 + 0.05 / 8, 0.8 + 0.2 / 4], abs=0.03)
    assert shares('test') == pytest.approx([1 / 8, 0.8 + 0.2 / 4], abs=0.04)
    assert shares('train', scene_rate=0, main_rate=0) == pytest.approx([1 / 8, 1 / 4], abs=0.04)


def test_videos():
    counts = Counter()
    for index in range(200):
        spec = draw_video(SETTINGS, 'train', index)
        are_actions = [stretch.label < ACTIONS for stretch in spec.stretches]
        assert spec.num_frames == 256 and not are_actions[0] and not are_actions[-1]
        assert not any(
            one and other for one, other in zip(are_actions, are_actions[1:], strict=False)
        )
        counts[sum(are_actions)] += 1
        for stretch, is_action in zip(spec.stretches, are_actions, strict=True):
            assert 16 <= stretch.frames <= 36 if is_action else 12 <= stretch.frames <= 31
        assert spec == draw_video(SETTINGS, 'train', index)
    assert set(counts) == {2, 3, 4}
    assert draw_video(TalSpritesSettings(seed=1), 'train', 0) != draw_video(SETTINGS, 'train', 0)


def test_build(tmp_path):
    data = build_tal_sprites(tmp_path / 'data', SMALL, workers=1)
    # by name, and label_id 0 to 3, as the annotation may leave the ids out
    found = read_annotation(data / ANNOTATION_FILE, CLASSES[:ACTIONS])
    assert read_annotation(data / ANNOTATION_FILE).classes == CLASSES[:ACTIONS]
    assert [len(found.of(subset)) for subset in ('Validation', 'Test')] == [4, 2]
    for split, subset in (('train', 'validation'), ('test', 'test')):
        for index, video in enumerate(found.of(subset)):
            assert (video.fps, video.duration_s) == (FPS, 256 / FPS)
            wanted, at = [], 0
            for stretch in draw_video(SMALL, split, index).stretches:
                if stretch.label < ACTIONS:
                    wanted.append((at / FPS, (at + stretch.frames) / FPS, stretch.label))
                at += stretch.frames
            rows = zip(*video.segments.T.tolist(), video.labels.tolist(), strict=True)
            assert list(rows) == wanted
    before = {path: path.stat().st_mtime_ns for path in data.rglob('*.avi')}
    assert len(before) == 6
    build_tal_sprites(data, SMALL, workers=1)
    assert before == {path: path.stat().st_mtime_ns for path in data.rglob('*.avi')}
    with pytest.raises(DatasetError, match='was made with other settings'):
        build_tal_sprites(data, SETTINGS)
    (tmp_path / 'file').touch()
    with pytest.raises(DatasetError, match='file: cannot be written'):
        build_tal_sprites(tmp_path / 'file', SMALL)


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
    with pytest.raises(ValueError, match=message):
        TalSpritesSettings(**change)
