"""MMAction2's own RGB configs, made small enough for a step on CPU, and one such step."""

import copy
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import mmaction
import mmcv
import mmengine
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from mmengine.runner import set_random_seed

ROOT = Path(mmaction.__file__).parent / '.mim' / 'configs' / 'recognition'
MOST_PARAMETERS = 100e6
#: Sides to which clips are cut, in px: tests only. The first with which the stock model steps is
#: taken; models made for one size are made for this one.
SIDES = (32, 64)
_SIDE_OPTION = {
    'VisionTransformer': 'img_size',
    'TimeSformer': 'img_size',
    'MViT': 'spatial_size',
    'UniFormer': 'img_size',
    'UniFormerV2': 'input_resolution',
}
#: One config of each family of backbones, for the suite that runs every time.
FAMILIES = (
    'c2d/c2d_r50-in1k-pre_8xb32-8x8x1-100e_kinetics400-rgb.py',
    'csn/ircsn_ig65m-pretrained-r50-bnfrozen_8xb12-32x2x1-58e_kinetics400-rgb.py',
    'i3d/i3d_imagenet-pretrained-r50-nl-dot-product_8xb8-32x2x1-100e_kinetics400-rgb.py',
    'mvit/mvit-small-p244_32xb16-16x4x1-200e_kinetics400-rgb.py',
    'r2plus1d/r2plus1d_r34_8xb8-8x8x1-180e_kinetics400-rgb.py',
    'slowfast/slowfast_r50_8xb8-4x16x1-256e_kinetics400-rgb.py',
    'slowonly/slowonly_r50_8xb16-4x16x1-256e_kinetics400-rgb.py',
    'swin/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb.py',
    'tanet/tanet_imagenet-pretrained-r50_8xb8-dense-1x1x8-100e_kinetics400-rgb.py',
    'timesformer/timesformer_spaceOnly_8xb8-8x32x1-15e_kinetics400-rgb.py',
    'tpn/tpn-slowonly_imagenet-pretrained-r50_8xb8-8x8x1-150e_kinetics400-rgb.py',
    'trn/trn_imagenet-pretrained-r50_8xb16-1x1x8-50e_sthv1-rgb.py',
    'tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb.py',
    'tsn/tsn_imagenet-pretrained-r50_8xb32-1x1x3-100e_kinetics400-rgb.py',
    'uniformer/uniformer-small_imagenet1k-pre_16x4x1_kinetics400-rgb.py',
    'uniformerv2/uniformerv2-base-p16-res224_clip_8xb32-u8_kinetics400-rgb.py',
    'x3d/x3d_s_13x6x1_facebook-kinetics400-rgb.py',
)


def stock_configs():
    """All config files, by name."""
    return sorted(ROOT.rglob('*.py'))


@dataclass
class Outcome:
    """What became of one config.

    Attributes:
        failures: (variant, 'pipeline', 'build' or 'step') -> why it failed; variants are 'stock'
            and the methods.
        notes: What was made smaller, and what there was none of.
        refused: Why ``debias`` refused the config, where it did.
    """

    failures: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)
    refused: str = ''


class Stepper:
    """Builds and steps models; what does not differ between two configs is done once.

    Args:
        video: A real clip.
        frames: Folder for its frames, for configs that read frames.
    """

    def __init__(self, video, frames):
        self.video, self.frames = video, frames
        self._steps, self._parameters = {}, {}

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
        """One optimiser step on a packed sample and its mirror image, of two classes.

        Two equal samples would leave BatchNorm no variance where the feature map is one cell.

        Args:
            model_cfg: Config of the model.
            packed: From :meth:`pack`.
            side: Side to cut the clips to, in px; None for none.

        Returns:
            '' or why it failed.
        """
        data = [copy.deepcopy(packed) for _ in range(2)]
        for label, sample in enumerate(data):
            inputs = sample['inputs']
            # test pipelines give several views
            view = inputs[:1] if inputs.ndim == 5 else inputs
            view = view if side is None else view[..., :side, :side]
            sample['inputs'] = view.flip(-1) if label else view.contiguous()
            sample['data_samples'].set_gt_label(label)
        identity = [
            json.dumps(model_cfg, sort_keys=True, default=str),
            list(data[0]['inputs'].shape),
        ]
        key = hashlib.sha256(json.dumps(identity).encode()).hexdigest()
        if key not in self._steps:
            self._steps[key] = self._one_step(model_cfg, pseudo_collate(data))
        return self._steps[key]

    def parameters(self, model_cfg):
        """Number of parameters."""
        key = json.dumps(model_cfg['backbone'], sort_keys=True, default=str)
        if key not in self._parameters:
            model = self._without_memory(model_cfg)
            self._parameters[key] = sum(p.numel() for p in model.parameters())
        return self._parameters[key]

    @staticmethod
    def _without_memory(model_cfg):
        """A model whose parameters have no values, where it can be built so."""
        try:
            with torch.device('meta'):
                return MODELS.build(copy.deepcopy(model_cfg))
        except Exception:  # noqa: BLE001  some look at values while they are built
            return MODELS.build(copy.deepcopy(model_cfg))

    def _one_step(self, model_cfg, data):
        torch.manual_seed(0)
        try:
            model = MODELS.build(copy.deepcopy(model_cfg)).train()
            trained = [p for p in model.parameters() if p.requires_grad]
            before = [p.detach().clone() for p in trained]
            wrapper = OptimWrapper(torch.optim.SGD(trained, lr=1e-2))
            logs = model.train_step(data, wrapper)
            if not torch.isfinite(logs['loss']):
                return f'the loss is {logs["loss"].item()}'
            moved = any(not torch.equal(a, b) for a, b in zip(before, trained, strict=True))
            return '' if moved else 'no parameter moved'
        except Exception as error:  # noqa: BLE001  whatever a model may raise is the finding
            return one_line(error)

    def _raw_frames(self):
        count = len(list(self.frames.glob('*.jpg')))
        if not count:
            mmcv.VideoReader(str(self.video)).cvt2frames(
                str(self.frames), filename_tmpl='img_{:05}.jpg', file_start=1, show_progress=False
            )
            count = len(list(self.frames.glob('*.jpg')))
        return dict(
            frame_dir=str(self.frames),
            total_frames=count,
            start_index=1,
            filename_tmpl='img_{:05}.jpg',
        )


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
    """A model config that downloads nothing."""
    if isinstance(node, dict):
        kept = {k: without_weights(v) for k, v in node.items() if k != 'init_cfg'}
        if 'pretrained' in kept:
            kept['pretrained'] = None
        if kept.get('pretrained2d'):
            kept['pretrained2d'] = False
        return type(node)(kept)
    if isinstance(node, (list, tuple)):
        return type(node)(without_weights(v) for v in node)
    return node


def with_less_depth(backbone):
    """A backbone config of its kind with fewer blocks of the same kind."""
    kind = backbone['type']
    if kind == 'UniFormerV2':
        layers = 4
        taps = len(backbone.get('return_list', [8, 9, 10, 11]))
        return dict(
            backbone,
            layers=layers,
            return_list=list(range(layers))[-taps:],
            n_layers=min(taps, layers),
        )
    if kind == 'VisionTransformer':
        return dict(backbone, depth=4)
    if kind == 'TimeSformer':
        return dict(backbone, num_transformer_layers=3)
    if kind == 'SwinTransformer3D':
        return dict(
            backbone, arch=dict(embed_dims=192, depths=[2, 2, 2, 2], num_heads=[6, 12, 24, 48])
        )
    if kind == 'MViT':
        return dict(
            backbone,
            arch=dict(embed_dims=144, num_layers=10, num_heads=2, downscale_indices=[1, 3, 7]),
        )
    raise ValueError(f'{kind}: no rule to cut its depth')


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


def try_config(path, stepper, methods, debias):
    """Build, read and step a stock config, and the same config debiased.

    Args:
        path: The config.
        stepper: What builds and steps.
        methods: Names of methods.
        debias: ``albar_mm.mixin.debias``.

    Returns:
        Outcome: What happened.
    """
    outcome = Outcome()
    cfg = Config.fromfile(path)
    try:
        variants = dict(stock=cfg, **{method: debias(cfg, method) for method in methods})
    except ValueError as error:
        outcome.refused = str(error)
        return outcome
    clip = None
    for name, variant in variants.items():
        if not list(pipelines(variant.get('train_dataloader'))):
            continue
        try:
            clip = stepper.pack(variant, 'train_dataloader')
        except Exception as error:  # noqa: BLE001  whatever a step may raise is the finding
            outcome.failures[name, 'pipeline'] = one_line(error)
    if clip is None:
        clip = _clip_of_test_pipeline(cfg, stepper, outcome)
    if clip is None:
        outcome.failures['stock', 'step'] = 'no pipeline that runs'
        return outcome
    _step_all(variants, clip, stepper, outcome)
    return outcome


def _clip_of_test_pipeline(cfg, stepper, outcome):
    """A clip for models whose training pipeline is missing or cannot run here."""
    if not list(pipelines(cfg.get('train_dataloader'))):
        outcome.notes.append('no training pipeline')
    try:
        return stepper.pack(cfg, 'test_dataloader')
    except Exception:  # noqa: BLE001
        return None


def _step_all(variants, clip, stepper, outcome):
    models = {
        name: without_weights(mmengine.ConfigDict(variant.model).to_dict())
        for name, variant in variants.items()
    }
    try:
        parameters = stepper.parameters(models['stock'])
        if parameters > MOST_PARAMETERS:
            outcome.notes.append(f'{parameters / 1e6:.0f} M parameters: fewer blocks')
            for model in models.values():
                model['backbone'] = with_less_depth(model['backbone'])
    except Exception as error:  # noqa: BLE001
        outcome.failures['stock', 'build'] = one_line(error)
        return
    for wanted in SIDES:
        backbone, side = for_small_clips(models['stock']['backbone'], wanted)  # the same in all
        small = {name: dict(model, backbone=backbone) for name, model in models.items()}
        if not stepper.step(small['stock'], clip, side):
            models = small
            break
    else:
        side = None  # e.g. fully connected layers behind the feature map
    shape = 'x'.join(map(str, clip['inputs'].shape))
    outcome.notes.append(f'clip {shape}' + (f', cut to {side} px' if side else ''))
    for name, model in models.items():
        failed = stepper.step(model, clip, side)
        if failed:
            outcome.failures[name, 'step'] = failed
            if name == 'stock':
                return  # nothing to compare with
