"""The real lists of UCF-Crime, prepared; lists that contradict each other."""

import json
import shutil

import pytest

from albar_mm.utils.errors import DatasetError
from downstream.anomaly.annotations import (
    EVENTS,
    FRAMES,
    TEST,
    TRAIN,
    prepare_ucf_crime,
    read_annotation,
)
from tests.in_process import run_tool


@pytest.fixture
def lists(real_data, tmp_path):
    """The real lists, to be changed."""
    target = tmp_path / 'lists'
    target.mkdir()
    for name in (TRAIN, TEST, EVENTS, FRAMES):
        shutil.copyfile(real_data / 'ucf_crime' / name, target / name)
    return target


def test_the_real_lists(lists, tmp_path):
    given = '--lists', lists, '--out', tmp_path / 'out'
    done = run_tool('prepare_dataset', 'ucf_crime', *given)
    assert done.returncode == 0, done.stderr
    assert 'train: 1610 videos, 810 anomalous' in done.stdout
    assert 'test: 1111808 frames, 84331 anomalous; 7 events end up to three' in done.stdout
    train, test = (read_annotation(tmp_path / 'out' / f'{name}.txt') for name in ('train', 'test'))
    given_events = read_annotation(lists / EVENTS)
    assert train == list(read_annotation(lists / TRAIN))
    found, wanted = ({v.video_id: v.events for v in part} for part in (test, given_events))
    assert found == wanted
    assert sum(video.num_frames for video in test) == 1_111_808
    report = json.loads((tmp_path / 'out/report.json').read_text())
    assert len(report['clipped']) == 7 and report['left_out'] == []


def test_videos_that_are_not_there(lists, tmp_path):
    text = ''.join((lists / name).read_text() for name in (TRAIN, TEST))
    for name in [line.split()[0] for line in text.splitlines()[1:]]:
        (tmp_path / 'videos' / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / 'videos' / name).touch()
    with pytest.raises(DatasetError, match=r'lacks 1 videos, as Abuse/Abuse001_x264.mp4'):
        prepare_ucf_crime(lists, tmp_path / 'out', tmp_path / 'videos')
    assert not (tmp_path / 'out').exists()
    _, absent = prepare_ucf_crime(lists, tmp_path / 'out', tmp_path / 'videos', missing='drop')
    assert absent == ['Abuse/Abuse001_x264.mp4']
    assert len(read_annotation(tmp_path / 'out/train.txt')) == 1609
    with pytest.raises(DatasetError, match='no such folder of videos'):
        prepare_ucf_crime(lists, tmp_path / 'out', tmp_path / 'gone')


@pytest.mark.parametrize(
    'name, old, new, message',
    [
        (TRAIN, 'Abuse/Abuse001_x264.mp4\n', '', '1609 train videos, 809 of them anomalous; UCF'),
        (TRAIN, 'Abuse001_x264', 'Abuse028_x264', 'in .*Train.txt and in .*Test'),
        (TEST, 'Abuse/Abuse028_x264.mp4', 'Abuse/Abuse099_x264.mp4', 'are in one of .* alone'),
        (EVENTS, 'Abuse  165  240', 'Abuse  240  165', r'txt:1: .*event 240 to 165'),
        (EVENTS, 'Abuse  165  240', 'Abuse  165  241', "'Abuse028_x264': Abuse .* in one list"),
        (FRAMES, 'Arson022_x264.mp4 8640', 'Arson022_x264.mp4 8641', '1111809 frames'),
        (EVENTS, None, None, f'{EVENTS}: no such file'),
    ],
)
def test_lists_that_contradict(lists, tmp_path, name, old, new, message):
    if old is None:
        (lists / name).unlink()
    else:
        text = (lists / name).read_text()
        assert old in text
        (lists / name).write_text(text.replace(old, new, 1))
    with pytest.raises(DatasetError, match=message):
        prepare_ucf_crime(lists, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()
