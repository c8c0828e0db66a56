"""Tiny recognisers and batches shared by the tests; nothing here asserts anything."""

import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from torch import nn

import albar_mm  # noqa: F401  (registers the components)


@MODELS.register_module(force=True)
class ToyTanhBackbone(nn.Module):
    """Conv3d and tanh: smooth, no normalisation, closed-form input gradient."""

    def __init__(self, channels=4, time_kernel=3):
        super().__init__()
        self.conv = nn.Conv3d(3, channels, (time_kernel, 3, 3), padding=(time_kernel // 2, 1, 1))

    def forward(self, x):
        return self.conv(x).tanh()


@MODELS.register_module(force=True)
class ToyAttentionBackbone(nn.Module):
    """Tokens of 2x8x8 and fused scaled dot product attention."""

    def __init__(self, dims=8):
        super().__init__()
        self.embed = nn.Conv3d(3, dims, (2, 8, 8), stride=(2, 8, 8))
        self.position = nn.Parameter(0.1 * torch.randn(1, 8, dims))
        self.qkv = nn.Linear(dims, 3 * dims)

    def forward(self, x):
        tokens = self.embed(x)
        shape = tokens.shape
        flat = tokens.flatten(2).transpose(1, 2)
        flat = flat + self.position[:, : flat.shape[1]]
        q, k, v = self.qkv(flat).unsqueeze(1).chunk(3, dim=-1)
        out = nn.functional.scaled_dot_product_attention(q, k, v).squeeze(1) + flat
        return out.transpose(1, 2).view(shape)


R3D = dict(
    type='ResNet3d',
    depth=18,
    num_stages=2,
    base_channels=4,
    pretrained=None,
    pretrained2d=False,
    norm_eval=False,
    conv1_kernel=(3, 3, 3),
    out_indices=(1,),
    spatial_strides=(1, 2),
    temporal_strides=(1, 2),
    dilations=(1, 1),
    inflate=((1, 1), (1, 1)),
)
SWIN = dict(
    type='SwinTransformer3D', patch_size=(2, 4, 4), window_size=(4, 4, 4), drop_path_rate=0.0
)
SWIN |= dict(arch=dict(embed_dims=6, depths=[1, 1], num_heads=[1, 1]), out_indices=(1,))


def head(in_channels, num_classes=3, type='I3DHead', **kwargs):
    sizes = dict(num_classes=num_classes, in_channels=in_channels)
    return dict(type=type, **sizes, dropout_ratio=0.0, topk=(1,), **kwargs)


def preprocessor(type='StaticDataPreprocessor', layout='NCTHW', **kwargs):
    return dict(type=type, mean=[0.0] * 3, std=[1.0] * 3, format_shape=layout, **kwargs)


def build(type='ALBARRecognizer3D', backbone=None, cls_head=None, seed=0, **kwargs):
    """A recogniser with the tanh backbone unless told otherwise."""
    init_default_scope('mmaction')
    torch.manual_seed(seed)
    layout = 'NCHW' if type.endswith('2D') else 'NCTHW'
    kwargs.setdefault('data_preprocessor', preprocessor(layout=layout))
    parts = dict(backbone=backbone or dict(type='ToyTanhBackbone'), cls_head=cls_head or head(4))
    model = MODELS.build(dict(type=type, **parts, **kwargs))
    # The stock initialisation of the classifier (std 0.01) hides differences; make it matter.
    classifier = getattr(model.cls_head, 'fc_cls', None) or model.cls_head.fc2
    nn.init.normal_(classifier.weight, std=0.5)
    return model


def samples(labels, frames=None):
    out = [ActionDataSample().set_gt_label(int(label)) for label in labels]
    for sample, frame in zip(out, frames or [], strict=False):
        sample.set_metainfo(dict(static_frame=frame))
    return out


def clips(count, shape=(1, 3, 4, 8, 8), seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((count, *shape), generator=generator)


def batch(labels, frames=None, **kwargs):
    """What a data loader yields."""
    return dict(inputs=list(clips(len(labels), **kwargs)), data_samples=samples(labels, frames))


def total_loss(model, data, **forward):
    """Losses after the preprocessor, and their sum as MMEngine takes it."""
    losses = model(**model.data_preprocessor(data, training=True), mode='loss', **forward)
    return model.parse_losses(losses)[0], losses


def gradients(model):
    named = model.named_parameters()
    return {name: None if p.grad is None else p.grad.clone() for name, p in named}


def sgd(model, lr=0.1, **kwargs):
    return OptimWrapper(torch.optim.SGD(model.parameters(), lr=lr), **kwargs)
