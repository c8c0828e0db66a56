"""Reading with OpenCV, from first to last frame: its seeking is not exact."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from .base import CHUNK, SIZES_DIFFER, Frames, VideoReader


class OpenCVReader(VideoReader):
    """Reads with the FFmpeg within OpenCV."""

    name = 'opencv'

    def _open(self) -> None:
        self._capture = cv2.VideoCapture(
            str(self.path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1]
        )
        if not self._capture.isOpened():
            raise self.bad('it cannot be opened as a video')
        self.fps = float(self._capture.get(cv2.CAP_PROP_FPS) or 0)
        self.announced = max(0, int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT)))

    @classmethod
    def version(cls) -> str:
        return cv2.__version__

    def _chunks(self) -> Iterator[Frames]:
        pixels: list[np.ndarray] = []
        times: list[float] = []
        while True:
            there, frame = self._capture.read()
            if len(pixels) == CHUNK or (not there and pixels):
                yield Frames(np.stack(pixels), np.array(times))
                pixels, times = [], []
            if not there:
                return
            if pixels and frame.shape != pixels[0].shape:
                raise self.bad(SIZES_DIFFER)
            pixels.append(frame[..., ::-1])
            times.append(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)

    def close(self) -> None:
        self._capture.release()
