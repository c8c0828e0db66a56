"""Weights by a formula for torchvision's ``swin3d_t``, and its logits for them.

Run as a script, with torchvision's Python files on the path, it prints ``swin3d_torchvision.json``.
The network needs none of torchvision's compiled operators, whose registrations are stood in for, so
that a build without them will do.
"""

import json
import math
import sys
import types
from pathlib import Path

import torch

FILE = Path(__file__).with_suffix('.json')
CLIP = (1, 3, 16, 96, 96)


def filled(shape: tuple[int, ...], number: int) -> torch.Tensor:
    """Numbers that are the same on every machine, about as large as a random initialisation's."""
    count = math.prod(shape)
    x = torch.arange(count, dtype=torch.float64)
    waves = 0.5 * torch.sin(0.7 * x + number) + 0.3 * torch.cos(
        1.3 * x * x / (count + 1) + 2 * number
    )
    return waves.reshape(shape)


def weights(shapes: dict[str, list[int]]) -> dict[str, torch.Tensor]:
    """A state dict."""
    state = {}
    for number, (name, shape) in enumerate(shapes.items()):
        values = filled(tuple(shape), number)
        if 'norm' in name and name.endswith('weight'):
            values = 1 + 0.3 * values
        elif len(shape) > 1:
            values = 1.5 * values / math.sqrt(math.prod(shape[1:]))
        state[name] = values.float()
    return state


def main() -> None:
    """Print the reference."""
    for name in ('_meta_registrations', '_autograd_registrations'):
        sys.modules[f'torchvision.{name}'] = types.ModuleType(name)
    from torchvision.models.video import swin3d_t

    model = swin3d_t(weights=None).eval()
    shapes = {name: list(value.shape) for name, value in model.named_parameters()}
    index = {name: list(value.shape) for name, value in model.named_buffers()}
    model.load_state_dict(weights(shapes), strict=False)
    with torch.no_grad():
        logits = model(filled(CLIP, 7).float())[0]
    rounded = [round(float(value), 5) for value in logits]
    print(json.dumps(dict(shapes=shapes, buffers=index, logits=rounded)))


if __name__ == '__main__':
    main()
