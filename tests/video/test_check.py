"""Videos that cannot be used are told apart by what is wrong with them."""

import shutil
import sys

import cv2
import pytest

from albar_mm.video import check as video_check
from albar_mm.video.check import check_video, decode_frames

from ..preparation.official import write_video


@pytest.fixture(params=['decord', 'opencv'])
def decoder(request, monkeypatch):
    """Both decoders; a machine without decord has OpenCV alone."""
    if request.param == 'opencv':
        monkeypatch.setitem(sys.modules, 'decord', None)
    else:
        pytest.importorskip('decord')
    video_check._decord.cache_clear()
    yield request.param
    video_check._decord.cache_clear()


@pytest.mark.parametrize(('codec', 'ending'), [('MJPG', 'avi'), ('mp4v', 'mp4')])
def test_what_is_wrong(decoder, tmp_path, codec, ending):
    assert video_check.decoder_name() == decoder
    good = write_video(tmp_path / f'good (1)!#&.{ending}', 12, codec)
    assert decode_frames(str(good))[0] == 12
    data = good.read_bytes()
    cut, head, text, empty = (
        tmp_path / f'{name}.{ending}' for name in ('cut', 'head', 'text', 'empty')
    )
    cut.write_bytes(data[: int(0.6 * len(data))])
    head.write_bytes(data[:20])
    text.write_text('not a video at all\n' * 40)
    empty.touch()
    none = write_video(tmp_path / f'none.{ending}', 0, codec)
    for decode in ('first', 'all'):
        assert check_video(str(good), decode) is None
        for path, kind in (
            (cut, 'truncated'),
            (head, 'truncated'),
            (text, 'undecodable'),
            (empty, 'truncated'),
            (tmp_path / 'gone.avi', 'missing'),
        ):
            assert check_video(str(path), decode)[0] == kind, path
        # a container without a frame: OpenCV cannot open the MP4 one
        assert check_video(str(none), decode)[0] in ('zero-frame', 'undecodable')
    assert check_video(str(text), 'none') is None
    assert check_video(str(tmp_path / 'gone.avi'), 'none')[0] == 'missing'


def test_zero_frames(decoder, tmp_path):
    assert check_video(str(write_video(tmp_path / 'none.avi', 0)), 'first')[0] == 'zero-frame'


def test_frames_that_stop_early_without_a_cut(monkeypatch, tmp_path):
    """OpenCV gives up in the middle of a whole file."""
    monkeypatch.setitem(sys.modules, 'decord', None)
    video_check._decord.cache_clear()
    path = str(write_video(tmp_path / 'a.avi', 12))
    read = cv2.VideoCapture.read
    left = iter([True] * 5)

    class Stopping:
        def __init__(self, name):
            self.inner = cv2_capture(name)

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def read(self):
            return read(self.inner) if next(left, False) else (False, None)

    cv2_capture = cv2.VideoCapture
    monkeypatch.setattr(cv2, 'VideoCapture', Stopping)
    assert check_video(path, 'all') == ('undecodable', 'only 5 of 9 frames decode')
    video_check._decord.cache_clear()


@pytest.mark.real_data
def test_real_clips_are_whole(real_data, decoder, tmp_path):
    """HMDB51 (of which OpenCV announces too many frames), UCF101 and Kinetics clips."""
    clips = sorted((real_data / 'hmdb51_jhmdb21' / 'videos').glob('*/*.avi'))[::40]
    clips += [path for path in (real_data / 'clips').rglob('*') if path.suffix in ('.avi', '.mp4')]
    assert len(clips) > 20
    assert {str(path): check_video(str(path), 'all') for path in clips} == dict.fromkeys(
        map(str, clips)
    )
    cut = shutil.copy(clips[0], tmp_path / 'cut.avi')
    cut.chmod(0o644)
    with open(cut, 'r+b') as stream:
        stream.truncate(clips[0].stat().st_size // 2)
    assert check_video(str(cut), 'first')[0] == 'truncated'
