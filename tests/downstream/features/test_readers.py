"""All readers give the same frames, and say the same of what cannot be read."""

from fractions import Fraction

import numpy as np
import pytest

from albar_mm.utils.errors import BadVideoError, LaunchError
from downstream.features._clock import FrameClock
from downstream.features.readers import CHUNK, READERS, choose_reader
from downstream.features.sampling import Sampling

from .videos import moving, rotate_mp4, write_video


def installed():
    names = []
    for name in READERS:
        try:
            choose_reader(name)
        except LaunchError:
            continue
        names.append(name)
    return names


INSTALLED = installed()
each_reader = pytest.mark.parametrize('name', INSTALLED)


def read(name, path):
    """All frames and times, and the reader."""
    with READERS[name](path) as reader:
        chunks = list(reader.chunks())
    assert all(0 < len(chunk.pixels) <= CHUNK for chunk in chunks)
    return (
        np.concatenate([chunk.pixels for chunk in chunks]),
        np.concatenate([chunk.times_s for chunk in chunks]),
        reader,
    )


def grey_levels(one, other):
    """Absolute differences, without the memory that wider numbers would take."""
    return np.maximum(one, other) - np.minimum(one, other)


def test_several_readers_are_compared():
    assert {'pyav', 'decord', 'opencv'} <= set(INSTALLED)
    assert choose_reader().name == INSTALLED[0]


def test_the_same_frames_of_real_clips(real_data):
    clips = sorted(path for path in (real_data / 'clips').iterdir() if path.suffix != '')
    assert len(clips) == 10
    for clip in clips:
        reference, times, first = read('pyav', clip)
        assert reference.dtype == np.uint8 and reference.shape[3] == 3
        for name in INSTALLED:
            frames, its_times, reader = read(name, clip)
            # AVI files count frames that were never coded: decord repeats the last one for them
            extra = len(frames) - len(reference)
            assert extra == 0 or (name, clip.suffix, extra) == ('decord', '.avi', 1)
            different = grey_levels(frames[: len(reference)], reference)
            # MPEG-4 part 2, in AVI files here, leaves the rounding of its transform to decoders
            assert different.max() <= 1 or (clip.suffix == '.avi' and (different > 1).mean() < 1e-5)
            assert reader.fps == pytest.approx(first.fps, rel=1e-6)
            assert np.allclose(its_times[: len(times)], times, atol=1e-4, equal_nan=True)
            if clip.suffix == '.mp4':
                assert times[1] == pytest.approx(1 / first.fps, rel=1e-3)
            elif clip.read_bytes()[:4] == b'RIFF':
                assert np.isnan(times).all()


@each_reader
@pytest.mark.parametrize('count', [1, CHUNK, 2 * CHUNK + 5])
@pytest.mark.parametrize('suffix', ['.mp4', '.avi', '.mkv'])
def test_numbers_of_frames(tmp_path, name, count, suffix):
    path = write_video(tmp_path / f'a{suffix}', moving(count))
    frames, _, reader = read(name, path)
    assert frames.shape == (count, 48, 64, 3) and reader.fps == pytest.approx(10)
    assert np.abs(frames.astype(int) - moving(count)).mean() < 5


@each_reader
def test_odd_sizes(tmp_path, name):
    frames, _, _ = read(name, write_video(tmp_path / 'odd.mp4', moving(5, 47, 63)))
    assert frames.shape == (5, 47, 63, 3)
    reference = read('pyav', tmp_path / 'odd.mp4')[0]
    different = np.abs(frames.astype(int) - reference)
    assert different.max() <= 1 or (name == 'decord' and different.mean() < 2)


@each_reader
def test_rotated_videos_are_upright(tmp_path, name):
    source = write_video(tmp_path / 'a.mp4', moving(5))
    plain = read(name, source)[0]
    rotated = rotate_mp4(source, tmp_path / 'turned.mp4')
    if name == 'decord':
        with pytest.raises(BadVideoError, match='it is rotated, which decord does not read'):
            read(name, rotated)
        return
    turned = read(name, rotated)[0]
    assert np.abs(turned.astype(int) - np.rot90(plain, -1, (1, 2))).max() <= 1


@each_reader
def test_variable_frame_rate(tmp_path, name):
    times = [Fraction(t, 100) for t in (0, 10, 20, 50, 60, 61, 90, 100)]
    path = write_video(tmp_path / 'vfr.mp4', moving(8), times)
    frames, found, _ = read(name, path)
    assert len(frames) == 8 and found == pytest.approx([float(t) for t in times], abs=2e-3)
    with READERS[name](path) as reader:
        clock = FrameClock(reader)
        assert sum(map(len, clock.chunks())) == clock.decoded == 8
        fps, frame_times = clock.rate()
    assert fps == pytest.approx(7.0, abs=0.02) and len(frame_times) == 9
    grid = Sampling(2, 2).grid(8, fps, frame_times)
    assert grid.frame_to_second([0, 3, 7]) == pytest.approx([0, 0.5, 1], abs=2e-3)


@each_reader
@pytest.mark.parametrize(
    'fps, wanted',
    [
        # frame k is the one shown at (k + 0.5) / fps seconds
        (4, [1, 2, 5, 5]),
        (20, [0, 0, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 5, 5, 5, 5, 5, 5, 6, 6, 7, 7]),
    ],
)
def test_brought_to_another_rate(tmp_path, name, fps, wanted):
    times = [Fraction(t, 100) for t in (0, 10, 20, 50, 60, 61, 90, 100)]
    path = write_video(tmp_path / 'vfr.mp4', moving(8), times)
    reference = read(name, path)[0]
    with READERS[name](path) as reader:
        clock = FrameClock(reader, fps)
        found = np.concatenate(list(clock.chunks()))
        assert clock.rate() == (fps, None) and clock.decoded == 8
    nearest = [
        int(np.abs(reference.astype(int) - frame).sum((1, 2, 3)).argmin()) for frame in found
    ]
    # how long the last frame is shown, the libraries tell differently
    assert nearest[: min(20, len(wanted))] == wanted[:20] and abs(len(found) - len(wanted)) <= 1


@each_reader
def test_an_even_video_is_even(tmp_path, name):
    path = write_video(tmp_path / 'a.mp4', moving(20), fps=25)
    with READERS[name](path) as reader:
        clock = FrameClock(reader)
        list(clock.chunks())
        assert clock.rate() == (pytest.approx(25), None)
    with READERS[name](path) as reader:
        assert sum(map(len, FrameClock(reader, 25).chunks())) == 20
    with READERS[name](path) as reader:
        assert sum(map(len, FrameClock(reader, 12.5).chunks())) == 10


def broken(kind, real_data, folder):
    """A broken variant of a real clip."""
    source = (
        real_data
        / 'clips'
        / ('R6llTwEh07w.mp4' if '.mp4' in kind else 'v_SoccerJuggling_g23_c01.avi')
    )
    data = source.read_bytes()
    path = folder / f'broken{source.suffix}'
    if kind.startswith('cut'):
        path.write_bytes(data[: len(data) * int(kind.split()[1]) // 100])
    elif kind.startswith('no header'):
        path.write_bytes(bytes(64) + data[64:])
    elif kind.startswith('empty'):
        path.touch()
    elif kind.startswith('sound'):
        write_video(path, moving(0), audio=True)
    elif kind.startswith('text'):
        path.write_text('no video at all\n' * 100)
    return path


@each_reader
@pytest.mark.parametrize(
    'kind, reason',
    [
        ('cut 20 .mp4', 'truncated'),
        ('cut 60 .mp4', 'truncated'),
        ('cut 95 .mp4', 'truncated'),
        ('cut 20 .avi', 'truncated'),
        ('cut 95 .avi', 'truncated'),
        ('no header .mp4', 'begin like a'),
        ('no header .avi', 'begin like a'),
        ('empty .mp4', 'the file is empty'),
        ('sound .mp4', ''),
        ('text .mp4', 'begin like a'),
        ('missing .mp4', 'no such file'),
    ],
)
def test_what_cannot_be_read_is_named(real_data, tmp_path, name, kind, reason):
    path = broken(kind, real_data, tmp_path)
    with pytest.raises(BadVideoError) as caught, READERS[name](path) as reader:
        list(reader.chunks())
    line = str(caught.value)
    assert line.startswith(f'video {path} cannot be read: {name}: ') and reason in line
    assert '\n' not in line and len(caught.value.reason) > len(name) + 5


@each_reader
def test_a_wrong_suffix_does_not_matter(real_data, tmp_path, name):
    path = tmp_path / 'a.avi'
    path.write_bytes((real_data / 'clips' / 'mmaction2_demo.mp4').read_bytes())
    frames, times, _ = read(name, path)
    assert len(frames) == 280 and times[28] == pytest.approx(1)


def test_unknown_and_absent_readers(monkeypatch):
    with pytest.raises(LaunchError, match="decoder 'ffmpeg': expected auto or one of torchcodec, "):
        choose_reader('ffmpeg')

    def absent():
        raise ImportError('No module named av')

    for reader in READERS.values():
        monkeypatch.setattr(reader, 'version', absent)
    with pytest.raises(LaunchError, match='install one of pyav .*opencv: No module named av'):
        choose_reader()
