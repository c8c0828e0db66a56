import itertools
from types import SimpleNamespace
from unittest import mock

import mmcv
import numpy as np
import pytest
from mmaction.datasets.transforms import OpenCVInit
from mmaction.registry import TRANSFORMS
from mmengine.registry import init_default_scope

from albar_mm.utils.errors import BadVideoError
from albar_mm.video import strict_reading
from albar_mm.video.container import announced_bytes, is_empty_avi
from albar_mm.video.strict_reading import read_strictly
from tests.video_files import write_frames, write_video


def steps(backend, inds=None):
    """Of a pipeline, whose sampled frames may be others."""
    init_default_scope('mmaction')
    sample = dict(clip_len=4, frame_interval=3, num_clips=1, test_mode=True)
    kinds = dict(type=f'{backend}Init'), dict(type='SampleFrames', **sample)
    init, sample, decode = map(TRANSFORMS.build, (*kinds, dict(type=f'{backend}Decode')))
    if inds is None:
        return [init, sample, decode]
    return [init, sample, lambda results: dict(results, frame_inds=np.array(inds)), decode]


def info(path):
    return dict(filename=str(path), label=0, start_index=0, modality='RGB')


@pytest.fixture(scope='module', params=['mp4', 'avi'])
def video(request, tmp_path_factory):
    """Forty frames whose brightness tells their number."""
    return write_video(tmp_path_factory.mktemp('videos') / f'whole.{request.param}', frames=40)


def test_announced_length_of_whole_and_cut_files(video, tmp_path):
    raw = video.read_bytes()
    assert announced_bytes(video) == len(raw)
    for share in (0.3, 0.7, 0.99):
        cut = tmp_path / f'cut{video.suffix}'
        cut.write_bytes(raw[: int(share * len(raw))])
        # an AVI file announces all of its bytes, an mp4 file each part's
        announced = announced_bytes(cut)
        assert cut.stat().st_size < announced <= len(raw)
        assert video.suffix == '.mp4' or announced == len(raw)
    for tail in (b'\0', b'\xff'):
        (tmp_path / 'tail').write_bytes(raw + 100 * tail)
        assert announced_bytes(tmp_path / 'tail') == len(raw)


def test_a_video_without_a_frame(video, tmp_path):
    empty = tmp_path / 'empty.avi'
    write_frames(empty, [])
    assert is_empty_avi(empty) and not is_empty_avi(video)
    with pytest.raises(BadVideoError, match='empty.avi cannot be read: it holds no frames;'):
        read_strictly(steps('OpenCV'), info(empty))


def test_where_a_decoder_was_compiled_is_left_out(video):
    said = '[22:20:58] /src/a.cc:61: Check failed: no\n  stream ' + 'x' * 300
    fail = mock.Mock(side_effect=RuntimeError(said))
    step = type('OpenCVInit', (OpenCVInit,), dict(transform=fail))
    with pytest.raises(BadVideoError) as raised:
        read_strictly([step()], info(video))
    assert raised.value.reason.startswith('OpenCVInit: RuntimeError: Check failed: no stream x')
    assert raised.value.reason.endswith('x…')


def little(length):
    return length.to_bytes(4, 'little')


FTYP = b'\0\0\0\x10ftypisomiso2'
EBML = b'\x1a\x45\xdf\xa3\x83abc\x18\x53\x80\x67'  # a head of 3 bytes, then a segment


@pytest.mark.parametrize(
    'content, expected',
    [
        (b'', None),
        (b'not a video at all', None),
        (b'RIFF' + little(0) + b'AVI ' + b'x' * 50, None),  # written as a stream
        # two RIFF parts (OpenDML) of 20 and 12 bytes
        (b'RIFF' + little(12) + b'AVI xxxxxxxxRIFF' + little(4) + b'AVIX', 32),
        (FTYP + b'\0\0\0\1mdat' + (1000).to_bytes(8, 'big'), 1016),  # a 64-bit length
        (FTYP + b'\0\0\0\0mdat', None),
        (EBML + b'\x41\x02', 8 + 4 + 2 + 0x102),  # a 2-byte number
        (EBML + b'\x01' + b'\xff' * 7, None),  # of unknown length
    ],
)
def test_announced_length_worked_by_hand(tmp_path, content, expected):
    (tmp_path / 'file').write_bytes(content)
    assert announced_bytes(tmp_path / 'file') == expected


@pytest.mark.parametrize('backend', ['OpenCV', 'PyAV', 'Decord'])
def test_whole_video_is_read_as_by_the_plain_pipeline(video, backend):
    plain = info(video)
    for step in steps(backend):
        plain = step(plain)
    ours = read_strictly(steps(backend), info(video))
    assert len(ours['imgs']) == 4
    assert np.array_equal(ours['imgs'], plain['imgs'])
    # frame t has brightness 5 t
    means = [frame.mean() for frame in ours['imgs']]
    assert np.allclose(means, 5 * ours['frame_inds'], atol=6)


@pytest.mark.parametrize('backend', ['OpenCV', 'PyAV', 'Decord'])
def test_unreadable_files_are_named(video, tmp_path, backend):
    raw = video.read_bytes()
    half = len(raw) // 2
    for name, content, reason in (
        ('gone', None, 'no such file'),
        ('empty', b'', 'the file is empty'),
        ('cut', raw[:half], f'the file is truncated: {half} of at least'),
        ('text', b'no video ' * 99, 'it does not begin like a video file'),
        ('head', b'FLV' + bytes(300), 'PyAV: '),
    ):
        path = tmp_path / f'{name}{video.suffix}'
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(BadVideoError, match=reason) as caught:
            read_strictly(steps(backend), info(path))
        assert str(path) in str(caught.value) and '\n' not in str(caught.value)
        assert caught.value.video == str(path)


@pytest.mark.parametrize('missing, refused', [(9, False), (11, True)])
def test_fewer_frames_than_opencv_should_find(video, monkeypatch, missing, refused):
    """Forty are announced: up to a quarter may be missing at the end, as in real HMDB51 clips."""
    plain = mmcv.VideoReader.__getitem__
    asked = []

    def cut(self, index):
        asked.append(index)
        return None if index >= 40 - missing else plain(self, index)

    monkeypatch.setattr(mmcv.VideoReader, '__getitem__', cut)
    inds = [0, 20, 35, 39]
    if refused:
        with pytest.raises(BadVideoError, match='frame [0-9]+ of 40 cannot be decoded'):
            read_strictly(steps('OpenCV', inds), info(video))
    else:
        frames = read_strictly(steps('OpenCV', inds), info(video))['imgs']
        expected = 5 * np.minimum(inds, 39 - missing)
        assert np.allclose([frame.mean() for frame in frames], expected, atol=6)
        assert len(asked) == len(set(asked)) + 1  # no search twice


@pytest.mark.parametrize('frames, refused', [(32, False), (28, True)])
def test_fewer_frames_than_pyav_should_find(video, monkeypatch, frames, refused):
    opened = strict_reading.open_video

    def cut(path):
        file, stream = opened(path)
        early = itertools.islice(file.decode(stream), frames)
        return SimpleNamespace(streams=file.streams, decode=lambda _: early), stream

    monkeypatch.setattr(strict_reading, 'open_video', cut)
    pipeline = steps('PyAV', [0, 10, 20, 39])
    if refused:
        with pytest.raises(BadVideoError, match='only 28 of 40 frames can be decoded'):
            read_strictly(pipeline, info(video))
    else:
        assert len(read_strictly(pipeline, info(video))['imgs']) == 4


def test_faults_of_the_pipeline_are_not_blamed_on_the_video(video):
    broken = mock.Mock(side_effect=RuntimeError('a bug'))
    with pytest.raises(RuntimeError, match='^a bug$') as caught:
        read_strictly(steps('OpenCV') + [broken], info(video))
    assert not isinstance(caught.value, BadVideoError)
    first, _, last = steps('OpenCV')
    with pytest.raises(KeyError, match='frame_inds'):  # SampleFrames was forgotten
        read_strictly([first, last], info(video))
