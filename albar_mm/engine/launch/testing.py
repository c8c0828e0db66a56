"""Hooks of a test: the checkpoint must fill the model, and tested clips may be drawn."""

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from mmaction.structures import ActionDataSample
from mmengine.dist import get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...utils.errors import LaunchError
from ...utils.files import write_bytes
from ...utils.numbers import number
from ..checkpoints.source import bare_model, state_of, unfilled

_FRAMES, _TITLE_PX, _MIN_FRAME_PX = 8, 22, 112


class FittingCheckpoint(Hook):
    """Refuse to test a model that a checkpoint does not fill.

    MMEngine only warns about what a checkpoint lacks or what it could not copy, and tests random
    weights. Every parameter and buffer is compared, by value.

    Args:
        path: The checkpoint, for the message.
        config: Name of the config, for the message.
    """

    priority = 'LOWEST'  # after hooks that change the checkpoint, such as EMAHook

    def __init__(self, path: str, config: str) -> None:
        self.path, self.config = path, config

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare names and shapes, as the hooks before this one left them."""
        self._given = state_of(checkpoint)
        self._require(unfilled(bare_model(runner), self._given, copied=False))

    def before_test(self, runner: Runner) -> None:
        """Compare what was copied."""
        self._require(unfilled(bare_model(runner), self._given))
        del self._given

    def _require(self, fault: str) -> None:
        if fault:
            raise LaunchError(
                f'checkpoint {self.path} does not fit the model of {self.config}: {fault}: '
                'test it with the config that it was trained with'
            )


def clip_strip(inputs: torch.Tensor, title: str) -> np.ndarray:
    """Lay the frames of a clip side by side under a title.

    Args:
        inputs: One packed sample as the pipeline made it, values 0..255 in the order of channels
            that the decoder gave (RGB): (N, C, T, H, W), of which the first clip is drawn, or
            (T, C, H, W).
        title: Text above the frames.

    Returns:
        Picture (h, w, 3), uint8, BGR; at most 8 frames, evenly spaced.

    Raises:
        ValueError: ``inputs`` has another shape.
    """
    if inputs.ndim not in (4, 5):
        raise ValueError(f'expected (N, C, T, H, W) or (T, C, H, W), got {tuple(inputs.shape)}')
    frames = inputs[0].permute(1, 2, 3, 0) if inputs.ndim == 5 else inputs.permute(0, 2, 3, 1)
    if frames.shape[-1] != 3:
        raise ValueError(f'only colour frames can be drawn, got {frames.shape[-1]} channels')
    chosen = np.linspace(0, len(frames) - 1, min(_FRAMES, len(frames))).round().astype(int)
    strip = np.hstack(list(frames.cpu().numpy().clip(0, 255).astype(np.uint8)[chosen]))
    scale = max(1, -(-_MIN_FRAME_PX // frames.shape[1]))
    strip = cv2.resize(strip, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    picture = np.pad(strip[..., ::-1], ((_TITLE_PX, 0), (0, 0), (0, 0)))
    cv2.putText(picture, title, (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255,) * 3, 1, cv2.LINE_AA)
    return picture


class DrawPredictions(Hook):
    """Draw tested clips with their true and predicted class (``--show``, ``--show-dir``).

    MMAction2 1.2.0's own ``VisualizationHook`` cannot be used: it expects inputs without the axis
    of clips and passes arguments and reads fields that its visualiser no longer has.

    Args:
        show: Show each picture in a window.
        out_dir: Folder to write ``<index>.png`` to; nothing is written when None.
        interval: Draw one of so many samples.
        wait_time_s: Seconds that each window stays.
    """

    priority = 'LOW'

    def __init__(
        self,
        show: bool = False,
        out_dir: str | os.PathLike | None = None,
        interval: int = 1,
        wait_time_s: float = 2,
    ) -> None:
        self.interval = number(interval, 'interval', 1, whole=True, error=ValueError)
        self.show, self.wait_time_s = show, wait_time_s
        self.out_dir = None if out_dir is None else Path(out_dir)

    def before_test_epoch(self, runner: Runner) -> None:
        """Start counting samples."""
        self._seen = 0

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict, outputs: Sequence[ActionDataSample]
    ) -> None:
        """Draw the samples of a batch, one tensor of ``inputs`` each, as the interval says."""
        classes = (runner.visualizer.dataset_meta or {}).get('classes')
        for inputs, sample in zip(data_batch['inputs'], outputs, strict=True):
            # MMEngine's samplers deal the samples out to the processes in turn
            index = self._seen * get_world_size() + get_rank()
            self._seen += 1
            if index % self.interval:
                continue
            picture = clip_strip(inputs, _title(index, sample, classes))
            if self.out_dir is not None:
                data = cv2.imencode('.png', picture)[1]
                write_bytes(self.out_dir / f'{index:06d}.png', data.tobytes())
            if self.show:
                cv2.imshow('albar_mm', picture)
                cv2.waitKey(max(1, int(self.wait_time_s * 1000)))


def _title(index: int, sample: ActionDataSample, classes: Sequence[str] | None) -> str:
    def name(label: int) -> str:
        return classes[label] if classes is not None and label < len(classes) else str(label)

    true = ', '.join(name(label) for label in sample.gt_label.tolist())
    best, score = int(sample.pred_score.argmax()), float(sample.pred_score.max())
    domain = sample.get('domain', '')
    return f'{index} {domain} true {true}  predicted {name(best)} ({score:.2f})'.replace('  ', ' ')
