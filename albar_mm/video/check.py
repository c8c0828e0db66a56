"""Can one video file be used? Container and frames are really read."""

from __future__ import annotations

import os
from functools import lru_cache

from .container import announced_bytes
from .strict_reading import MAX_MISSING

DECODE = ('first', 'all', 'none')


def check_video(path: str, decode: str) -> tuple[str, str] | None:
    """Check that a video file exists, is whole and decodes.

    Args:
        path: The file.
        decode: ``'first'`` decodes one frame, ``'all'`` every frame, ``'none'`` only asks whether
            the file is there.

    Returns:
        None, or what is wrong: ``'missing'``, ``'undecodable'``, ``'truncated'`` or
        ``'zero-frame'``, and details.
    """
    if not os.path.isfile(path):
        return 'missing', 'no such file'
    if decode == 'none':
        return None
    try:
        shortened = _cut_short(path)
        if shortened:
            return 'truncated', shortened
        frames, wanted = decode_frames(path, 1 if decode == 'first' else None)
    except Exception as error:  # noqa: BLE001  a broken file can fail in any way
        return 'undecodable', ' '.join(str(error).split())[:200] or type(error).__name__
    if frames == 0:
        return 'zero-frame', 'the file opens but holds no frame'
    if frames < wanted:
        return 'undecodable', f'only {frames} of {wanted} frames decode'
    return None


def decoder_name() -> str:
    """Decoder that :func:`decode_frames` uses: decord, as the configs do, else OpenCV."""
    return 'opencv' if _decord() is None else 'decord'


def decode_frames(path: str, limit: int | None = None) -> tuple[int, int]:
    """Decode a video from its start.

    Args:
        path: The file.
        limit: Decode at most so many frames.

    Returns:
        Number of frames that were decoded, and how many it should have been. OpenCV announces too
        many for some AVI files (48 for 40 in HMDB51): up to ``MAX_MISSING`` of them may be missing.

    Raises:
        ValueError: The file cannot be opened as a video.
        Exception: Whatever else the decoder raises.
    """
    decord = _decord()
    if decord is not None:
        try:
            reader = decord.VideoReader(path, num_threads=1)
        except Exception as error:
            if _opencv(path, 1) == (0, 0):
                return 0, 0
            raise ValueError('decord cannot open it as a video') from error
        wanted = min(len(reader), limit or len(reader))
        for _ in range(wanted):
            reader.next()
        return wanted, wanted
    return _opencv(path, limit)


def _opencv(path: str, limit: int | None) -> tuple[int, int]:
    import cv2

    video = cv2.VideoCapture(path)
    try:
        if not video.isOpened():
            raise ValueError('cannot be opened as a video')
        claimed = max(0, int(video.get(cv2.CAP_PROP_FRAME_COUNT)))
        frames = 0
        while (limit is None or frames < limit) and video.read()[0]:
            frames += 1
        wanted = int(claimed * (1 - MAX_MISSING))
        return frames, min(limit, claimed) if limit else wanted
    finally:
        video.release()


@lru_cache(maxsize=1)
def _decord():  # noqa: ANN202  a module or None
    # FFmpeg's own messages about a broken file would tear the progress bar
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
    try:
        import decord
    except ImportError:
        return None
    decord.logging.set_level(decord.logging.QUIET)
    return decord


def _cut_short(path: str) -> str:
    """What is missing of a file that ends before its container does, or ''.

    Decoders play such files up to the cut without a word: an AVI file that lost its second half is
    a shorter video.
    """
    size = os.path.getsize(path)
    if size == 0:
        return 'the file has 0 bytes'
    announced = announced_bytes(path)
    if announced is None or size >= announced:
        return ''
    return f'{size} of {announced} bytes; copy or download it again'
