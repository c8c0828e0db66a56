"""Which videos are meant, and what they are called."""

import os
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


def test_links_are_followed_once_and_lead_perhaps_nowhere(folder, tmp_path, monkeypatch):
    (tmp_path / 'disk2').mkdir()
    (tmp_path / 'disk2/v.mp4').touch()
    (folder / 'c').symlink_to(tmp_path / 'disk2')
    (folder / 'd').symlink_to(tmp_path / 'disk2')
    (folder / 'a/loop').symlink_to(folder)
    (folder / 'a/w.mp4').symlink_to(tmp_path / 'nowhere')
    (folder / 'lost').symlink_to(tmp_path / 'unmounted')
    wanted = ['lost', 'v', 'w', 'x 1', 'y', 'z']
    assert [name for name, _ in names(find_videos([folder]))] == wanted
    monkeypatch.chdir(folder)
    assert [name for name, _ in names(find_videos(['*']))] == wanted
    assert names(find_videos(['a/w*', 'a/w.mp4'])) == [('w', 'w.mp4')]


def test_lists_of_other_codes(folder):
    (folder / 'l.csv').write_text('a/y.AVI,Arson,150\na/x 1.mp4,Normal\n')
    (folder / 'l.LIST').write_text('a/y.AVI\na/x 1.mp4\n')
    (folder / 'features.list').write_text('a/y_i3d.npy\n')
    (folder / 'u.txt').write_text('b/a\u2028b.mp4\n')
    for name in ('l.csv', 'l.LIST'):
        assert names(find_videos([folder / name])) == [('x 1', 'x 1.mp4'), ('y', 'y.AVI')]
    assert names(find_videos([folder / 'u.txt'])) == [('a\u2028b', 'a\u2028b.mp4')]
    refused('.list: lists features, as a/y_i3d.npy', find_videos, [folder / 'features.list'])


def test_names_that_a_store_cannot_take(folder):
    """They are passed by where that is asked for, and say why."""
    for name in (b'b/caf\xe9.mp4', b'b/' + b'n' * 230 + b'.mp4', b'b/store.mp4'):
        (folder / os.fsdecode(name)).touch()
    refused('no file can be called', find_videos, [folder])
    found = find_videos([folder], on_bad='skip')[0]
    assert [video.video_id for video in found if not video.fault] == ['x 1', 'y', 'z']
    faults = [video.fault for video in found if video.fault]
    assert 'no UTF-8' in faults[0] and 'longer than' in faults[1] and 'another use' in faults[2]


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
