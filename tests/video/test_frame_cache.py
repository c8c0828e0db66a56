"""The cache of decoded frames."""

import numpy as np
import pytest

from albar_mm.utils.errors import BadVideoError
from albar_mm.video.source_video import FrameCache, decode_frames

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
