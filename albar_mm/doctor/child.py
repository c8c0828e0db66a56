"""Asking another Python process, so that a broken library can crash or hang without harm.

Run as a script, this file answers one of its questions; so it imports the standard library alone.
"""

import importlib
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PATH_VARIABLE = 'ALBAR_MM_DOCTOR_PATH'
MARK = '@@doctor@@'
CLIP_FRAMES, CLIP_WIDTH, CLIP_HEIGHT = 8, 64, 48
_COLLECTED = ('Python', 'CUDA available', 'CUDA_HOME', 'NVCC', 'GCC')
TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Answer:
    """What a child process said.

    Attributes:
        value: What the question returned; None if it failed.
        error: Why it failed, in one line; empty if it did not.
        stderr: Everything it wrote to stderr, such as warnings of compiled libraries.
    """

    value: Any = None
    error: str = ''
    stderr: str = ''


def ask(question: str, *args: str, timeout_s: float = TIMEOUT_S) -> Answer:
    """Ask a function of this file, by name, in a child with this process's module search path."""
    env = {**os.environ, PATH_VARIABLE: json.dumps(sys.path)}
    command = [sys.executable, __file__, question, *args]
    try:
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, errors='replace', timeout=timeout_s
        )
    except subprocess.TimeoutExpired:
        return Answer(error=f'no answer within {timeout_s:g} s')
    except OSError as error:
        return Answer(error=f'Python could not be started again: {error}')
    for line in reversed(done.stdout.splitlines()):
        if line.startswith(MARK):
            return Answer(**json.loads(line[len(MARK) :]), stderr=done.stderr)
    if done.returncode < 0:
        known = {int(known): known.name for known in signal.Signals}
        name = known.get(-done.returncode, f'signal {-done.returncode}')
        return Answer(error=f'crashed ({name})', stderr=done.stderr)
    last = done.stderr.strip().splitlines()[-1:] or [f'exit status {done.returncode}']
    return Answer(error=last[0], stderr=done.stderr)


# --------------------------------------------------------------------------- questions


def module(name: str) -> str:
    """Import a module and return its version."""
    return str(getattr(importlib.import_module(name), '__version__', 'unknown'))


def package() -> dict[str, Any]:
    """Import albar_mm: which mends it has and which were needed, and mmengine's view of things."""
    from mmengine.utils.dl_utils import collect_env

    from albar_mm import compat

    needed = compat.applied()
    env = {key: str(value) for key, value in collect_env().items() if key in _COLLECTED}
    others = [name for name in compat.known() if name not in needed]
    return dict(needed=needed, others=others, env=env)


def gpus() -> dict[str, Any]:
    """What torch was built for, and whether each GPU computes."""
    import torch

    devices = []
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        device = dict(name=properties.name, memory_gib=round(properties.total_memory / 2**30, 1))
        try:  # a build without kernels for this GPU fails here, not before
            ones = torch.ones(8, 8, device=f'cuda:{index}')
            device['error'] = '' if float((ones @ ones).sum()) == 512 else 'computes wrong numbers'
        except Exception as error:
            device['error'] = _one_line(error)
        devices.append(device)
    return dict(built_for=torch.version.cuda or torch.version.hip or '', devices=devices)


def write_clip(path: str) -> str:
    """Write a tiny mp4 of grey frames that get brighter; return the name of the encoder."""
    import numpy as np

    levels = [20 + 25 * index for index in range(CLIP_FRAMES)]
    frames = [np.full((CLIP_HEIGHT, CLIP_WIDTH, 3), level, np.uint8) for level in levels]
    try:
        _write_with_opencv(path, frames)
        return 'opencv'
    except Exception:
        _write_with_pyav(path, frames)
        return 'pyav'


def _write_with_opencv(path: str, frames: list) -> None:
    import cv2

    writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*'mp4v'), 10, (CLIP_WIDTH, CLIP_HEIGHT))
    if not writer.isOpened():
        raise OSError('OpenCV has no encoder')
    for frame in frames:
        writer.write(frame)
    writer.release()


def _write_with_pyav(path: str, frames: list) -> None:
    import av

    with av.open(path, 'w') as container:
        stream = container.add_stream('mpeg4', rate=10)
        stream.width, stream.height, stream.pix_fmt = CLIP_WIDTH, CLIP_HEIGHT, 'yuv420p'
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format='rgb24')))
        container.mux(stream.encode())


def check_decoder(decoder: str, path: str) -> str:
    """Decode what :func:`write_clip` wrote, check every frame, return the decoder's version."""
    frames = _DECODERS[decoder](path, CLIP_FRAMES + 1)
    if len(frames) != CLIP_FRAMES:
        raise ValueError(f'decoded {len(frames)} of {CLIP_FRAMES} frames')
    for index, frame in enumerate(frames):
        level = 20 + 25 * index
        if frame.shape[:2] != (CLIP_HEIGHT, CLIP_WIDTH) or abs(frame.mean() - level) > 6:
            raise ValueError(f'frame {index} is wrong: {frame.shape}, mean {frame.mean():.0f}')
    return module({'opencv': 'cv2', 'pyav': 'av'}.get(decoder, decoder))


def decode_first(decoder: str, path: str) -> str:
    """Decode the first frame of a video and return its size."""
    frames = _DECODERS[decoder](path, 1)
    if not len(frames):
        raise ValueError('it holds no frames')
    height, width = frames[0].shape[:2]
    return f'{width}x{height}'


def _decord(path: str, limit: int) -> Any:  # noqa: ANN401
    import decord

    reader = decord.VideoReader(path, num_threads=1)
    return reader.get_batch(list(range(min(limit, len(reader))))).asnumpy()


def _pyav(path: str, limit: int) -> list:
    import av

    with av.open(path) as container:
        frames = itertools.islice(container.decode(video=0), limit)
        return [frame.to_ndarray(format='rgb24') for frame in frames]


def _opencv(path: str, limit: int) -> list:
    import cv2

    reader = cv2.VideoCapture(path)
    if not reader.isOpened():
        raise OSError('OpenCV cannot open it')
    read = (reader.read() for _ in range(limit))
    return [frame for good, frame in read if good]


def _torchcodec(path: str, limit: int) -> list:
    from torchcodec.decoders import VideoDecoder

    decoder = VideoDecoder(path)
    count = min(limit, len(decoder))
    return [decoder[index].permute(1, 2, 0).numpy() for index in range(count)]


_DECODERS = dict(decord=_decord, pyav=_pyav, opencv=_opencv, torchcodec=_torchcodec)
_QUESTIONS: tuple[Callable, ...] = (module, package, gpus, write_clip, check_decoder, decode_first)


def _one_line(error: BaseException) -> str:
    return ' '.join(f'{type(error).__name__}: {error}'.split())[:400]


def _main(name: str, *args: str) -> None:
    sys.path[:] = json.loads(os.environ[PATH_VARIABLE])
    answers = {question.__name__: question for question in _QUESTIONS}
    try:
        said = dict(value=answers[name](*args))
    except Exception as error:
        said = dict(error=_one_line(error))
    print(f'\n{MARK}{json.dumps(said)}', flush=True)


if __name__ == '__main__':
    _main(*sys.argv[1:])
