"""tools/downstream.py export and import, and the lists of lengths that they read."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from albar_mm.utils.errors import DatasetError, LaunchError
from downstream.features.convert import LAYOUTS
from downstream.features.convert_command import run_export, run_import
from downstream.features.store import FeatureStore
from downstream.features.video_lengths import read_lengths

from .test_convert import FRAMES, make_store

TOOL = Path(__file__).resolve().parents[3] / 'tools' / 'downstream.py'


def run(*words, cwd=None):
    return subprocess.run(
        [sys.executable, str(TOOL), *map(str, words)], capture_output=True, text=True, cwd=cwd
    )


def test_there_and_back(tmp_path):
    """Ten crops through RTFM's files; its list has its suffix, slashes of Windows, labels."""
    store = make_store(tmp_path / 'store', 10)
    names = list(FRAMES)[::-1]
    (tmp_path / 'test.list').write_text(f'G:\\x\\{names[0]}_i3d.npy 1\n\nvideos/{names[1]}.mp4\n')
    done = run('export', 'store', 'rtfm', '--layout', 'rtfm', '--lists', 'test.list', cwd=tmp_path)
    assert done.returncode == 0 and '2 videos as rtfm reads them, test.list' in done.stdout
    assert (tmp_path / 'rtfm/test.list').read_text().splitlines() == [
        str(Path('rtfm') / f'{name}_i3d.npy') for name in names
    ]
    (tmp_path / 'counts.txt').write_text(
        ''.join(f'Abuse/{name}.mp4 {frames} Abuse 1 2\n' for name, frames in FRAMES.items())
    )
    flags = ['--layout', 'rtfm', '--preset', 'ucf-crime', '--fps', '30', '--note', 'I3D']
    done = run('import', 'rtfm', 'again', '--lengths', 'counts.txt', *flags, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    again = FeatureStore(tmp_path / 'again')
    assert again.settings['encoder']['published'] == 'I3D'
    for name in FRAMES:
        assert np.array_equal(again.load(name), store.load(name))
        assert again.grid(name) == store.grid(name)


def test_the_tool_knows_every_layout():
    text = run('export', '--help').stdout
    assert '{' + ','.join(LAYOUTS) + '}' in ''.join(text.split())


def test_videos_without_features(tmp_path, capsys):
    run_export(str(make_store(tmp_path / 'store', 1).root), str(tmp_path / 'out'), 'tridet')
    lengths = tmp_path / 'counts.txt'
    lengths.write_text('Gone.mp4 90\nAbuse001_x264.mp4 60\n')
    given = dict(
        folder=str(tmp_path / 'out'),
        layout='tridet',
        lengths=str(lengths),
        fps=30,
        sampling=dict(clip_len=16, frame_interval=1, stride=16),
    )
    with pytest.raises(DatasetError, match=r'Gone\.npy: no such file'):
        run_import(store=str(tmp_path / 'a'), **given)
    assert run_import(store=str(tmp_path / 'b'), on_missing='skip', **given) == 3
    assert '1 listed videos have no features there:\n  Gone' in capsys.readouterr().out
    assert FeatureStore(tmp_path / 'b').ids() == ['Abuse001_x264']
    lengths.write_text('Gone.mp4 90\n')
    with pytest.raises(DatasetError, match=r"none of the 1 videos, as 'Gone'"):
        run_import(store=str(tmp_path / 'c'), on_missing='skip', **given)
    with pytest.raises(LaunchError, match=r'stride: not given: say how snippets are made, or name'):
        run_import(store=str(tmp_path / 'd'), **{**given, 'sampling': {}})


def test_lengths_of_the_real_lists(real_data):
    """The numbers of the published annotation: frames of all test videos; videos of THUMOS14."""
    crime = read_lengths(real_data / 'ucf_crime/UCF_Annotation_with_frame_counts.txt', fps=30)
    assert len(crime) == 290 and sum(frames for frames, _ in crime.values()) == 1_111_808
    thumos = read_lengths(real_data / 'thumos14/thumos14.json')
    assert len(thumos) == 412 and thumos['video_test_0000004'] == (1015, 30.0)  # 33.83 s


@pytest.mark.parametrize(
    'name, text, fps, message',
    [
        ('a.txt', 'v.mp4 90', None, r'tells no frame rate: give it \(--fps'),
        (
            'a.txt',
            'v.mp4 90\nw.mp4 long',
            30,
            r"a\.txt:2: 'w\.mp4 long': expected a video and its num",
        ),
        ('a.txt', 'v.mp4 90\nx/v.avi 91', 30, r"a\.txt:2: 'v' was listed with 90 frames before"),
        ('a.txt', '\n', 30, r'lists no video'),
        ('a.json', '[1]', 30, r'no annotation with a "database"'),
        ('a.json', '{"database": {"v": 3}}', 30, r"video 'v': expected keys"),
        ('a.json', '{"database": {"v": {"fps": 30}}}', None, r"video 'v': tells no length"),
        ('a.json', '{"database": {"v": {"duration": 3}}}', None, r"video 'v': tells no frame rate"),
        ('a.json', '{"database": {"v": {"duration": 0.01, "fps": 30}}}', None, r'lasts 0 frames'),
    ],
)
def test_lengths_that_are_refused(tmp_path, name, text, fps, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_lengths(tmp_path / name, fps)
    with pytest.raises(DatasetError, match='cannot be read as a list of lengths'):
        read_lengths(tmp_path / 'gone.txt', 30)


def test_a_frame_rate_stands_in_for_one_that_is_not_told(tmp_path):
    path = tmp_path / 'a.json'
    path.write_text(json.dumps(dict(database=dict(v=dict(duration=4), w=dict(duration_frame=7)))))
    assert read_lengths(path, fps=25) == dict(v=(100, 25.0), w=(7, 25.0))
