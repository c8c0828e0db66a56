"""Exported files as every reader sees them."""

import importlib.util
import io

import cv2
import numpy as np
import pytest
from PIL import Image

from albar_mm.utils.files import write_bytes
from albar_mm.video.avi import avi_bytes, encode_frames
from albar_mm.video.container import announced_bytes
from albar_mm.video.source_video import read_frames


def noise(frames=5, height=48, width=64):
    return np.random.RandomState(1).randint(0, 256, (frames, height, width, 3)).astype(np.uint8)


def write(path, frames, encoding, fps=25):
    data = avi_bytes(encode_frames(frames, encoding), *frames.shape[1:3], fps, encoding)
    write_bytes(path, data)
    return path


def read_opencv(path):
    reader, frames = cv2.VideoCapture(str(path)), []
    while True:
        done, frame = reader.read()
        if not done:
            return np.stack(frames), reader.get(cv2.CAP_PROP_FPS)
        frames.append(frame[..., ::-1])


@pytest.mark.parametrize(('height', 'width'), [(48, 64), (47, 63), (49, 66)])
def test_lossless_is_exact_also_at_odd_sizes(tmp_path, height, width):
    frames = noise(height=height, width=width)
    path = write(tmp_path / 'a (1)#&!.avi', frames, 'lossless', 29.97)
    decoded, fps = read_opencv(path)
    assert np.array_equal(decoded, frames) and fps == pytest.approx(29.97)
    assert np.array_equal(read_frames(path), frames)  # decord, where it is installed
    assert announced_bytes(str(path)) == path.stat().st_size


@pytest.mark.skipif(not importlib.util.find_spec('decord'), reason='decord is not installed')
@pytest.mark.parametrize('encoding', ['jpeg', 'lossless'])
def test_decord_seeks(tmp_path, encoding):
    import decord

    reader = decord.VideoReader(str(write(tmp_path / 'a.avi', noise(9), encoding)))
    every = reader.get_batch(range(9)).asnumpy()
    assert np.array_equal(reader.get_batch([7, 2, 2]).asnumpy(), every[[7, 2, 2]])
    assert reader.get_avg_fps() == 25


def test_jpeg_is_that_of_pil_at_quality_75():
    smooth = cv2.GaussianBlur(noise(1)[0], (0, 0), 3)
    own = Image.open(io.BytesIO(encode_frames(smooth[None], 'jpeg')[0]))
    other = io.BytesIO()
    Image.fromarray(smooth).save(other, 'JPEG', quality=75)
    assert own.layer == Image.open(other).layer  # chroma subsampling
    assert own.quantization == Image.open(other).quantization


def test_jpeg_frames_stay_apart(tmp_path):
    """A frame does not depend on its neighbours: a still repeated is the same everywhere."""
    frames = noise(3)
    decoded = read_frames(write(tmp_path / 'a.avi', frames, 'jpeg'))
    alone = read_frames(write(tmp_path / 'b.avi', np.stack([frames[1]] * 3), 'jpeg'))
    assert np.array_equal(alone[0], alone[2]) and np.array_equal(alone[0], decoded[1])
    assert not np.array_equal(decoded[0], decoded[1])
