"""Writing items as AVI files of frames that know nothing of each other.

OpenCV's own writers cut odd sizes to even ones or cannot be told the quality, and a frame that is
repeated would be compressed again every time. The container is small enough to write it here.
"""

import struct
from collections.abc import Sequence

import cv2
import numpy as np

from ..utils.errors import DatasetError

ENCODINGS = {
    'jpeg': (b'MJPG', '.jpg', (cv2.IMWRITE_JPEG_QUALITY, 75)),
    'lossless': (b'MPNG', '.png', (cv2.IMWRITE_PNG_COMPRESSION, 1)),
}
"""Name -> (four-character code, ending for OpenCV, its settings). ``jpeg`` has the quality and the
chroma subsampling of the published JPEG frames; ``lossless`` keeps every pixel."""

_HAS_INDEX, _KEY_FRAME = 0x10, 0x10
_LIMIT = 2**31 - 1  # beyond it readers need another kind of index


def encode_frames(frames: np.ndarray, encoding: str) -> list[bytes]:
    """Compress every frame by itself.

    Args:
        frames: uint8 RGB, shape (T, H, W, 3).
        encoding: ``'jpeg'`` or ``'lossless'``.

    Returns:
        T compressed pictures; the same pixels give the same bytes with the same OpenCV.
    """
    _, ending, options = ENCODINGS[encoding]
    encoded = []
    for frame in frames:
        done, data = cv2.imencode(ending, cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), options)
        if not done:
            raise DatasetError(f'OpenCV cannot write {ending} pictures; install a full build')
        encoded.append(data.tobytes())
    return encoded


def avi_bytes(
    encoded: Sequence[bytes], height: int, width: int, fps: float, encoding: str
) -> bytes:
    """An AVI file (OpenDML-free, below 2 GiB) with an index, every frame a key frame.

    Args:
        encoded: Frames from :func:`encode_frames`, at least one.
        height: In px.
        width: In px.
        fps: Frames per second; kept to 1/1000.
        encoding: As for :func:`encode_frames`.

    Returns:
        The whole file.

    Raises:
        DatasetError: It would be larger than 2 GiB.
    """
    code = ENCODINGS[encoding][0]
    count, largest = len(encoded), max(map(len, encoded))
    rate = round(fps * 1000)
    main = round(1e9 / rate), 0, 0, _HAS_INDEX, count, 0, 1, largest, width, height, *[0] * 4
    stream = b'vids', code, *[0] * 4, 1000, rate, 0, count, largest, 2**32 - 1, *[0] * 3
    picture = 40, width, height, 1, 24, code, 3 * width * height, *[0] * 4
    header = _chunk(b'avih', struct.pack('<14I', *main)) + _list(
        b'strl',
        _chunk(b'strh', struct.pack('<4s4sIHHIIIIIIII4H', *stream, width, height))
        + _chunk(b'strf', struct.pack('<IiiHH4sIiiII', *picture)),
    )
    chunks, index, position = [], [], 4
    for data in encoded:
        chunks.append(_chunk(b'00dc', data))
        index.append(struct.pack('<4sIII', b'00dc', _KEY_FRAME, position, len(data)))
        position += len(chunks[-1])
    if position + 16 * count > _LIMIT:
        raise DatasetError(
            f'{count} frames of {width}x{height} px do not fit into one AVI file '
            "(2 GiB); cut the source video, or use encoding 'jpeg'"
        )
    body = (
        _list(b'hdrl', header) + _list(b'movi', b''.join(chunks)) + _chunk(b'idx1', b''.join(index))
    )
    return _chunk(b'RIFF', b'AVI ' + body)


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack('<I', len(data)) + data + b'\0' * (len(data) % 2)


def _list(name: bytes, data: bytes) -> bytes:
    return _chunk(b'LIST', name + data)
