"""All readers give the same frames, and say the same of what cannot be read."""

import sys
from fractions import Fraction

import numpy as np
import pytest

from albar_mm.utils.errors import BadVideoError, LaunchError
from downstream.features.sampling import Sampling
from downstream.features.videos import CHUNK, READERS, FrameClock, choose_reader

from .videos import moving, rotate_mp4, write_video


def is_installed(name):
    try:
        return bool(choose_reader(name))
    except LaunchError:
        return False


INSTALLED = [name for name in READERS if is_installed(name)]
each_reader = pytest.mark.parametrize('name', INSTALLED)
UNEVEN = [Fraction(t, 100) for t in (0, 10, 20, 50, 60, 61, 90, 100)]


def read(name, path):
    """All frames and times, and the reader."""
    with READERS[name](path) as reader:
        chunks = list(reader.chunks())
    assert all(0 < len(chunk.pixels) <= CHUNK for chunk in chunks)
    times = np.concatenate([chunk.times_s for chunk in chunks])
    return np.concatenate([chunk.pixels for chunk in chunks]), times, reader


def grey_levels(one, other):
    """Absolute differences, without the memory that wider numbers would take."""
    return np.maximum(one, other) - np.minimum(one, other)


@pytest.mark.real_data
def test_the_same_frames_of_real_clips(real_data):
    """Compared with each other, and with OpenCV's own FFmpeg, which knows nothing of times."""
    cv2 = pytest.importorskip('cv2')
    clips = sorted(path for path in (real_data / 'clips').iterdir() if path.suffix != '')
    for clip in clips[1::2]:
        capture = cv2.VideoCapture(str(clip), cv2.CAP_FFMPEG)
        own = [frame for there, frame in iter(capture.read, (False, None)) if there]
        reference = np.stack(own)[..., ::-1]
        for name in INSTALLED:
            if name == 'torchcodec' and clip.suffix == '.avi' and not clip.name.startswith('v_'):
                with pytest.raises(BadVideoError, match='by time: use pyav'):
                    read(name, clip)
                continue
            frames, times, reader = read(name, clip)
            assert frames.dtype == np.uint8 and frames.shape[3] == 3
            different = grey_levels(frames, reference)
            # MPEG-4 part 2, in AVI files here, leaves the rounding of its transform to decoders
            assert different.max() <= 1 or (clip.suffix == '.avi' and (different > 1).mean() < 1e-5)
            assert reader.fps == pytest.approx(capture.get(cv2.CAP_PROP_FPS), rel=1e-6)
            if clip.suffix == '.mp4':
                assert times[1] == pytest.approx(1 / reader.fps, rel=1e-3)
                assert times[-1] == pytest.approx((len(times) - 1) / reader.fps, abs=0.1)
            elif clip.read_bytes()[:4] == b'RIFF':
                assert np.isnan(times).all()


@each_reader
@pytest.mark.parametrize('count, suffix', [(1, '.mp4'), (CHUNK, '.avi'), (2 * CHUNK + 5, '.mkv')])
def test_numbers_of_frames(tmp_path, name, count, suffix):
    path = write_video(tmp_path / f'a{suffix}', moving(count))
    frames, _, reader = read(name, path)
    assert frames.shape == (count, 48, 64, 3) and reader.fps == pytest.approx(10)
    assert np.abs(frames.astype(int) - moving(count)).mean() < 5


@each_reader
def test_rotated_videos_are_upright_odd_sizes_and_a_wrong_suffix(tmp_path, name):
    path = write_video(tmp_path / 'odd.mp4', moving(5, 47, 63)).rename(tmp_path / 'odd.avi')
    frames, times, _ = read(name, path)
    assert frames.shape == (5, 47, 63, 3) and times[3] == pytest.approx(0.3)
    different = grey_levels(frames, read('pyav', path)[0])
    assert different.max() <= 1 or (name == 'torchcodec' and different.mean() < 2)
    source = write_video(tmp_path / 'a.mp4', moving(5))
    turned = read(name, rotate_mp4(source, tmp_path / 'turned.mp4'))[0]
    assert grey_levels(turned, np.rot90(read(name, source)[0], -1, (1, 2))).max() <= 1


@each_reader
def test_variable_frame_rate(tmp_path, name):
    path = write_video(tmp_path / 'vfr.mp4', moving(8), UNEVEN)
    frames, found, _ = read(name, path)
    assert len(frames) == 8 and found == pytest.approx([float(t) for t in UNEVEN], abs=2e-3)
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
    path = write_video(tmp_path / 'vfr.mp4', moving(8), UNEVEN)
    reference = read(name, path)[0]
    with READERS[name](path) as reader:
        clock = FrameClock(reader, fps)
        found = np.concatenate(list(clock.chunks()))
        assert clock.rate() == (fps, None) and clock.decoded == 8
    nearest = [int(grey_levels(reference, frame).sum((1, 2, 3)).argmin()) for frame in found]
    # how long the last frame is shown, the libraries tell differently
    assert nearest[: min(20, len(wanted))] == wanted[:20] and abs(len(found) - len(wanted)) <= 1


@each_reader
@pytest.mark.parametrize('suffix', ['.mp4', '.avi'])  # with time stamps and without
def test_an_even_video_is_even(tmp_path, name, suffix):
    path = write_video(tmp_path / f'a{suffix}', moving(20), fps=25)
    for fps, count in ((None, 20), (25, 20), (12.5, 10)):
        with READERS[name](path) as reader:
            clock = FrameClock(reader, fps)
            assert sum(map(len, clock.chunks())) == count
            assert clock.rate() == (pytest.approx(fps or 25), None)


@each_reader
@pytest.mark.real_data
@pytest.mark.parametrize(
    'clip, change, reason',
    [
        ('R6llTwEh07w.mp4', lambda data: data[: len(data) // 5], 'truncated'),
        ('v_SoccerJuggling_g23_c01.avi', lambda data: data[: len(data) * 95 // 100], 'truncated'),
        ('R6llTwEh07w.mp4', lambda data: bytes(64) + data[64:], 'begin like a'),
        ('R6llTwEh07w.mp4', lambda data: b'', 'the file is empty'),
        ('R6llTwEh07w.mp4', lambda data: data[:200_000] + bytes(len(data) - 200_000), ''),
        ('sound.mp4', None, ''),
        ('missing.mp4', None, 'no such file'),
    ],
)
def test_what_cannot_be_read_is_named(real_data, tmp_path, name, clip, change, reason):
    path = tmp_path / clip
    if change is not None:
        path.write_bytes(change((real_data / 'clips' / clip).read_bytes()))
    elif clip == 'sound.mp4':
        write_video(path, moving(0), audio=True)
    with pytest.raises(BadVideoError) as caught, READERS[name](path) as reader:
        list(reader.chunks())
    line = str(caught.value)
    assert line.startswith(f'video {path} cannot be read: {name}: ') and reason in line
    assert '\n' not in line and len(caught.value.reason) > len(name) + 5


def test_readers_that_are_not_there(monkeypatch):
    monkeypatch.setitem(sys.modules, 'torchcodec', None)
    for name, message in (
        ('ffmpeg', "decoder must be one of 'auto', 'torchcodec', 'pyav', got"),
        ('decord', "decord': features are read with pyav now"),
        ('opencv', "opencv': features are read with pyav now"),
        ('torchcodec', 'torchcodec.* cannot be loaded: .*; install it, or use'),
    ):
        with pytest.raises(LaunchError, match=message):
            choose_reader(name)
    assert choose_reader().name == 'pyav'
