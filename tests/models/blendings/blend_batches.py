"""Batches and blendings of the tests in this folder; nothing here asserts anything."""

import numpy as np
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

import albar_mm  # noqa: F401  (registers the components)

MEAN, STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
K = 5
MIXING = ('ClipMixupBlending', 'VideoMixBlending', 'ActorCutMixBlending')
PRESERVING = ('BEBlending', 'FAMEBlending', 'StillMixBlending')
METHODS = (*MIXING, *PRESERVING)


def make(kind, **kwargs):
    if kind == 'FAMEBlending':
        kwargs = dict(mean=MEAN, std=STD) | kwargs
    return MODELS.build(dict(type=kind, num_classes=K) | kwargs)


def clips(batch, views=1, frames=4, side=24, seed=0, dtype=torch.float32):
    """Normalised clips in which every pixel differs: (B, N, 3, T, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, views, 3, frames, side, side)
    raw = torch.rand(shape, generator=generator, dtype=torch.float64) * 255
    mean, std = (torch.tensor(x, dtype=torch.float64).view(3, 1, 1, 1) for x in (MEAN, STD))
    return ((raw - mean) / std).to(dtype)


def box_rows(views, frames, side, shift):
    """One box in every frame, a third of the image high, that moves."""
    return torch.tensor(
        [[i, 2 + shift, 3 + i % 3, 10 + shift, side / 3 + 4 + i % 3] for i in range(views * frames)]
    )


def samples(inputs, labels=None, boxes=True):
    """Data samples of a batch in the layout of 3D or 2D recognisers."""
    out = []
    views, frames = inputs.shape[1], inputs.shape[3] if inputs.ndim == 6 else 1
    for i in range(len(inputs)):
        label = i % K if labels is None else labels[i]
        sample = ActionDataSample()
        sample.set_gt_label(label if isinstance(label, torch.Tensor) else int(label))
        if boxes:
            sample.person_boxes = box_rows(views, frames, inputs.shape[-1], i % 4)
        out.append(sample)
    return out


def labels_of(data_samples):
    return torch.stack([sample.gt_label for sample in data_samples])


def write_bank(path, frames, num_classes=K):
    """A frame bank, written by hand to its contract."""
    count = len(frames)
    np.savez(
        path,
        frames=np.asarray(frames, np.uint8),
        probability=np.linspace(0.5, 1, count, dtype=np.float32),
        source=np.array([f'class/video.avi#{i}' for i in range(count)]),
        num_classes=np.int64(num_classes),
        info=np.array('{}'),
    )
    return str(path)
