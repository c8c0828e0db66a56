"""Which videos are meant, and what they are called."""

from pathlib import Path

import pytest

from downstream.features.videos import Video, find_videos
from tests.refused import refused


@pytest.fixture
def folder(tmp_path):
    for name in ('a/x 1.mp4', 'a/y.AVI', 'b/z.mkv', 'b/notes.txt', 'b/.hidden.mp4'):
        path = tmp_path / 'root' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / 'root'


def names(found):
    return [(video.video_id, video.path.name) for video in found[0]]


def test_a_folder_and_names_that_are_not_unique(folder):
    found = find_videos([folder])
    assert names(found) == [('x 1', 'x 1.mp4'), ('y', 'y.AVI'), ('z', 'z.mkv')] and found[1] == 1
    by_path = find_videos([folder], ids='path')[0]
    assert [video.video_id for video in by_path] == ['a__x 1', 'a__y', 'b__z']
    (folder / 'b/y.mp4').touch()
    message = r"1 names stand for several videos, as 'y': .*y.AVI and .*y.mp4; tell them apart with"
    refused(message, find_videos, [folder])
    assert len(find_videos([folder], ids='path')[0]) == 4


def test_lists_globs_and_files(folder, tmp_path, monkeypatch):
    listed = tmp_path / 'list.txt'
    listed.write_text('a/x 1.mp4 3\n\na/y.AVI  Arson  150  420\nb/z.mkv\n')
    found, others = find_videos([listed], root=folder)
    found = [str(video.path.relative_to(folder)) for video in found]
    assert found == ['a/x 1.mp4', 'a/y.AVI', 'b/z.mkv'] and others == 0
    beside = folder / 'list.txt'
    beside.write_text('b/z.mkv 0\n')
    assert find_videos([beside])[0][0].path == folder / 'b/z.mkv'
    found = find_videos([str(folder / '*' / '*.mkv'), folder / 'a/y.AVI'])
    assert names(found) == [('y', 'y.AVI'), ('z', 'z.mkv')]
    monkeypatch.chdir(folder)
    found = find_videos(['**/*.mp4', 'a'], ids='stem')[0]
    assert found == [Video('x 1', Path('a/x 1.mp4')), Video('y', Path('a/y.AVI'))]


@pytest.mark.parametrize(
    'named, message',
    [
        ('gone', 'gone: no such folder, list or video'),
        ('*.wmv', 'no video there'),
        ('b/notes.txt', 'no video there'),
        ('store.mp4', 'the store has another use for the name'),
        ('b/.hidden.mp4', 'no file can be called .*begins with a dot'),
    ],
)
def test_nothing_that_can_be_used(folder, monkeypatch, named, message):
    monkeypatch.chdir(folder)
    Path('store.mp4').touch()
    refused(message, find_videos, [named])
