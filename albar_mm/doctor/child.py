"""Asking another Python process, so that a broken library can crash or hang without harm.

Run as a script, this file answers one of its questions; so it imports the standard library alone.
"""

import base64
import importlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATH_VARIABLE = 'ALBAR_MM_DOCTOR_PATH'
MARK = '@@doctor@@'
CLIP_FRAMES, CLIP_WIDTH, CLIP_HEIGHT = 8, 64, 48
# MPEG-4 of grey frames, each 25 brighter than the one before, from 20 on (zlib, base64)
_CLIP = """
eNp9VE1oE0EUfpufWtBDY1MVjBC1ggfbJqFE8SCKlxwEyaEeRMRNZkOX7nTD7nRBBY0FRYUechb8i4IeBLGYHk2bVNBbL4Lm0EMu
3kR6UPCnvplNtrNr22Fn3vtm3vf+ZncBIFFiV8u6bVKAEHCJM0PL42kA6C9ZmgagfKBEZSjnYWAHivpAoxYNmx36bq7+N9v+AfC4
Ontr4Xt99X375n76C6ARwB4z1uhE533MldnPPmYAe8zdi7Wdr1zaz7a5CvCkevuTa/abLnwDWAxgjzm4VDzEOSLqH4Cn+So3EUFu
ACz5oUeLNw/fkf3VYk058aYferShZicvF1BbeSEHb/qhR9vTqmXlg2fVB3JWLT/0aHuXi6dk2vP8I9lu2Q/DeWqaDl6sQZ1JAr4R
/oozCQrwZ2MofqsgPg3bjhA+15mlTqF+iU2JmOH/vWFc2D7OpnH5khJwWCPMRpnQDJttMLp+BVdZo0RXUUlSEqz9KN+GiZYAI5PE
sHonjk402fICYjOnThND4zbKQ6pPl1CJO1Q4ldMcJu5ZglhaSSpj14xlJF1duWyzgoH6F5vZRLL5iF+gs0UreOEpyKHMbWkRHPvW
13G9otnEFg2vVCrnkRZBeSYZEyax+3yN4s4YenzNs3t7b9B1riShNXcXJkKRvvhZhG/OqU4xmxnNnBhNpzJ9yFFCvAsFZnXb73rj
kW0mrqaXZz9AhOsJrLgo7XfPhBzHs2tS9nz/pDSPbzLjNiuakr9jOAszhPErv0g1Ifk4KF8vvhKWWi4bcqtGdPcdOvKSmdzhAfz3
qb0mY90lrDud4XX/A4YyUE0=
"""
#: decoder -> module
MODULES = dict(decord='decord', pyav='av', opencv='cv2', torchcodec='torchcodec')
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
        code = -done.returncode
        name = next((known.name for known in signal.Signals if known == code), f'signal {code}')
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


def check_decoder(decoder: str) -> str:
    """Decode a tiny clip, check every frame, return the decoder's version."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / 'clip.mp4'
        clip.write_bytes(zlib.decompress(base64.b64decode(_CLIP)))
        frames = _DECODERS[decoder](str(clip), CLIP_FRAMES + 1)
    if len(frames) != CLIP_FRAMES:
        raise ValueError(f'decoded {len(frames)} of {CLIP_FRAMES} frames')
    for index, frame in enumerate(frames):
        level = 20 + 25 * index
        if frame.shape[:2] != (CLIP_HEIGHT, CLIP_WIDTH) or abs(frame.mean() - level) > 6:
            raise ValueError(f'frame {index} is wrong: {frame.shape}, mean {frame.mean():.0f}')
    return module(MODULES[decoder])


def decode_first(decoder: str, path: str) -> str:
    """Decode the first frame of a video and return its size."""
    frames = _DECODERS[decoder](path, 1)
    if not len(frames):
        raise ValueError('no frame can be read')
    height, width = frames[0].shape[:2]
    return f'{width}x{height}'


def _decord(path: str, limit: int) -> Any:
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
    read = (reader.read() for _ in range(limit))
    return [frame for good, frame in read if good]


def _torchcodec(path: str, limit: int) -> list:
    from torchcodec.decoders import VideoDecoder

    decoder = VideoDecoder(path)
    count = min(limit, len(decoder))
    return [decoder[index].permute(1, 2, 0).numpy() for index in range(count)]


_DECODERS = dict(decord=_decord, pyav=_pyav, opencv=_opencv, torchcodec=_torchcodec)


def _one_line(error: BaseException) -> str:
    return ' '.join(f'{type(error).__name__}: {error}'.split())[:400]


def _main(name: str, *args: str) -> None:
    sys.path[:] = json.loads(os.environ[PATH_VARIABLE])
    try:
        said = dict(value=globals()[name](*args))
    except Exception as error:
        said = dict(error=_one_line(error))
    print(f'\n{MARK}{json.dumps(said)}', flush=True)


if __name__ == '__main__':
    _main(*sys.argv[1:])
