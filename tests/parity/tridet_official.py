"""Seeded weights for the official TriDet's pyramid and heads, and what they give.

Run as a script with the folder of the official code (``libs/``) as its argument, it prints
``tridet_official.json``. Its utilities, with a compiled suppression, are not
needed and stood in for.
"""

import json
import sys
import types
from pathlib import Path

import numpy as np
import torch

FILE = Path(__file__).with_suffix('.json')
CHANNELS, WIDTH, HIDDEN, CLASSES, BINS, LENGTH = 12, 32, 48, 3, 4, 32
WINDOWS, FACTOR = (1, 3, 5), 1.5
VALID = (32, 19)


def weights(shapes: dict[str, list[int]]) -> dict[str, torch.Tensor]:
    """A state dict.

    Args:
        shapes: Name -> shape of every entry, in order.
    """
    state = {}
    for number, (name, shape) in enumerate(shapes.items()):
        # the legacy generator gives the same numbers with every version
        values = np.random.RandomState(number).standard_normal(shape)
        if 'ln.weight' in name or 'norm' in name and name.endswith('weight') or 'scale' in name:
            values = 1 + 0.3 * np.tanh(values)
        elif len(shape) > 2:
            values = values / np.sqrt(np.prod(shape[1:]))
        state[name] = torch.tensor(values, dtype=torch.float32).reshape(shape)
    return state


def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    """Features (2, C, T), zero outside the videos, and masks (2, T)."""
    mask = torch.arange(LENGTH) < torch.tensor(VALID)[:, None]
    x = np.random.RandomState(99).standard_normal((2, CHANNELS, LENGTH))
    return torch.tensor(x, dtype=torch.float32) * mask[:, None], mask


def main(folder: str) -> None:
    """Print the reference.

    Args:
        folder: Of the official code.
    """
    sys.path.insert(0, folder)
    utilities = types.ModuleType('libs.utils')
    utilities.batched_nms = None
    sys.modules['libs.utils'] = utilities
    from libs.modeling.backbones import SGPBackbone
    from libs.modeling.meta_archs import ClsHead, RegHead
    from libs.modeling.necks import FPNIdentity

    levels = len(WINDOWS) + 1
    network = torch.nn.ModuleDict(dict(
        backbone=SGPBackbone(CHANNELS, WIDTH, HIDDEN, 3, LENGTH, (2, 2, len(WINDOWS)), 2, True,
                             0.1, 'max', [1, *WINDOWS], FACTOR, 1),
        neck=FPNIdentity([WIDTH] * levels, WIDTH, with_ln=True),
        cls_head=ClsHead(WIDTH, WIDTH, CLASSES, with_ln=True),
        reg_head=RegHead(WIDTH, WIDTH, levels, with_ln=True, num_bins=BINS))).eval()  # fmt: skip
    shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
    network.load_state_dict(weights(shapes))
    x, mask = inputs()
    with torch.no_grad():
        feats, masks = network['neck'](*network['backbone'](x, mask[:, None]))
        logits = network['cls_head'](feats, masks)
        offsets = network['reg_head'](feats, masks)
    print(json.dumps(dict(
        shapes=shapes, logits=[each.flatten().tolist() for each in logits],
        offsets=[each.flatten().tolist() for each in offsets],
        masks=[each.flatten().int().tolist() for each in masks])))  # fmt: skip


if __name__ == '__main__':
    main(sys.argv[1])
