"""Video readers of one protocol over the decoders that people have installed."""

from __future__ import annotations

from albar_mm.utils.errors import LaunchError

from ._decord import DecordReader
from ._opencv import OpenCVReader
from ._pyav import PyAVReader
from ._torchcodec import TorchCodecReader
from .base import CHUNK, Frames, VideoReader

__all__ = ['CHUNK', 'READERS', 'Frames', 'VideoReader', 'choose_reader']

READERS: dict[str, type[VideoReader]] = {
    reader.name: reader for reader in (TorchCodecReader, PyAVReader, DecordReader, OpenCVReader)
}
"""Name -> reader, in the order in which :func:`choose_reader` tries them."""


def choose_reader(name: str = 'auto') -> type[VideoReader]:
    """The reader of that name, or the first that is installed.

    Args:
        name: A key of :data:`READERS`, or ``'auto'``.

    Raises:
        LaunchError: There is no such reader, or it cannot be loaded.
    """
    if name != 'auto' and name not in READERS:
        raise LaunchError(f'decoder {name!r}: expected auto or one of {", ".join(READERS)}')
    failures = []
    for reader in READERS.values() if name == 'auto' else [READERS[name]]:
        try:
            reader.version()
        except (ImportError, OSError, RuntimeError) as error:
            failures.append(f'{reader.name}: {" ".join(str(error).split())[:200]}')
        else:
            return reader
    raise LaunchError(
        'no video decoder can be loaded: install one of pyav (pip install av), '
        f'torchcodec, decord, opencv-python ({"; ".join(failures)})'
    )
