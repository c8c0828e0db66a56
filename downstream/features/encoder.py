"""Any recogniser of MMAction2 as a frozen encoder of clips, and what it sees of a frame."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmaction.registry import MODELS, TRANSFORMS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from albar_mm.engine.checkpoints.source import load_weights
from albar_mm.engine.launch import load_config
from albar_mm.utils.config_types import is_type, mappings, type_name
from albar_mm.utils.errors import LaunchError
from albar_mm.utils.identity import weights_sha256
from albar_mm.utils.numbers import one_of

CROPS = {1: 'CenterCrop', 3: 'ThreeCrop', 10: 'TenCrop'}
"""Number of crops -> step of MMAction2 that makes them."""


class PipelineView:
    """Resizes and crops frames as MMAction2 does in a test; every frame by itself.

    Args:
        steps: Configs of the spatial steps of a test pipeline, in order.
    """

    def __init__(self, steps: Sequence[Mapping[str, Any]]) -> None:
        self.steps = [dict(step) for step in steps]
        self._transforms = [TRANSFORMS.build(step) for step in self.steps]

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """Transform frames, uint8: (n, H, W, 3), n >= 1, to (n, crops, h, w, 3)."""
        results: dict[str, Any] = dict(
            imgs=list(frames),
            img_shape=frames.shape[1:3],
            original_shape=frames.shape[1:3],
            modality='RGB',
            num_clips=1,
            clip_len=len(frames),
        )
        for transform in self._transforms:
            results = transform(results)
        crops = len(results['imgs']) // len(frames)  # they come crop by crop
        stacked = np.stack(results['imgs'])
        return stacked.reshape(crops, len(frames), *stacked.shape[1:]).swapaxes(0, 1)


def test_pipeline(cfg: Config) -> list[dict[str, Any]]:
    """The pipeline of a config's test set, or of its validation set.

    Args:
        cfg: Config of a recogniser.

    Raises:
        LaunchError: It has none.
    """
    for loader in ('test_dataloader', 'val_dataloader'):
        for _, node in mappings(cfg.get(loader)):
            if node.get('pipeline'):
                return [dict(step) for step in node['pipeline']]
    raise LaunchError(
        f'{cfg.filename or "the config"}: no test_dataloader with a pipeline that '
        'says how frames are resized and cropped'
    )


def spatial_steps(
    pipeline: Sequence[Mapping[str, Any]], crops: int | None = None
) -> list[dict[str, Any]]:
    """Its steps between decoding and ``FormatShape``.

    Args:
        pipeline: A test pipeline.
        crops: Number of crops, 1, 3 or 10, of the pipeline's own size; None: the pipeline's own.

    Raises:
        LaunchError: A step is not known to treat every frame alike, or there is no crop to vary.
    """
    kinds = [type_name(step) for step in pipeline]
    begin = max((i + 1 for i, kind in enumerate(kinds) if kind.endswith('Decode')), default=0)
    end = kinds.index('FormatShape') if 'FormatShape' in kinds else len(kinds)
    for kind in kinds[begin:end]:
        if kind not in ('Resize', *CROPS.values()):
            raise LaunchError(
                f'test pipeline: {kind} between decoding and FormatShape; features are made with '
                f'Resize, {", ".join(CROPS.values())} alone'
            )
    steps = [dict(step) for step in pipeline[begin:end]]
    if crops is None:
        return steps
    one_of(crops, CROPS, 'crops', LaunchError)
    cropping = [i for i, kind in enumerate(kinds[begin:end]) if kind in CROPS.values()]
    if not cropping:
        raise LaunchError('test pipeline: it has no crop step whose crops could be changed')
    steps[cropping[-1]] = dict(type=CROPS[crops], crop_size=steps[cropping[-1]]['crop_size'])
    return steps


POOLED, LOGITS = 'pooled', 'logits'


class FrozenEncoder:
    """A recogniser that turns snippets into feature vectors.

    ``level`` says which:

    - ``'pooled'``: what goes into the last linear layer of the classification head, that is after
      the head's own pooling; of a 2D recogniser the mean over the frames of a snippet.
    - ``'logits'``: what the head gives out.
    - the name of any module, e.g. ``'backbone.layer3'``: its output, averaged over all but batch
      and channels (``(B, C, ...)``, or ``(B, tokens, C)``).

    Args:
        config: Config of the recogniser, or its path.
        checkpoint: Its weights. None leaves them at random, for tests and timings.
        level: See above.
        crops: See :func:`~.spatial_steps`.
        device: Where it runs.
        amp: Run in half precision (bfloat16 on a processor).
        channels_last: Lay tensors out with channels last.
        compiled: Compile the network with ``torch.compile``.

    Raises:
        LaunchError: The checkpoint does not fit the config, no such level, or a config whose
            pipeline cannot be used.
    """

    def __init__(
        self,
        config: Config | str | os.PathLike,
        checkpoint: str | os.PathLike | None,
        *,
        level: str = POOLED,
        crops: int | None = None,
        device: str | torch.device = 'cpu',
        amp: bool = False,
        channels_last: bool = False,
        compiled: bool = False,
    ) -> None:
        self.cfg = load_config(config)
        init_default_scope(self.cfg.get('default_scope', 'mmaction'))
        self.name = self.cfg.filename or 'the config'
        self.level, self.device, self.amp = level, torch.device(device), amp
        pipeline = test_pipeline(self.cfg)
        self.view = PipelineView(spatial_steps(pipeline, crops))
        shapes = [step for step in pipeline if is_type(step, 'FormatShape')]
        if not shapes:
            raise LaunchError(f'{self.name}: its test pipeline has no FormatShape')
        self._format = TRANSFORMS.build(shapes[-1])
        self.two_d = shapes[-1]['input_format'] == 'NCHW'
        self.model = self._load(checkpoint)
        self._captured: list[Tensor] = []
        self._watch()
        self._layout = None
        if channels_last:
            self._layout = torch.channels_last if self.two_d else torch.channels_last_3d
            for parameter in self.model.backbone.parameters():
                if parameter.ndim == (4 if self.two_d else 5):
                    parameter.data = parameter.data.contiguous(memory_format=self._layout)
        if compiled:
            self.model.backbone = torch.compile(self.model.backbone)

    def weights_sha256(self) -> str:
        """Hash of all weights and buffers, whatever the file that they came from."""
        return weights_sha256(self.model)

    def identity(self) -> dict[str, Any]:
        """What the features depend on, as plain JSON."""
        model = json.dumps(self.cfg.model.to_dict(), sort_keys=True, default=str)
        return dict(
            config=os.path.basename(self.name),
            model_sha256=hashlib.sha256(model.encode()).hexdigest(),
            weights_sha256=self.weights_sha256(),
            level=self.level,
            amp=self.amp,
        )

    def formatted(self, snippet: np.ndarray) -> np.ndarray:
        """A snippet in the layout that the recogniser takes, uint8.

        (crops, L, h, w, 3) to (crops, C, L, h, w), or for a 2D recogniser (crops, L, C, h, w).
        """
        crops, length = snippet.shape[:2]
        flat = snippet.reshape(-1, *snippet.shape[2:])
        shaped = self._format(dict(imgs=flat, num_clips=1, clip_len=length))['imgs']
        return shaped.reshape(crops, length, *shaped.shape[1:]) if self.two_d else shaped

    @torch.inference_mode()
    def encode(self, batch: Tensor) -> Tensor:
        """Features of snippets, (B, crops, ...) as :meth:`formatted` lays them out.

        float32, on the encoder's device, shape (B, crops, C).
        """
        batches, crops = batch.shape[:2]
        clips = batch.flatten(0, 1)
        if not self.two_d:
            clips = clips[:, None]
        inputs = self.model.data_preprocessor(
            dict(inputs=list(clips.to(self.device, non_blocking=True)), data_samples=None),
            training=False,
        )['inputs']
        if self._layout is not None:
            inputs = (
                inputs.flatten(0, 1)
                .contiguous(memory_format=self._layout)
                .unflatten(0, inputs.shape[:2])
            )
        half = torch.float16 if self.device.type == 'cuda' else torch.bfloat16
        with torch.autocast(self.device.type, half, enabled=self.amp):
            found = self._run(inputs).float()
        if len(found) % len(clips):
            raise LaunchError(
                f'{self.name}: level {self.level!r} gives {len(found)} vectors for '
                f'{len(clips)} clips: choose another level'
            )
        found = found.reshape(len(clips), -1, found.shape[-1]).mean(1)
        return found.reshape(batches, crops, -1)

    def _run(self, inputs: Tensor) -> Tensor:
        self._captured.clear()
        found, kwargs = self.model.extract_feat(inputs, test_mode=True)
        if not self._captured:
            found = self.model.cls_head(found, **kwargs)
        if self.level != LOGITS:
            if not self._captured:
                raise LaunchError(f'{self.name}: level {self.level!r} takes no part in a test')
            found = self._captured.pop()
        return found

    def _load(self, checkpoint: str | os.PathLike | None) -> nn.Module:
        model = MODELS.build(self.cfg.model)
        if not hasattr(model, 'cls_head') or not hasattr(model, 'extract_feat'):
            raise LaunchError(
                f'{self.name}: its model is no recogniser with a backbone and a cls_head'
            )
        if checkpoint is None:
            model.init_weights()
        else:
            optional = '' if self.level == LOGITS else 'cls_head'
            load_weights(model, checkpoint, self.name, optional)
        # every batch is ours, and every crop stays apart
        model.test_cfg = None
        model.train(False)  # not eval(): of Swin it returns None
        model.requires_grad_(False)
        return model.to(self.device)

    def _watch(self) -> None:
        """Capture what the level names whenever the network computes it."""
        head, modules = self.model.cls_head, dict(self.model.named_modules())
        if self.level == POOLED:
            classes = getattr(head, 'num_classes', None)
            linear = [each for each in head.modules() if isinstance(each, nn.Linear)]
            linear = [each for each in linear if each.out_features == classes]
            if not linear:
                raise LaunchError(
                    f'{self.name}: its cls_head has no linear layer of {classes} '
                    'classes: name a module with level, e.g. backbone'
                )
            linear[-1].register_forward_pre_hook(lambda _, inputs: self._captured.append(inputs[0]))
        elif self.level in modules:
            modules[self.level].register_forward_hook(
                lambda _, __, output: self._captured.append(_averaged(output, self.level))
            )
        elif self.level != LOGITS:
            raise LaunchError(
                f'level {self.level!r}: expected {POOLED}, {LOGITS} or a module of '
                f'the model, as {", ".join(list(modules)[1:6])}, ...'
            )


def _averaged(output: Any, level: str) -> Tensor:
    while isinstance(output, Sequence) and not isinstance(output, Tensor):
        output = output[-1]
    if not isinstance(output, Tensor) or output.ndim < 2:
        raise LaunchError(f'level {level!r}: its output is no tensor of features')
    if output.ndim == 3:
        return output.mean(1)
    return output.flatten(2).mean(2) if output.ndim > 3 else output
