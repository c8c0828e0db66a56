"""The frames that are shown, told by what is in them, are those that every reader gives."""

import os
import random
import socket
import sys

import numpy as np
import pytest
from mmaction.datasets.transforms import (
    DecordDecode,
    DecordInit,
    OpenCVDecode,
    OpenCVInit,
    PIMSDecode,
    PyAVDecode,
    PyAVInit,
)

from albar_mm.utils.errors import BadVideoError
from albar_mm.video.reader import FrameClock
from albar_mm.video.shown import ShownFrames, shown
from albar_mm.video.source_video import check_video, frames_in_order, read_frames
from albar_mm.video.strict_reading import read_strictly
from downstream.features.videos import READERS, choose_reader

from .containers import (
    COUNT,
    HEIGHT,
    UNEVEN,
    WIDTH,
    edit,
    number_of,
    patch,
    without_first_group,
    write_marked,
)

ALL = list(range(COUNT))
OPEN = dict(
    x264_params='open-gop=1:keyint=12:min-keyint=12:scenecut=0:bframes=3:b-pyramid=none:log=-1'
)
QUIET = dict(x265_params='log-level=none')


def coded(*args, **kwargs):
    return lambda path: write_marked(path, *args, **kwargs)


def edited(*entries, **kwargs):
    return lambda path: edit(write_marked(path, **kwargs), *entries)


def miscounted(path):
    write_marked(path, 'mpeg4')
    return patch(patch(path, b'strh', 40, '<I', 400), b'avih', 24, '<I', 400)


MADE = {
    'plain.mp4': (coded(), ALL),
    'edit_start.mp4': (edited((800, 880)), ALL[20:]),
    'edit_end.mp4': (edited((800, 80)), ALL[:20]),
    'edit_both.mp4': (edited((800, 400), bf=0), ALL[10:30]),
    'edit_both.mov': (edited((800, 400), bf=0), ALL[10:30]),
    'edit_parts.mp4': (edited((400, 0), (400, 1000), bf=0), ALL[:10] + ALL[25:35]),
    'edit_twice.mp4': (edited((400, 0), (400, 0), bf=0), ALL[:10] * 2),
    'edit_delay.mp4': (edited((400, -1), (1600, 0), bf=0), ALL),
    'edit_long.mp4': (edited((16000, 0), bf=0), ALL),
    'fragments.mp4': (coded(muxer=dict(movflags='frag_keyframe+empty_moov')), ALL),
    'mpeg2.ts': (coded('mpeg2video'), ALL),
    'h264.ts': (coded(), ALL),
    'h264.m2ts': (coded(muxer=dict(mpegts_m2ts_mode='1'), into='mpegts'), ALL),
    'mpeg1.mpg': (coded('mpeg1video', bf=2), ALL),
    'mpeg2.vob': (coded('mpeg2video', into='vob', bf=2), ALL),
    'uneven.webm': (coded('libvpx-vp9', UNEVEN), ALL),
    'uneven.mkv': (coded(times=UNEVEN), ALL),
    'uneven.mp4': (coded(times=UNEVEN), ALL),
    'uneven.flv': (coded(times=UNEVEN), ALL),
    'uneven.wmv': (coded('wmv2', UNEVEN), ALL),
    'hidden.webm': (coded('libvpx', auto_alt_ref=1, lag_in_frames=16), ALL),
    'cover.mp4': (coded(cover=True), ALL),
    'cover.mkv': (coded(cover=True), ALL),
    'turned_90.mp4': (coded(turn=90), ALL),
    'turned_180.mp4': (coded(turn=180), ALL),
    'turned_270.mp4': (coded(turn=270), ALL),
    'ten_bits.mp4': (coded(pixels='yuv420p10le'), ALL),
    'ten_bits.mkv': (coded('libx265', pixels='yuv420p10le', **QUIET), ALL),
    'fields.mp4': (coded(x264_params='interlaced=1:log=-1'), ALL),
    'fields.avi': (coded('mpeg4', flags='+ildct+ilme'), ALL),
    'open.mp4': (coded(**OPEN), ALL),
    'open.avi': (coded('mpeg4', bf=2), ALL),
    'open_cut.ts': (lambda path: without_first_group(write_marked(path, **OPEN)), ALL[12:]),
    'open_cut.mkv': (lambda path: without_first_group(write_marked(path, **OPEN)), ALL[12:]),
    'h264.avi': (coded(bf=0), ALL),
    'intra.avi': (coded('mjpeg', pixels='yuvj420p'), ALL),
    'never_coded.avi': (coded('mpeg4', tuple(40 * (n + n // 5) for n in ALL)), ALL),
    'count.avi': (miscounted, ALL),
    'rate.avi': (lambda path: patch(write_marked(path, 'mpeg4'), b'strh', 28, '<II', 1, 1000), ALL),
    'compared_by_none.mov': (coded('prores', pixels='yuv422p10le'), ALL),
    'one.mp4': (coded(times=(0,)), [0]),
}
DECODERS = dict(decord=(DecordInit, DecordDecode), opencv=(OpenCVInit, OpenCVDecode))
DECODERS['pyav'] = PyAVInit, PyAVDecode


@pytest.fixture(scope='module', params=MADE)
def made(request, tmp_path_factory):
    """A file, and the numbers of the frames that it shows."""
    write, numbers = MADE[request.param]
    return write(tmp_path_factory.mktemp('made') / request.param), numbers


def numbers_of(frames):
    return [number_of(frame) for frame in frames]


@pytest.mark.parametrize('decoder', DECODERS)
def test_in_training(made, decoder):
    """Of frames in any order, as the clips of a test are sampled."""
    path, numbers = made
    inds = random.Random(0).sample(range(len(numbers)), min(12, len(numbers)))
    totals = []

    def sample(results):
        totals.append(results['total_frames'])
        return dict(results, frame_inds=np.array(inds))

    init, decode = DECODERS[decoder]
    results = read_strictly([init(), sample, decode()], dict(filename=str(path)))
    assert totals == [len(numbers)]
    assert numbers_of(results['imgs']) == [numbers[index] for index in inds]
    assert results['original_shape'] == (HEIGHT, WIDTH) == shown(path).size


@pytest.mark.parametrize('decoder', ['decord', 'opencv'])
def test_in_a_benchmark(made, decoder, monkeypatch):
    path, numbers = made
    if decoder == 'opencv':
        monkeypatch.setitem(sys.modules, 'decord', None)
    assert frames_in_order(path)[0] == len(numbers)
    assert numbers_of(read_frames(path)) == numbers


@pytest.mark.parametrize('reader', {choose_reader('auto'), READERS['pyav']})
def test_in_features(made, reader):
    path, numbers = made
    with reader(path) as reader:
        clock = FrameClock(reader)
        assert numbers_of(np.concatenate(list(clock.chunks()))) == numbers
        fps, times = clock.rate()
    assert fps == pytest.approx(shown(path).fps)
    if 'uneven' in path.name:
        assert np.allclose(times[:-1], np.array(UNEVEN) / 1000, atol=2e-3)
        assert fps == pytest.approx((COUNT - 1) / UNEVEN[-1] * 1000, rel=1e-3)
    elif path.name != 'edit_parts.mp4':
        assert times is None and fps == {'rate.avi': 1000, 'never_coded.avi': 1000}.get(
            path.name, 25
        )


def test_other_ways_to_ask(made):
    """Key frames alone (decord's ``efficient``), PIMS, and a reader that goes back."""
    path, numbers = made
    inds = np.array([len(numbers) - 1, 0, len(numbers) // 2])
    results = dict(video_reader=ShownFrames(path), frame_inds=inds)
    for decode in (DecordDecode('efficient'), PIMSDecode()):
        found = decode(dict(results, video_reader=ShownFrames(path)))
        assert numbers_of(found['imgs']) == [numbers[index] for index in inds]


PLAYLISTS = (
    '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}/seg.ts\n#EXT-X-ENDLIST\n',
    'ffconcat version 1.0\nfile {}/seg.ts\n',
    '<?xml version="1.0"?><MPD><Period><BaseURL>{}/</BaseURL></Period></MPD>',
    'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nm=video 9 RTP/AVP 96\r\n',
)


READS = (
    *(
        lambda path, init=init: read_strictly([init()], dict(filename=path))
        for init, _ in DECODERS.values()
    ),
    lambda path: read_frames(path),
    lambda path: READERS['pyav'](path),
    lambda path: shown(path),
)


def refused_by_all(path, said):
    for read in READS:
        with pytest.raises(BadVideoError, match=said) as bad:
            read(str(path))
        assert bad.value.video == str(path) and '\n' not in str(bad.value)


@pytest.mark.parametrize('suffix', ['mp4', 'avi'])
@pytest.mark.parametrize('playlist', PLAYLISTS)
def test_a_playlist_is_no_video(tmp_path, playlist, suffix):
    path = tmp_path / f'x.{suffix}'
    with socket.create_server(('127.0.0.1', 0)) as server:
        server.setblocking(False)
        path.write_text(playlist.format(f'http://127.0.0.1:{server.getsockname()[1]}'))
        refused_by_all(path, 'it does not begin like a video file')
        assert check_video(str(path), 'first')[0] == 'undecodable'
        with pytest.raises(BlockingIOError):
            server.accept()


def test_what_is_no_file(tmp_path):
    path = tmp_path / 'x.mp4'
    for make, said in (
        (path.mkdir, 'it is a folder'),
        (lambda: os.mkfifo(path), 'it is a pipe or a device, not a file'),
        (lambda: path.symlink_to('gone'), 'it is a link to gone, which is not there'),
        (lambda: path.symlink_to('x.mp4'), 'it is a link to x.mp4, which is not there'),
    ):
        make()
        refused_by_all(path, said)
        path.rmdir() if path.is_dir() else path.unlink()
