"""Small videos in many containers, each frame with its number as blocks that survive coding."""

import io
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

COUNT, BITS, BLOCK = 40, 6, 16
HEIGHT, WIDTH = 3 * BLOCK, BITS * BLOCK
EVEN = tuple(40 * n for n in range(COUNT))
"""Times of 25 frames a second, in ms."""
UNEVEN = tuple(40 * n + 500 * (n // 7) + 7 * (n % 3) for n in range(COUNT))


def marked(number: int) -> np.ndarray:
    """A frame whose blocks are the bits of a number, below them their opposites, then a bar."""
    bits = [number >> bit & 1 for bit in range(BITS)]
    blocks = np.array([bits, [1 - bit for bit in bits], [0] * 3 + [1] * 3])
    grey = (16 + 220 * blocks).astype(np.uint8).repeat(BLOCK, 0).repeat(BLOCK, 1)
    return np.stack([grey] * 3, -1)


def number_of(frame: np.ndarray) -> int:
    """The number that a frame shows, -1 where it is no upright frame of :func:`marked`."""
    if frame.shape[:2] != (HEIGHT, WIDTH):
        return -1
    middle = frame.reshape(3, BLOCK, BITS, BLOCK, 3)[:, 4:-4, :, 4:-4].mean((1, 3, 4))
    bits = (middle[0] > 128).astype(int)
    upright = ((middle[1] < 128) == bits).all() and ((middle[2] > 128) == [0] * 3 + [1] * 3).all()
    return int(bits @ (1 << np.arange(BITS))) if upright else -1


def write_marked(
    path: Path,
    codec: str = 'libx264',
    times: tuple[int, ...] = EVEN,
    pixels: str = 'yuv420p',
    into: str | None = None,
    cover: bool = False,
    muxer: dict | None = None,
    gop: int = 12,
    turn: int = 0,
    **options: object,
) -> Path:
    """Code frames 0, 1, ... shown at ``times`` (ms).

    Args:
        path: The file; its suffix says which container.
        codec: Encoder.
        times: When each frame is shown.
        pixels: Pixel format.
        into: Container where the suffix does not say.
        cover: Whether a cover picture comes first; of Matroska it is an attachment.
        muxer: Options of the container.
        gop: Frames from one key frame to the next.
        turn: Degrees that a player is told to turn it clockwise by, after which it is upright.
        **options: Of the encoder.
    """
    with av.open(str(path), 'w', format=into, options=muxer or {}) as file:
        still = av.VideoFrame.from_ndarray(marked(63), format='rgb24')
        attached = cover and path.suffix in ('.mkv', '.webm')
        if attached:
            png = av.CodecContext.create('png', 'w')
            png.width, png.height, png.pix_fmt = WIDTH, HEIGHT, 'rgb24'
            png.time_base = Fraction(1, 25)
            picture = b''.join(map(bytes, png.encode(still) + png.encode(None)))
            file.add_attachment('cover.png', 'image/png', picture)
        elif cover:
            png = file.add_stream('png')
            png.width, png.height, png.pix_fmt = WIDTH, HEIGHT, 'rgb24'
            png.disposition = av.stream.Disposition.attached_pic
        options = {'threads': '1', **{k.replace('_', '-'): str(v) for k, v in options.items()}}
        stream = file.add_stream(codec, rate=25, options=options)
        stream.height, stream.width = np.rot90(marked(0), turn // 90).shape[:2]
        stream.pix_fmt, stream.codec_context.gop_size = pixels, gop
        base = Fraction(1, 25 if times == EVEN else 1000)
        if times != EVEN:
            stream.time_base = stream.codec_context.time_base = base
        if cover and not attached:
            file.mux(png.encode(still) + png.encode(None))
        for number, time in enumerate(times):
            turned = np.ascontiguousarray(np.rot90(marked(number), turn // 90))
            frame = av.VideoFrame.from_ndarray(turned, format='rgb24')
            frame.pts, frame.time_base = number if times == EVEN else time, base
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    if turn:
        _rotate(path, turn)
    return path


def _boxes(data: bytes, begin: int, end: int):
    while begin < end:
        length = int.from_bytes(data[begin : begin + 4], 'big')
        yield data[begin + 4 : begin + 8], begin, begin + length
        begin += length


def _box(data: bytes, *names: bytes) -> tuple[int, int]:
    begin, end, head = 0, len(data), 0
    for name in names:
        begin, end = next(box[1:] for box in _boxes(data, begin + head, end) if box[0] == name)
        head = 8
    return begin, end


def edit(path: Path, *entries: tuple[int, int]) -> Path:
    """Give an mp4 file, whose ``moov`` comes last, an edit list in place of its own.

    Args:
        path: The file.
        *entries: ms that are shown, from that ms of the media on (-1: nothing is shown).
    """
    data = path.read_bytes()
    begin, end = _box(data, b'moov', b'trak', b'mdia', b'mdhd')
    scale = int.from_bytes(data[begin + 20 : begin + 24], 'big')
    rows = b''.join(
        struct.pack('>IiI', shown, start if start < 0 else start * scale // 1000, 1 << 16)
        for shown, start in entries
    )
    rows = struct.pack('>I4sII', 16 + len(rows), b'elst', 0, len(entries)) + rows
    rows = struct.pack('>I4s', 8 + len(rows), b'edts') + rows
    try:
        begin, end = _box(data, b'moov', b'trak', b'edts')
    except StopIteration:
        begin = end = _box(data, b'moov', b'trak', b'tkhd')[1]
    changed = bytearray(data[:begin] + rows + data[end:])
    for names in ((b'moov',), (b'moov', b'trak')):
        place, old = _box(data, *names)
        struct.pack_into('>I', changed, place, old - place + len(rows) - (end - begin))
    path.write_bytes(changed)
    return path


def _rotate(path: Path, degrees: int) -> None:
    data = bytearray(path.read_bytes())
    begin, end = _box(data, b'moov', b'trak', b'tkhd')
    a, b = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    values = [a << 16, b << 16, 0, -b << 16, a << 16, 0, 0, 0, 1 << 30]
    struct.pack_into('>9i', data, end - 8 - 36, *values)  # the matrix of the track
    path.write_bytes(data)


def patch(path: Path, name: bytes, offset: int, layout: str, *values: int) -> Path:
    """Overwrite values of a file, so many bytes after the first place of a name."""
    data = bytearray(path.read_bytes())
    struct.pack_into(layout, data, data.index(name) + offset, *values)
    path.write_bytes(data)
    return path


def without_first_group(path: Path) -> Path:
    """What a cut without coding leaves of a file, from its second key frame on."""
    out, keys = io.BytesIO(), 0
    with av.open(str(path)) as old, av.open(out, 'w', format=old.format.name.split(',')[0]) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            keys += packet.is_keyframe
            if packet.dts is not None and keys > 1:
                packet.stream = stream
                new.mux(packet)
    path.write_bytes(out.getvalue())
    return path
