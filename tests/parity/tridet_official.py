"""Seeded weights for the official TriDet, and what it gives: outputs, losses, candidates.

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
RANGES = ((0, 4), (4, 8), (8, 16), (16, 10000))
SEGMENTS = (((2.0, 6.5), (2.0, 6.5), (9.0, 21.0)), ((-0.5, 3.0), (4.0, 18.5)))
LABELS = ((0, 2, 1), (1, 0))
DEPTHWISE = ('psi', 'fc', 'convw', 'convkw', 'global_fc')


def weights(shapes: dict[str, list[int]], dead: bool = False) -> dict[str, torch.Tensor]:
    """A state dict; dead: depth-wise convolutions of the blocks are zero, as for THUMOS14."""
    state = {}
    for number, (name, shape) in enumerate(shapes.items()):
        # the legacy generator gives the same numbers with every version
        values = np.random.RandomState(number).standard_normal(shape)
        if 'ln.weight' in name or 'norm' in name and name.endswith('weight') or 'scale' in name:
            values = 1 + 0.3 * np.tanh(values)
        elif len(shape) > 2:
            values = values / np.sqrt(np.prod(shape[1:]))
        if dead and name.split('.')[-2] in DEPTHWISE:
            values = 0 * values
        state[name] = torch.tensor(values, dtype=torch.float32).reshape(shape)
    return state


def inputs() -> list[torch.Tensor]:
    """Features of two videos, (C, T)."""
    x = np.random.RandomState(99).standard_normal((2, CHANNELS, LENGTH))
    return [
        torch.tensor(each[:, :length], dtype=torch.float32)
        for each, length in zip(x, VALID, strict=True)
    ]


def find_official_code(folder: str) -> None:
    """Make ``libs`` importable without its compiled suppression."""
    sys.path.insert(0, folder)
    utilities = types.ModuleType('libs.utils')
    utilities.batched_nms = None
    sys.modules['libs.utils'] = utilities


def official(kind: str, **settings: object) -> torch.nn.Module:
    """An official detector at the sizes of the reference, in testing mode."""
    from libs.core.config import load_default_config
    from libs.modeling import meta_archs

    defaults = load_default_config()
    sizes = dict(
        defaults['model'],
        input_dim=CHANNELS,
        max_seq_len=LENGTH,
        num_classes=CLASSES,
        backbone_arch=(2, 2, len(RANGES) - 1),
        regression_range=RANGES,
        embd_dim=WIDTH,
        fpn_dim=WIDTH,
        head_dim=WIDTH,
        train_cfg=dict(defaults['train_cfg'], init_loss_norm=100),
        test_cfg=dict(defaults['test_cfg'], pre_nms_topk=2000),
    )
    return getattr(meta_archs, kind)(**{**sizes, **settings}).eval()


def main(folder: str) -> None:
    """Print the reference."""
    find_official_code(folder)
    sizes = dict(sgp_mlp_dim=HIDDEN, n_sgp_win_size=[1, *WINDOWS], k=FACTOR, num_bins=BINS)
    network = official('TriDet', **sizes, iou_weight_power=0.2)
    network.max_div_factor = 2 ** len(WINDOWS)
    shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
    kinds = dict(alive=False, dead=True).items()
    found = {name: outputs(network, weights(shapes, dead)) for name, dead in kinds}
    print(json.dumps(dict(shapes=shapes, **found)))


def outputs(network: torch.nn.Module, state: dict) -> dict:
    """What an official detector gives: outputs, losses, candidates."""
    network.load_state_dict(state)
    network.loss_normalizer = 100
    videos = [
        dict(feats=feats, segments=torch.tensor(segments), labels=torch.tensor(labels))
        for feats, segments, labels in zip(inputs(), SEGMENTS, LABELS, strict=True)
    ]
    found = {}
    # the parts stay as in testing (no stochastic depth); only the detector itself is training
    network.training = True
    heads = dict(logits=network.cls_head, offsets=network.reg_head)
    hooks = [
        head.register_forward_hook(
            lambda _, args, out, name=name: found.update({name: [as_list(each) for each in out]})
        )
        for name, head in heads.items()
    ]
    hooks.append(
        network.cls_head.register_forward_pre_hook(
            lambda _, args: found.update(masks=[as_list(each.int()) for each in args[1]])
        )
    )
    losses = network(videos)
    network.training = False
    gradient = torch.autograd.grad(losses['final_loss'], network.backbone.embd[0].conv.weight)[0]
    for hook in hooks:
        hook.remove()
    network.postprocessing = lambda results: results
    with torch.no_grad():
        fields = dict(video_id=0, fps=1, duration=1, feat_stride=1, feat_num_frames=1)
        (kept,) = network([videos[0] | fields])
    return dict(
        found,
        losses=[losses['cls_loss'].item(), losses['reg_loss'].item()],
        gradient=as_list(gradient)[::37],
        candidates={key: as_list(kept[key]) for key in ('segments', 'scores', 'labels')},
    )


def as_list(values: torch.Tensor) -> list[float]:
    """Numbers with seven digits."""
    return [float(f'{value:.7g}') for value in values.flatten().tolist()]


if __name__ == '__main__':
    main(sys.argv[1])
