"""Changing the training pipelines of a config (used by :mod:`albar_mm.mixin` only)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from mmengine.config import Config

Change = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def change_train_pipelines(cfg: Config, change: Change) -> int:
    """Change every training pipeline in place, however deep its data set is wrapped.

    The variable ``train_pipeline``, which many configs have, follows where it is one of them.

    Args:
        cfg: The config.
        change: Takes a pipeline and returns the new one.

    Returns:
        Number of pipelines; 0 for a config that only tests.
    """
    holders = list(_holders(cfg.get('train_dataloader')))
    variable = cfg.get('train_pipeline')
    before = [list(holder['pipeline']) for holder in holders]
    for holder in holders:
        holder['pipeline'] = change(holder['pipeline'])
    if variable is not None and list(variable) in before:
        cfg.train_pipeline = change(variable)
    return len(holders)


def with_static_clip(pipeline: list[dict[str, Any]], frame: str | int) -> list[dict[str, Any]]:
    """Append ``StaticClip``, which draws the frame of the static clip.

    Args:
        pipeline: A pipeline that packs its inputs.
        frame: See ``StaticClip``.
    """
    if any(step.get('type') == 'StaticClip' for step in pipeline):
        return list(pipeline)
    return [*pipeline, dict(type='StaticClip', frame=frame)]


def _holders(node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    if isinstance(node, dict):
        if isinstance(node.get('pipeline'), (list, tuple)):
            yield node
        node = [value for key, value in node.items() if key != 'pipeline']
    if isinstance(node, (list, tuple)):
        for child in node:
            yield from _holders(child)
