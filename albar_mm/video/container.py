"""How long a video file says that it is, read from its container in a few bytes.

A truncated file is found here, before a decoder sees it: OpenCV repeats the last frame that it
could read, PyAV starts over from the first, and decord waits for ever in some AVI files.

Sources: Microsoft's AVI RIFF reference and the OpenDML extension; ISO/IEC 14496-12 (boxes);
RFC 8794 (EBML) and RFC 9559 (Matroska).
"""

import os
from typing import BinaryIO

_MP4_FIRST = (b'ftyp', b'moov', b'mdat', b'free', b'skip', b'wide', b'pnot', b'styp')
_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067


def announced_bytes(path: str | os.PathLike) -> int | None:
    """Length that an AVI, MP4 / MOV or Matroska / WebM file has according to its own header.

    Args:
        path: A local file.

    Returns:
        Bytes, up to the end of the last part whose header is there; None for other formats and for
        files written as a stream, which announce nothing. A file that is shorter than this is
        truncated; a longer one has a harmless tail.

    Raises:
        OSError: The file cannot be opened.
    """
    size = os.path.getsize(path)
    with open(path, 'rb') as stream:
        head = stream.read(12)
        if head[:4] == b'RIFF' and head[8:] == b'AVI ':
            return _riff(stream, size)
        if head[4:8] in _MP4_FIRST:
            return _boxes(stream, size)
        if head[:4] == _EBML.to_bytes(4, 'big'):
            return _matroska(stream)
    return None


def is_empty_avi(path: str | os.PathLike) -> bool:
    """Whether a file is an AVI with a list of frames that holds none, as a writer leaves it.

    Decoders say so in many words of their own.

    Args:
        path: A local file.

    Raises:
        OSError: The file cannot be opened.
    """
    size = os.path.getsize(path)
    with open(path, 'rb') as stream:
        head = stream.read(12)
        if head[:4] != b'RIFF' or head[8:] != b'AVI ':
            return False
        position = 12
        while position < size:
            stream.seek(position)
            head = stream.read(12)
            length = int.from_bytes(head[4:8], 'little')
            if head[:4] == b'LIST' and head[8:] == b'movi':
                return length == 4  # the word 'movi'; a file that is still open announces 0
            position += 8 + length + length % 2
    return False


def _riff(stream: BinaryIO, size: int) -> int | None:
    position = 0
    while position < size:  # files above 1 GB hold several RIFF parts
        stream.seek(position)
        head = stream.read(8)
        length = int.from_bytes(head[4:8], 'little')
        if head[:4] != b'RIFF' or len(head) < 8:
            break
        if not length:
            return None
        position += 8 + length
    return position


def _boxes(stream: BinaryIO, size: int) -> int | None:
    position = 0
    while position < size:
        stream.seek(position)
        head = stream.read(16)
        if len(head) < 8 or not head[4:8].isalnum():  # a tail that is no box
            break
        length = int.from_bytes(head[:4], 'big')
        if length == 0:  # up to the end of the file
            return None
        if length == 1:
            length = int.from_bytes(head[8:16], 'big')
        if length < 8:
            break
        position += length
    return position


def _matroska(stream: BinaryIO) -> int | None:
    stream.seek(4)
    header = _vint(stream)
    if header is None:
        return None
    stream.seek(header, os.SEEK_CUR)
    if stream.read(4) != _SEGMENT.to_bytes(4, 'big'):
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
