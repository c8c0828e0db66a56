"""Some samples of a batch."""

from typing import Any

from torch import Tensor


def rows_of(feats: Any, rows: Tensor, batch: int) -> Any:
    """Features of some samples of a batch.

    Args:
        feats: Tensors (B * M, ...) of M views or segments a sample, in lists or tuples as backbones
            give them.
        rows: int64 (n,) on the CPU.
        batch: B.
    """
    if isinstance(feats, (list, tuple)):
        return type(feats)(rows_of(part, rows, batch) for part in feats)
    if not isinstance(feats, Tensor) or len(feats) % batch:
        raise TypeError(
            'static.unpaired below 1 needs features that are tensors of (B * M, ...), got '
            f'{tuple(feats.shape) if isinstance(feats, Tensor) else type(feats).__name__}: leave '
            'it at 1'
        )
    return feats.unflatten(0, (batch, -1))[rows.to(feats.device)].flatten(0, 1)
