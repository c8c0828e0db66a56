"""MMAction2's own RGB configs, made small enough for a step on CPU, and one such step."""

import copy
import json
from pathlib import Path

import mmaction
import mmcv
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed

from albar_mm.debias.methods import debias

ROOT = Path(mmaction.__file__).parent / '.mim' / 'configs' / 'recognition'
MOST_PARAMETERS = 100e6
#: Sides to which clips are cut, in px: tests only. The first with which the stock model steps is
#: taken; models made for one size are made for this one.
SIDES = (32, 64)
#: Models made for one size -> their option that says it.
_SIDE_OPTION = dict.fromkeys(('VisionTransformer', 'TimeSformer', 'UniFormer'), 'img_size')
_SIDE_OPTION.update(MViT='spatial_size', UniFormerV2='input_resolution')


class Stepper:
    """Builds and steps models on a real clip; what two configs share is done once.

    ``frames`` is a folder for the frames of the clip, for configs that read frames.
    """

    def __init__(self, video, frames):
        self.video, self.frames = video, frames
        self._steps = {}

    def pack(self, cfg, loader):
        """Run the pipeline of a data loader on the clip."""
        init_default_scope('mmaction')
        set_random_seed(0)  # the same crop whatever ran before
        pipeline = copy.deepcopy(next(pipelines(cfg.get(loader))))
        info = dict(filename=str(self.video), label=3, start_index=0, modality='RGB')
        if any(step['type'] == 'RawFrameDecode' for step in pipeline):
            info.update(self._raw_frames())
        return Compose(pipeline)(info)

    def step(self, model_cfg, packed, side):
        """One optimiser step on what :meth:`pack` gave and its mirror image, of two classes.

        Two equal samples would leave BatchNorm no variance where the feature map is one cell.

        Returns:
            '' or why it failed; ``side`` is that to cut the clips to, in px, or None.
        """
        data = [copy.deepcopy(packed) for _ in range(2)]
        for label, sample in enumerate(data):
            inputs = sample['inputs']
            view = inputs[:1] if inputs.ndim == 5 else inputs  # test pipelines give several views
            view = view if side is None else view[..., :side, :side]
            sample['inputs'] = view.flip(-1) if label else view.contiguous()
            sample['data_samples'].set_gt_label(label)
        key = json.dumps([model_cfg, data[0]['inputs'].shape], sort_keys=True, default=str)
        if key not in self._steps:
            self._steps[key] = _one_step(model_cfg, pseudo_collate(data))
        return self._steps[key]

    def _raw_frames(self):
        named = dict(filename_tmpl='img_{:05}.jpg')
        if not any(self.frames.glob('*.jpg')):
            mmcv.VideoReader(str(self.video)).cvt2frames(
                str(self.frames), file_start=1, show_progress=False, **named
            )
        total = len(list(self.frames.glob('*.jpg')))
        return dict(named, frame_dir=str(self.frames), total_frames=total, start_index=1)


def _one_step(model_cfg, data):
    torch.manual_seed(0)
    try:
        model = MODELS.build(copy.deepcopy(model_cfg)).train()
        trained = [p for p in model.parameters() if p.requires_grad]
        before = [p.detach().clone() for p in trained]
        logs = model.train_step(data, OptimWrapper(torch.optim.SGD(trained, lr=1e-2)))
        if not torch.isfinite(logs['loss']):
            return f'the loss is {logs["loss"].item()}'
        moved = any(not torch.equal(a, b) for a, b in zip(before, trained, strict=True))
        return '' if moved else 'no parameter moved'
    except Exception as error:  # noqa: BLE001  whatever a model may raise is the finding
        return one_line(error)


def pipelines(node):
    """Pipelines of a data loader's config, however deep its data set is wrapped."""
    if isinstance(node, dict):
        if isinstance(node.get('pipeline'), list):
            yield node['pipeline']
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from pipelines(child)


def without_weights(node):
    """A model config, as plain dicts, that downloads nothing."""
    if isinstance(node, dict):
        kept = {k: without_weights(v) for k, v in node.items() if k != 'init_cfg'}
        off = dict(pretrained=None, pretrained2d=False)
        return {key: off.get(key, value) for key, value in kept.items()}
    if isinstance(node, (list, tuple)):
        return type(node)(without_weights(v) for v in node)
    return node


def with_less_depth(backbone):
    """A backbone config of its kind with fewer blocks of the same kinds, as wide as it was."""
    kind, arch = backbone['type'], backbone.get('arch')
    if 'slow_pathway' in backbone:
        paths = ('slow_pathway', 'fast_pathway')
        return dict(backbone, **{path: with_less_depth(backbone[path]) for path in paths})
    if isinstance(arch, str):
        arch = MODELS.get(kind).arch_zoo[arch]
    if kind == 'SwinTransformer3D':
        return dict(backbone, arch=dict(arch, depths=[1, 1, 2, 1]))  # two: a shifted window too
    if kind == 'MViT':
        return dict(backbone, arch=dict(arch, num_layers=4, downscale_indices=[1, 2, 3]))
    if kind == 'UniFormerV2':
        taps = len(backbone.get('return_list', range(4)))
        layers = dict(layers=max(taps, 2), n_layers=taps)
        return dict(backbone, return_list=list(range(layers['layers']))[-taps:], **layers)
    if kind.lower().startswith(('resnet3d', 'resnet2plus1d')):
        blocks = {  # what is said of each block: one that does it where any did
            key: tuple((max(stage),) for stage in backbone[key])
            for key in ('inflate', 'non_local')
            if isinstance(backbone.get(key, (0,))[0], tuple)
        }
        return dict(backbone, stage_blocks=(1,) * backbone.get('num_stages', 4), **blocks)
    fewer = dict(
        VisionTransformer=dict(depth=2),
        TimeSformer=dict(num_transformer_layers=2),
        UniFormer=dict(depth=[1] * 4),
        X3D=dict(gamma_d=1),
    )
    return dict(backbone, **fewer.get(kind, {}))


def for_small_clips(backbone, side):
    """A backbone config for small clips, and the side of those in px."""
    option = _SIDE_OPTION.get(backbone['type'])
    if option is None:
        return backbone, side
    patch = backbone.get('patch_size', 16)
    side = side // patch * patch if isinstance(patch, int) else side
    return dict(backbone, **{option: side}), side


def one_line(error):
    """An error as one short line."""
    return f'{type(error).__name__}: {" ".join(str(error).split())}'[:160]


def parameters(model_cfg):
    """Number of parameters."""
    try:
        with torch.device('meta'):  # without memory
            model = MODELS.build(copy.deepcopy(model_cfg))
    except Exception:  # noqa: BLE001  some look at values while they are built
        model = MODELS.build(copy.deepcopy(model_cfg))
    return sum(p.numel() for p in model.parameters())


def step_of_few_blocks(path, stepper, method, loader):
    """One step of a config with a method, a backbone of few blocks and the smallest clips.

    Returns:
        '' or why it failed; ``loader`` says whose pipeline reads the clip.
    """
    cfg = debias(Config.fromfile(path), method)
    clip = stepper.pack(cfg, loader)
    model = without_weights(cfg.model)
    model['backbone'], side = for_small_clips(with_less_depth(model['backbone']), SIDES[0])
    return stepper.step(model, clip, side)


def try_config(path, stepper, methods):
    """Build, read and step a stock config, and the same config debiased by these methods.

    Returns:
        (variant, 'pipeline' or 'step') -> why it failed; variants are 'stock' and the methods.

    Raises:
        ValueError: ``debias`` refuses the config.
    """
    cfg = Config.fromfile(path)
    variants = dict(stock=cfg, **{method: debias(cfg, method) for method in methods})
    failures, clip = {}, None
    for name, variant in variants.items():
        if list(pipelines(variant.get('train_dataloader'))):
            try:
                clip = stepper.pack(variant, 'train_dataloader')
            except Exception as error:  # noqa: BLE001  whatever it may raise is the finding
                failures[name, 'pipeline'] = one_line(error)
    models = {name: without_weights(v.model.to_dict()) for name, v in variants.items()}
    try:
        clip = clip or stepper.pack(cfg, 'test_dataloader')
        if parameters(models['stock']) > MOST_PARAMETERS:
            for model in models.values():
                model['backbone'] = with_less_depth(model['backbone'])
    except Exception as error:  # noqa: BLE001
        return {**failures, ('stock', 'step'): one_line(error)}
    for wanted in SIDES:
        backbone, side = for_small_clips(models['stock']['backbone'], wanted)  # the same in all
        small = {name: dict(model, backbone=backbone) for name, model in models.items()}
        if not stepper.step(small['stock'], clip, side):
            models = small
            break
    else:
        side = None  # e.g. fully connected layers behind the feature map
    for name, model in models.items():
        if failed := stepper.step(model, clip, side):
            failures[name, 'step'] = failed
            if name == 'stock':
                break  # nothing to compare with
    return failures
