"""Untrimmed videos joined from clips: events where the annotation says, no clip in both splits."""

import json
from dataclasses import replace

import numpy as np
import pytest

from albar_mm.utils.errors import DatasetError
from downstream.anomaly.annotations import read_annotation
from downstream.features.joining import JoinSettings, join_clips
from downstream.features.videos import choose_reader

from .videos import write_video

SHAPE = dict(fps=10, height=24, width=40)
COUNTS = dict(train=4, test=4, fillers=(2, 3), events=(1, 2), eventless=0.5, test_share=0.5)
SETTINGS = JoinSettings(('calm',), **COUNTS, **SHAPE)


@pytest.fixture
def clips(tmp_path):
    """Clips of one grey level each: dark background, bright events."""
    for name, levels in (('calm', (10, 20, 30, 40)), ('fight', (150, 180, 210, 240))):
        (tmp_path / 'clips' / name).mkdir(parents=True)
        for index, level in enumerate(levels):
            frames = np.full((7 + index, 48, 64, 3), level, np.uint8)
            write_video(tmp_path / 'clips' / name / f'{name}{index}.mp4', frames)
    return tmp_path / 'clips'


def frames_of(path):
    with choose_reader()(path) as reader:
        return np.concatenate([chunk.pixels for chunk in reader.chunks()])


def test_events_are_where_the_annotation_says(clips, tmp_path):
    out = tmp_path / 'out'
    lines = join_clips(clips, out, SETTINGS)
    assert len(lines) == 2 and '4 train videos' in lines[0]
    levels = {}
    for split in ('train', 'test'):
        videos = read_annotation(out / f'{split}.txt')
        assert {video.is_anomalous for video in videos} == {True, False}
        levels[split] = set()
        for video in videos:
            frames = frames_of(out / 'videos' / f'{video.video_id}.avi')
            assert frames.shape == (video.num_frames, 24, 40, 3)
            bright = frames[:, 12, 20, 0] > 100
            levels[split] |= {int(10 * round(level / 10)) for level in frames[:, 12, 20, 0]}
            assert not bright[0] and bright.any() == video.is_anomalous
            if split == 'test':
                wanted = np.zeros(len(frames), bool)
                for first, last in video.events:
                    wanted[first : last + 1] = True
                assert np.array_equal(bright, wanted)
    assert not levels['train'] & levels['test']  # no clip is in both
    lists = {split: (out / f'clips_{split}.txt').read_text().split() for split in levels}
    assert not set(lists['train'][::2]) & set(lists['test'][::2])
    assert lists['train'][1::2] == ['0', '0', '1', '1'] and lists['train'][2][:5] == 'calm/'
    database = json.loads((out / 'segments.json').read_text())['database']
    for video in read_annotation(out / 'test.txt'):
        entry = database[video.video_id]
        assert entry['subset'] == 'Test' and entry['duration'] == video.num_frames / 10
        assert [each['segment'] for each in entry['annotations']] == [
            [first / 10, (last + 1) / 10] for first, last in video.events
        ]


def test_the_same_again_and_other_settings(clips, tmp_path):
    join_clips(clips, tmp_path / 'a', SETTINGS)
    join_clips(clips, tmp_path / 'b', SETTINGS)
    files = ([path for path in (tmp_path / name).rglob('*.*') if path.is_file()] for name in 'ab')
    one, other = ({path.name: path.read_bytes() for path in paths} for paths in files)
    assert one == other and len(one) > 8
    assert 'was joined with these settings before' in join_clips(clips, tmp_path / 'a', SETTINGS)[0]
    with pytest.raises(DatasetError, match='holds videos of other settings or clips'):
        join_clips(clips, tmp_path / 'a', replace(SETTINGS, seed=1))


def test_what_is_refused(clips, tmp_path):
    for folder, change, message in (
        (clips, dict(background=('quiet',)), 'those of the background .quiet. and others'),
        (clips, dict(test_share=0.01), "'calm' has 4 clips: too few .*test_share=0.01"),
        (tmp_path / 'gone', {}, 'two or more classes, found 0'),
    ):
        with pytest.raises(DatasetError, match=message):
            join_clips(folder, tmp_path / 'a', replace(SETTINGS, **change))
    assert not (tmp_path / 'a').exists()
