"""Loading SAM 2's video predictor, where its package is installed."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from ...utils.errors import DatasetError, reason_of
from .model_files import model_key

INSTALL = 'pip install "git+https://github.com/facebookresearch/sam2.git"'
CONFIGS = {
    f'{version}_hiera_{size}': f'configs/{version}/{version}_hiera_{short}.yaml'
    for version in ('sam2', 'sam2.1')
    for size, short in (('tiny', 't'), ('small', 's'), ('base_plus', 'b+'), ('large', 'l'))
}
"""Name of a published checkpoint -> its configuration within the package."""


def config_of(checkpoint: Path, config: str | None = None) -> str:
    """Find the configuration of a checkpoint.

    Args:
        checkpoint: Its file, which need not exist.
        config: What the user says; None goes by the name of the file.

    Raises:
        DatasetError: The name says nothing.
    """
    found = config or CONFIGS.get(checkpoint.stem)
    if found is None:
        raise DatasetError(
            f'{checkpoint}: not named as a published SAM 2 checkpoint ({", ".join(CONFIGS)}); add '
            f'config=, e.g. config={CONFIGS["sam2.1_hiera_large"]}'
        )
    return found


def require_package() -> None:
    """Look for the package without importing it.

    Raises:
        DatasetError: It is not installed; says how to.
    """
    if 'sam2' not in sys.modules and importlib.util.find_spec('sam2') is None:
        raise _not_installed("No module named 'sam2'")


def load_predictor(checkpoint: Path, config: str, device: str) -> Any:  # noqa: ANN401
    """Load the video predictor, once in a process.

    Args:
        checkpoint: ``.pt`` file.
        config: Configuration within the package.
        device: E.g. ``'cuda'``.

    Raises:
        DatasetError: The package is missing, or refuses the checkpoint.
    """
    return _load(config, device, *model_key(checkpoint))


def precision(device: str) -> contextlib.AbstractContextManager:
    """On a GPU, bfloat16 as in SAM 2's own examples: its attention kernels want it.

    Args:
        device: E.g. ``'cuda'``.
    """
    if device.startswith('cuda'):
        return torch.autocast('cuda', dtype=torch.bfloat16)
    return contextlib.nullcontext()


@lru_cache(maxsize=1)
def _load(config: str, device: str, checkpoint: Path, size: int, mtime_ns: int) -> Any:  # noqa: ANN401
    try:
        from sam2.build_sam import build_sam2_video_predictor
    except ImportError as error:
        raise _not_installed(reason_of(error)) from error
    try:
        return build_sam2_video_predictor(config, str(checkpoint), device=device)
    except Exception as error:  # hydra, torch and sam2 raise their own kinds
        reason = f'{type(error).__name__}: {reason_of(error)}'
        raise DatasetError(
            f'{checkpoint}: SAM 2 cannot be made of it with config={config} on {device}: {reason}'
        ) from error


def _not_installed(reason: str) -> DatasetError:
    return DatasetError(
        f'sam2: the package cannot be imported ({reason}); install it with {INSTALL}'
    )
