"""The published soft suppression of ActionFormer and TriDet, and MMAction2's mAP."""

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from torch import Tensor

BINDING, SOURCE = 'libs/utils/nms.py', 'libs/utils/csrc/nms_cpu.cpp'


def published_soft_nms(repository: Path, folder: Path) -> Callable[..., tuple[Tensor, ...]]:
    """Compile the published extension as its ``setup.py`` does, optimised, and load its wrapper.

    Args:
        repository: Of ActionFormer or TriDet.
        folder: Takes the compiled files.

    Returns:
        Takes segments, scores, labels, sigma, ``min_score`` and ``max_segments``.

    Raises:
        FileNotFoundError: It is another repository.
    """
    from torch.utils.cpp_extension import load

    for name in (BINDING, SOURCE):
        if not (repository / name).is_file():
            raise FileNotFoundError(
                f'{repository / name}: no such file; expected a clone of TriDet or ActionFormer'
            )
    name = 'nms_1d_cpu'
    sys.modules[name] = load(
        name,
        [str(repository / SOURCE)],
        build_directory=str(folder),
        extra_cflags=['-O3', '-fopenmp'],
    )
    spec = importlib.util.spec_from_file_location('published_nms', repository / BINDING)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def call(
        segments: Tensor,
        scores: Tensor,
        labels: Tensor,
        sigma: float,
        min_score: float,
        max_segments: int,
    ) -> tuple[Tensor, ...]:
        return module.batched_nms(
            segments, scores, labels, 0.1, min_score, max_segments, sigma=sigma
        )

    return call


def mmaction2_map(
    truth: tuple[np.ndarray, ...], found: tuple[np.ndarray, ...], tious: np.ndarray, folder: Path
) -> Callable[[], np.ndarray]:
    """MMAction2's evaluation with its files read; calling it gives the mAP at each threshold.

    Args:
        truth: Videos, segments and labels.
        found: Videos, segments, labels and scores.
        tious: Thresholds.
        folder: Takes the files; names of videos lose two characters there.
    """
    from mmaction.evaluation.functional import ActivityNetLocalization

    annotation: dict[str, dict] = {}
    for video, segment, label in zip(*truth, strict=True):
        annotation.setdefault(f'v_{video}', dict(annotations=[]))['annotations'].append(
            dict(segment=segment.tolist(), label=f'c{label}')
        )
    results: dict[str, list] = {}
    for video, segment, label, score in zip(*found, strict=True):
        results.setdefault(str(video), []).append(
            dict(segment=segment.tolist(), label=f'c{label}', score=float(score))
        )
    files = []
    for name, content in (('truth', annotation), ('found', dict(results=results))):
        files.append(folder / f'{name}.json')
        files[-1].write_text(json.dumps(content))
    evaluation = ActivityNetLocalization(*map(str, files), tious, verbose=False)
    return lambda: evaluation.evaluate()[0]
