"""The published TriDet and ours with the same weights, at the size of THUMOS14."""

import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[1]
CLASSES, LENGTH = 20, 2304
CONFIG = ROOT / 'configs' / 'downstream' / 'tal_tridet_thumos14.py'
SEGMENTS = (((20.0, 61.5), (700.0, 731.0)), ((1500.0, 1540.0), (1600.0, 1810.0), (3.0, 8.0)))
LABELS = ((3, 4), (0, 19, 7))


def published(repository: Path, channels: int) -> torch.nn.Module:
    """The published network, seeded, with its settings for THUMOS14.

    Args:
        repository: Folder of its code.
        channels: Of the features.

    Raises:
        FileNotFoundError: It is another repository.
    """
    if not (repository / 'libs/modeling/meta_archs.py').is_file():
        raise FileNotFoundError(
            f'{repository}: no clone of TriDet: it has no libs/modeling/meta_archs.py'
        )
    sys.path.insert(0, str(repository))
    # its compiled suppression takes no part
    utilities = types.ModuleType('libs.utils')
    utilities.batched_nms = None
    sys.modules['libs.utils'] = utilities
    from libs.core.config import load_default_config
    from libs.modeling.meta_archs import TriDet

    given = load_default_config()
    torch.manual_seed(0)
    return TriDet(
        **dict(
            given['model'],
            input_dim=channels,
            max_seq_len=LENGTH,
            num_classes=CLASSES,
            n_sgp_win_size=1,
            k=5,
            iou_weight_power=0.2,
            input_noise=0.0005,
            sgp_mlp_dim=768,
            train_cfg=dict(given['train_cfg'], init_loss_norm=100),
            test_cfg=given['test_cfg'],
        )
    )


def ours(channels: int, state_dict: dict | None = None) -> torch.nn.Module:
    """Our network of the published config.

    Args:
        channels: Of the features.
        state_dict: Weights of the published one; None: seeded.
    """
    from mmaction.registry import MODELS
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    import downstream.tal  # noqa: F401
    from downstream.tal.convert import convert_tridet

    init_default_scope('mmaction')
    model = Config.fromfile(CONFIG).model
    model.projection.in_channels = channels
    torch.manual_seed(0)
    network = MODELS.build(model)
    if state_dict is not None:
        network.load_state_dict(convert_tridet(state_dict).state_dict, strict=True)
    return network


def features(channels: int) -> list[torch.Tensor]:
    """Two videos, (C, T); the second is shorter.

    Args:
        channels: Of the features.
    """
    random = torch.Generator().manual_seed(0)
    return [torch.randn(channels, length, generator=random) for length in (LENGTH, 2000)]


def works(repository: Path | None, channels: int) -> dict[str, dict[str, Callable[[], Any]]]:
    """What is measured: name of a network -> ``'forward'`` and ``'step'``.

    Args:
        repository: Folder of the published code; None: ours alone.
        channels: Of the features.

    Returns:
        ``forward`` gives logits and offsets of one sequence without gradients, ``step`` the two
        losses of two after the backward pass.
    """
    from mmengine.structures import BaseDataElement

    videos = features(channels)
    segments = [torch.tensor(each) for each in SEGMENTS]
    labels = [torch.tensor(each) for each in LABELS]
    peer = published(repository, channels) if repository else None
    own = ours(channels, peer.state_dict() if peer is not None else None)
    samples = [
        BaseDataElement(snippet_segments=one, snippet_labels=two)
        for one, two in zip(segments, labels, strict=True)
    ]

    def own_forward() -> list[torch.Tensor]:
        own.train(False)
        with torch.no_grad():
            levels, masks = own(**own.data_preprocessor(dict(inputs=videos[:1])))
            logits = own.head.cls_head(levels, masks)
            offsets = own.head.boundaries(levels, masks)
        return [*logits, *(each[2] for each in offsets)]

    def own_step() -> list[float]:
        own.train()
        own.zero_grad()
        data = own.data_preprocessor(dict(inputs=videos, data_samples=samples), True)
        losses = own(**data, mode='loss')
        sum(losses.values()).backward()
        return [losses['loss_cls'].item(), losses['loss_reg'].item()]

    def peer_forward() -> list[torch.Tensor]:
        peer.eval()
        with torch.no_grad():
            x, mask = peer.preprocessing([dict(feats=videos[0])])
            feats, masks = peer.neck(*peer.backbone(x, mask))
            logits = peer.cls_head(feats, masks)
            peer.start_head(feats, masks), peer.end_head(feats, masks)
            return [*logits, *peer.reg_head(feats, masks)]

    def peer_step() -> list[float]:
        peer.train()
        peer.zero_grad()
        losses = peer(
            [
                dict(feats=feats, segments=one, labels=two)
                for feats, one, two in zip(videos, segments, labels, strict=True)
            ]
        )
        losses['final_loss'].backward()
        return [losses['cls_loss'].item(), losses['reg_loss'].item()]

    found = dict(ours=dict(forward=own_forward, step=own_step))
    if peer is not None:
        found['published'] = dict(forward=peer_forward, step=peer_step)
    return found


def main(request: str) -> None:
    """Print the bytes that a work of a network adds at its peak, in this fresh process.

    Args:
        request: JSON object with ``repository``, ``channels``, ``network`` and ``work``.
    """
    from _peak_memory import resident_bytes

    asked = json.loads(request)
    repository = Path(asked['repository']) if asked['repository'] else None
    work = works(repository, asked['channels'])[asked['network']][asked['work']]
    before = resident_bytes('VmRSS')
    for _ in range(2):
        work()
    print(resident_bytes('VmHWM') - before)


if __name__ == '__main__':
    sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]
    main(sys.argv[1])
