"""What a video file says of itself in a few bytes of its container, before a decoder sees it.

A truncated file is found here: OpenCV repeats the last frame that it could read, PyAV starts over
from the first, and decord waits for ever in some AVI files.

Sources: Microsoft's AVI RIFF reference and the OpenDML extension; ISO/IEC 14496-12 (boxes);
RFC 8794 (EBML) and RFC 9559 (Matroska).
"""

import os
from collections.abc import Callable
from typing import BinaryIO

from ..utils.errors import absence, reason_of

AVI, ISO, MATROSKA = 'avi', 'iso', 'matroska'
_ISO_BOXES = (b'ftyp', b'moov', b'mdat', b'free', b'skip', b'wide', b'pnot', b'styp')
_EBML, _SEGMENT = b'\x1a\x45\xdf\xa3', b'\x18\x53\x80\x67'
_MAGIC = {
    _EBML: MATROSKA,
    b'\x30\x26\xb2\x75': 'asf',
    b'FLV': 'flv',
    b'\x00\x00\x01\xba': 'mpegps',
    b'OggS': 'ogg',
    b'\x06\x0e\x2b\x34': 'mxf',
    b'.RMF': 'rm',
    b'DKIF': 'ivf',
    b'GIF8': 'gif',
}
MAX_MISSING = 0.25
"""Share of its frames that may not be decoded of a damaged file that is used all the same."""
_TS = (0, 188), (4, 192)  # a packet may have the time before it
SIZES_DIFFER = 'its frames differ in size'


def required_frames(count: int) -> int:
    """How many frames, from the first on, must be readable of so many that are shown."""
    return max(1, int(count * (1 - MAX_MISSING)))


def container_kind(path: str | os.PathLike) -> str | None:
    """Kind of container by its first bytes; None for none, as a bare stream of pictures is."""
    with open(path, 'rb') as stream:
        return _kind(stream.read(197))


def container_fault(path: str | os.PathLike) -> tuple[str, str] | None:
    """Why a local file cannot be a whole video, seen without decoding it.

    Decoders play a file that was cut up to the cut without a word: an AVI file that lost its second
    half is a shorter video.

    Returns:
        Kind of fault (``'missing'``, ``'truncated'``, ``'zero-frame'`` or ``'undecodable'``) and a
        few words; None where nothing is wrong so far.
    """
    if why := absence(path):
        return 'missing', why if why.startswith('no ') else f'it {why}'
    try:
        size, announced = os.path.getsize(path), announced_bytes(path)
        if not size:
            return 'truncated', 'the file is empty'
        if announced is not None and announced > size:
            return 'truncated', f'the file is truncated: {size} of at least {announced} bytes'
        if container_kind(path) is None:
            # a decoder may find pictures all the same, and would make up when they are shown; or
            # a playlist, and would open what it names
            return 'undecodable', 'it does not begin like a video file (mp4, avi, mkv, ts, ...)'
        return ('zero-frame', 'it holds no frames') if is_empty_avi(path) else None
    except OSError as error:
        return 'undecodable', reason_of(error)


def announced_bytes(path: str | os.PathLike) -> int | None:
    """Length that an AVI, MP4 / MOV or Matroska / WebM file has according to its own header.

    Returns:
        Bytes, up to the end of the last part whose header is there; None for other formats and for
        files written as a stream, which announce nothing. A file that is shorter than this is
        truncated; a longer one has a harmless tail.

    Raises:
        OSError: The file cannot be opened.
    """
    size = os.path.getsize(path)
    with open(path, 'rb') as stream:
        kind = _kind(stream.read(12))
        if kind == MATROSKA:
            return _matroska(stream)
        length_of = {AVI: _riff, ISO: _box}.get(kind)
        return _parts(stream, size, length_of) if length_of else None


def is_empty_avi(path: str | os.PathLike) -> bool:
    """Whether a file is an AVI with a list of frames that holds none, as a writer leaves it."""
    size = os.path.getsize(path)
    with open(path, 'rb') as stream:
        position = 12 if _kind(stream.read(12)) == AVI else size
        while position < size:
            stream.seek(position)
            head = stream.read(12)
            length = int.from_bytes(head[4:8], 'little')
            if head[:4] == b'LIST' and head[8:] == b'movi':
                return length == 4  # the word 'movi'; a file that is still open announces 0
            position += 8 + length + length % 2
    return False


def _kind(head: bytes) -> str | None:
    if head[:4] == b'RIFF' and head[8:12] == b'AVI ':
        return AVI
    if head[4:8] in _ISO_BOXES:
        return ISO
    if any(head[start : start + 1] == head[start + step :][:1] == b'G' for start, step in _TS):
        return 'mpegts'
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)


def _parts(stream: BinaryIO, size: int, length_of: Callable[[bytes], int | None]) -> int | None:
    """End of the last part of a file; None where a part does not tell its length (0)."""
    position = 0
    while position < size:
        stream.seek(position)
        length = length_of(stream.read(16))
        if length is None:  # a tail that is no part
            break
        if not length:
            return None
        position += length
    return position


def _riff(head: bytes) -> int | None:
    """Length of a RIFF part; files above 1 GB hold several."""
    if head[:4] != b'RIFF' or len(head) < 8:
        return None
    length = int.from_bytes(head[4:8], 'little')
    return 8 + length if length else 0


def _box(head: bytes) -> int | None:
    """Length of a box; 0: up to the end of the file."""
    if len(head) < 8 or not head[4:8].isalnum():
        return None
    length = int.from_bytes(head[:4], 'big')
    if length == 1:
        length = int.from_bytes(head[8:16], 'big')
    return length if length == 0 or length >= 8 else None


def _matroska(stream: BinaryIO) -> int | None:
    stream.seek(4)
    header = _vint(stream)
    if header is None:
        return None
    stream.seek(header, os.SEEK_CUR)
    if stream.read(4) != _SEGMENT:
        return None
    length = _vint(stream)
    return None if length is None else stream.tell() + length


def _vint(stream: BinaryIO) -> int | None:
    """An EBML number: as many leading zero bits in the first byte as bytes follow."""
    first = stream.read(1)
    if not first or not first[0]:
        return None
    following = 8 - first[0].bit_length()
    rest = stream.read(following)
    value = int.from_bytes(bytes([first[0] & (0x7F >> following)]) + rest, 'big')
    unknown = value == (1 << 7 * (following + 1)) - 1
    return None if unknown or len(rest) < following else value
