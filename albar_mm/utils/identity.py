"""What a result depends on: files, weights, libraries."""

from __future__ import annotations

import hashlib
import importlib
import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import reading

if TYPE_CHECKING:
    from torch import Tensor, nn

_PACKAGES = dict(
    albar_mm='albar_mm',
    mmaction2='mmaction',
    mmengine='mmengine',
    mmcv='mmcv',
    torch='torch',
    numpy='numpy',
    opencv='cv2',
    decord='decord',
)


def file_sha256(path: str | os.PathLike) -> str:
    """SHA-256 of a file.

    Args:
        path: The file.

    Raises:
        DatasetError: It cannot be read.
    """
    digest = hashlib.sha256()
    with reading(path), open(path, 'rb') as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def file_identity(path: str | os.PathLike, name: str | None = None) -> dict[str, Any]:
    """Name, size in bytes and SHA-256 of a file, without its place on this machine.

    Args:
        path: the file.
        name: how to call it, e.g. its path relative to the data folder. Default: the base name.

    Returns:
        Dict with ``file``, ``bytes``, ``sha256``.

    Raises:
        DatasetError: It cannot be read.
    """
    path = Path(path)
    digest = file_sha256(path)
    return dict(file=name or path.name, bytes=path.stat().st_size, sha256=digest)


def weights_sha256(model: nn.Module) -> str:
    """SHA-256 over names, types, shapes and values of a model's state dict, sorted by name.

    Args:
        model: The model.
    """
    return _digest(model.state_dict(), lambda name, v: f'{name} {v.dtype} {tuple(v.shape)}\n')


def is_weights_sha256(digest: str, model: nn.Module) -> bool:
    """Whether a digest is that of a model's weights.

    Feature stores made before version 1.0 carry another digest of the same weights; it is known
    too.

    Args:
        digest: From :func:`weights_sha256`, of this version or an earlier one.
        model: The model.
    """
    state = model.state_dict()
    return digest == weights_sha256(model) or digest == _digest(
        state, lambda name, v: f'{name} {tuple(v.shape)} {v.dtype}'
    )


def _digest(state: Mapping[str, Any], head: Callable[[str, Tensor], str]) -> str:
    import torch

    digest = hashlib.sha256()
    for name in sorted(state):
        value = state[name]
        if not isinstance(value, torch.Tensor):
            continue
        digest.update(head(name, value).encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def library_versions() -> dict[str, str | None]:
    """Versions of everything that can change a result; None for a library that is not installed."""
    versions: dict[str, str | None] = {}
    for name, module in _PACKAGES.items():
        try:
            versions[name] = str(importlib.import_module(module).__version__)
        except ImportError:
            versions[name] = None
    versions['python'] = platform.python_version()
    versions['platform'] = platform.platform()
    return versions
