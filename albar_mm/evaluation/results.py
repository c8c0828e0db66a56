"""``results.json``: what was measured, on which data, with which weights and versions."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from ..utils.files import write_json
from ..utils.identity import library_versions
from ..utils.settings import plain

SCHEMA_VERSION = 1


def write_results(
    path: str | os.PathLike,
    metrics: Mapping[str, float],
    protocol: Mapping[str, Any],
    data: Iterable[Mapping[str, Any]] = (),
    checkpoint: Mapping[str, Any] | None = None,
    seed: int | None = None,
    **extra: Any,
) -> dict[str, Any]:
    """Write one evaluation's ``results.json``, whole or not at all.

    JSON has no NaN or infinity: such a metric is written as ``null`` and named under
    ``non_finite``.

    Args:
        path: file to write; its folder is made if absent.
        metrics: name -> value, percentages unless the name says otherwise.
        protocol: how it was measured, e.g. from :func:`describe_protocol`.
        data: identities of the annotation files and manifests, from :func:`file_identity`.
        checkpoint: identity of the weights.
        seed: seed of the run.
        **extra: further JSON-ready entries, e.g. ``config``.

    Returns:
        The document as written.

    Raises:
        TypeError: if a value cannot be written as JSON; names the key.
        ValueError: if an extra entry has a reserved name.
    """
    numbers = {key: _number(key, value) for key, value in metrics.items()}
    non_finite = [key for key, value in numbers.items() if not math.isfinite(value)]
    document: dict[str, Any] = dict(
        schema_version=SCHEMA_VERSION,
        metrics=numbers | dict.fromkeys(non_finite),
        protocol=dict(protocol),
        data=[dict(entry) for entry in data],
        checkpoint=dict(checkpoint) if checkpoint is not None else None,
        seed=seed,
        versions=library_versions(),
        **({'non_finite': non_finite} if non_finite else {}),
    )
    reserved = sorted(extra.keys() & (document.keys() | {'non_finite'}))
    if reserved:
        raise ValueError(f'results.json already has entries named {reserved}')
    document.update(extra)
    for key, value in document.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            name = Path(path).name
            raise TypeError(f'{name}: entry {key!r} is not plain JSON: {error}') from error
    write_json(path, document, indent=2)
    return plain(document)


def describe_protocol(dataset: Any, model: nn.Module | None = None) -> dict[str, Any]:
    """Describe what a dataset and its test pipelines measure.

    Args:
        dataset: a dataset with ``pipeline``; a :class:`BiasBenchmarkDataset` adds one pipeline per
            overridden domain and the size of every set. Wrappers are followed through ``.dataset``.
        model: recogniser whose head says how the views of a video are averaged.

    Returns:
        ``num_samples``, ``sets`` (name -> number of videos), ``pipelines`` (name -> list of
        transforms with their settings), ``clip_sampling`` (name -> settings of the frame samplers)
        and ``average_clips``.
    """
    inner = innermost_dataset(dataset)
    pipelines = getattr(inner, 'pipelines', None) or {'all': getattr(inner, 'pipeline', None)}
    described = {
        name: [_describe_transform(t) for t in getattr(pipeline, 'transforms', [])]
        for name, pipeline in pipelines.items()
    }
    return dict(
        num_samples=len(dataset),
        sets=dict(getattr(dataset, 'metainfo', {}).get('sets', {})),
        pipelines=described,
        clip_sampling={
            name: [step for step in steps if 'Sample' in step['type']]
            for name, steps in described.items()
        },
        average_clips=getattr(getattr(model, 'cls_head', None), 'average_clips', None),
    )


def innermost_dataset(dataset: Any) -> Any:
    """The dataset inside any number of wrappers that keep it as ``.dataset``."""
    while hasattr(dataset, 'dataset'):
        dataset = dataset.dataset
    return dataset


def _describe_transform(transform: Any) -> dict[str, Any]:
    settings = {
        key: value
        for key, value in vars(transform).items()
        if not key.startswith('_') and _is_plain(value)
    }
    return dict(type=type(transform).__name__, **settings)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, bool | int | str)


def _number(key: str, value: Any) -> float:
    try:
        return value if isinstance(value, int) else float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f'metric {key!r} must be a number, got {type(value).__name__}') from error
