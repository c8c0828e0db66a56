"""The cache of decoded frames."""

import numpy as np
import pytest

from albar_mm.utils.errors import BadVideoError
from albar_mm.video.source_video import (
    FrameCache,
    SourceVideo,
    decode_frames,
    frames_in_order,
    kept_frames,
    read_frames,
)

from ..bias_sets.toy_benchmark import toy_frames, write_sources

NAME = 'wave/wave_a.avi'


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    folder = tmp_path_factory.mktemp('sources')
    write_sources(folder, [NAME])
    return folder / 'videos' / NAME


@pytest.mark.parametrize('decord', [True, False])
def test_chosen_frames_are_those_of_the_whole_video(video, monkeypatch, decord):
    if not decord:
        monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    frames, total = decode_frames(video, [4, 1, 9])
    assert total == 6 and sorted(frames) == [1, 4]
    assert all(np.array_equal(frames[i], toy_frames(NAME)[i]) for i in frames)
    assert not frames[1].flags.writeable


def test_a_video_is_decoded_once(video):
    cache = FrameCache(1 << 20)
    first, total = cache.get(video, [0, 2], also=[5])
    again, _ = cache.get(video, [2, 5])
    assert cache.decoded == 1 and total == 6 and again[0] is first[1]
    assert cache.bytes == 3 * first[0].nbytes
    late, _ = cache.get(video, [1, 17])
    assert cache.decoded == 2 and late[1] is None
    cache.get(video, [0, 1, 2, 5, 17])
    assert cache.decoded == 2


def test_the_limit_holds(video, tmp_path):
    other = tmp_path / 'copy.avi'
    other.write_bytes(video.read_bytes())
    cache = FrameCache(3 * toy_frames(NAME)[0].nbytes)
    for path, decoded in ((video, 1), (other, 2), (other, 2), (video, 3)):
        cache.get(path, [0, 1])
        assert cache.decoded == decoded and cache.bytes <= cache.max_bytes
    nothing = FrameCache(0)
    for _ in range(2):
        nothing.get(video, [0])
    assert (nothing.decoded, nothing.bytes) == (2, 0)


def test_a_broken_video_is_named(tmp_path):
    path = tmp_path / 'broken.avi'
    path.write_bytes(b'nothing')
    with pytest.raises(BadVideoError, match='broken.avi cannot be read'):
        decode_frames(path, [0])


@pytest.mark.parametrize(
    ('native', 'fps', 'frames'),
    [
        (30, 15, [0, 2, 4, 6, 8]),
        (29.97, 15, [0, 2, 4, 6, 8]),
        (25, 15, [0, 2, 3, 5, 7, 8]),  # at 0, 1.67, 3.33, 5, 6.67 and 8.33
        (25, 10, [0, 3, 5, 8]),  # at 0, 2.5, 5 and 7.5: of two as near, the later
        (60, 15, [0, 4, 8]),
        (15, 15, list(range(10))),
        (12, 15, list(range(10))),
        (30, None, list(range(10))),
    ],
)
def test_frames_kept_at_a_rate_by_hand(native, fps, frames):
    assert kept_frames(10, native, fps).tolist() == frames


def test_ten_seconds_of_kinetics_at_the_published_rate():
    """About 150 frames: in the official list of K400 SCUBA, 8,976 of 10,190 have 150 to 153."""
    kept = kept_frames(300, 30, 15)
    assert len(kept) == 150 and (np.diff(kept) == 2).all()
    for native in (23.976, 24, 25, 29.97, 50, 59.94):
        times = kept_frames(round(10 * native), native, 15) / native
        assert len(times) == 150 and np.abs(times - np.arange(150) / 15).max() <= 0.5001 / native


@pytest.mark.real_data
def test_a_real_clip_has_the_published_length(real_data):
    """R6llTwEh07w_000000_000010__0 has 152 frames in the official list of K400 SCUBA."""
    total, _ = frames_in_order(real_data / 'clips' / 'R6llTwEh07w.mp4', 15)
    assert total == 152


def test_a_video_at_a_lower_rate(video):
    """25 frames a second, six of them; every way to read it counts those that are kept."""
    kept, pixels = [0, 3, 5], toy_frames(NAME)
    assert np.array_equal(read_frames(video, 10), pixels[kept])
    frames, total = decode_frames(video, [2, 0, 3], 10)
    assert total == 3 and sorted(frames) == [0, 2] and np.array_equal(frames[2], pixels[5])
    cache = FrameCache(1 << 20)
    for fps, expected in ((10, 3), (None, 1), (10, 3)):
        (frame,), _ = cache.get(video, [1], also=[2], fps=fps)
        assert np.array_equal(frame, pixels[expected])
    assert cache.decoded == 2
    source = SourceVideo('wave_a', video, 1, fps=10)
    assert source.kept.tolist() == kept and source.total == 6
    assert np.array_equal(source.frames, pixels[kept])
    assert np.array_equal(read_frames(video, 40), pixels)
