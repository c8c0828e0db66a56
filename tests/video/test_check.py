"""Videos that cannot be used are told apart by what is wrong with them."""

import shutil
import sys

import cv2
import numpy as np
import pytest

from albar_mm.video.source_video import check_video, decoder_name, frames_in_order

from ..video_files import write_frames

GREYS = [np.full((32, 32, 3), 20 * t, np.uint8) for t in range(12)]


@pytest.fixture(params=['decord', 'opencv'])
def decoder(request, monkeypatch):
    """Both decoders; a machine without decord has OpenCV alone."""
    if request.param == 'opencv':
        monkeypatch.setitem(sys.modules, 'decord', None)
    else:
        pytest.importorskip('decord')
    assert decoder_name() == request.param
    return request.param


@pytest.mark.parametrize(('codec', 'ending'), [('MJPG', 'avi'), ('mp4v', 'mp4')])
def test_what_is_wrong(decoder, tmp_path, codec, ending):
    good = write_frames(tmp_path / f'good (1)!#&.{ending}', GREYS, codec)
    assert len(list(frames_in_order(good)[1])) == 12
    data = good.read_bytes()
    none = write_frames(tmp_path / f'none.{ending}', [], codec)  # a container without a frame
    files = {none: 'zero-frame' if ending == 'avi' else 'undecodable'}
    for name, content, kind in (
        ('cut', data[: int(0.6 * len(data))], 'truncated'),
        ('head', data[:20], 'truncated'),
        ('empty', b'', 'truncated'),
        ('text', b'not a video at all\n' * 40, 'undecodable'),
    ):
        path = tmp_path / f'{name}.{ending}'
        path.write_bytes(content)
        files[path] = kind
    for decode in ('first', 'all'):
        assert check_video(str(good), decode) is None
        for file, kind in files.items():
            assert check_video(str(file), decode)[0] == kind, file.name
    assert check_video(str(path), 'none') is None
    for decode in ('first', 'none'):
        assert check_video(str(tmp_path / 'gone.avi'), decode) == ('missing', 'no such file')


def test_frames_that_stop_early_without_a_cut(monkeypatch, tmp_path):
    """OpenCV gives up before the end of a whole file."""
    monkeypatch.setitem(sys.modules, 'decord', None)
    path = str(write_frames(tmp_path / 'a.avi', GREYS))
    opened, frames = cv2.VideoCapture, iter(range(9))

    class Stopping:
        def __init__(self, name):
            self.inner = opened(name)

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def read(self):
            return self.inner.read() if next(frames, None) is not None else (False, None)

    monkeypatch.setattr(cv2, 'VideoCapture', Stopping)
    reason = 'only 9 of 12 frames can be decoded'
    assert check_video(path, 'all') == ('undecodable', reason)


@pytest.mark.real_data
def test_real_clips_are_whole(real_data, decoder, tmp_path):
    """HMDB51 (of which OpenCV announces too many frames), UCF101 and Kinetics clips."""
    clips = sorted((real_data / 'hmdb51_jhmdb21' / 'videos').glob('*/*.avi'))[::40]
    clips += [path for path in (real_data / 'clips').rglob('*') if path.suffix in ('.avi', '.mp4')]
    assert len(clips) > 20
    assert [check_video(str(path), 'all') for path in clips] == [None] * len(clips)
    cut = shutil.copy(clips[0], tmp_path / 'cut.avi')
    cut.chmod(0o644)
    with open(cut, 'r+b') as stream:
        stream.truncate(clips[0].stat().st_size // 2)
    assert check_video(str(cut), 'first')[0] == 'truncated'
