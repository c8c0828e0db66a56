"""Videos made for tests: of odd sizes, rotated, of variable frame rate, broken."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write_video(
    path: Path,
    frames: np.ndarray,
    times: list[Fraction] | None = None,
    fps: int = 10,
    audio: bool = False,
) -> Path:
    """Encode RGB frames, shown at ``times`` in seconds; with ``audio`` silence, without them."""
    with av.open(str(path), 'w') as container:
        if audio:
            stream = container.add_stream('aac', rate=16000)
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), 'fltp', 'mono')
            silence.sample_rate = 16000
            for packet in [*stream.encode(silence), *stream.encode()]:
                container.mux(packet)
            return path
        stream = container.add_stream('mpeg4', rate=fps)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = 'yuv420p'
        unit = Fraction(1, fps) if times is None else Fraction(1, 1000)
        stream.codec_context.time_base = unit
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format='rgb24')
            time = Fraction(index, fps) if times is None else times[index]
            frame.pts, frame.time_base = round(time / unit), unit
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def moving(count: int, height: int = 48, width: int = 64) -> np.ndarray:
    """Frames with a bright square that moves to the right over a slope of grey."""
    slope = np.linspace(20, 120, height)[:, None] + np.linspace(0, 60, width)[None]
    frames = np.repeat(np.repeat(slope[None, ..., None], count, 0), 3, 3).astype(np.uint8)
    for index in range(count):
        left = index * (width - 12) // max(1, count - 1)
        frames[index, 4:16, left : left + 12] = (250, 40, 40)
    return frames


def rotate_mp4(source: Path, target: Path) -> Path:
    """Copy an .mp4 file so that players turn it by 90 degrees clockwise."""
    data = bytearray(source.read_bytes())
    box = data.index(b'tkhd')
    version = data[box + 4]
    matrix = box + 4 + 4 + (32 if version else 20) + 16
    one, unit = 1 << 16, 1 << 30
    assert struct.unpack_from('>9i', data, matrix) == (one, 0, 0, 0, one, 0, 0, 0, unit)
    struct.pack_into('>9i', data, matrix, 0, one, 0, -one, 0, 0, 0, 0, unit)
    target.write_bytes(data)
    return target


def repeat_video(source: Path, target: Path, times: int) -> Path:
    """Write a video without reordered frames again and again, without encoding it again."""
    with av.open(str(source)) as given, av.open(str(target), 'w') as container:
        origin = given.streams.video[0]
        stream = container.add_stream_from_template(origin)
        for turn in range(times):
            given.seek(0)
            for packet in given.demux(origin):
                if packet.dts is None:
                    continue
                packet.pts += turn * origin.duration
                packet.dts += turn * origin.duration
                packet.stream = stream
                container.mux(packet)
    return target
