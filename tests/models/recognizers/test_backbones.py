"""One ALBAR training step, second backward pass included, through MMAction2's backbones."""

import copy

import pytest
import torch

from tests import toy_recognizers as toys

BN = dict(pretrained=None, pretrained2d=False, norm_eval=False)
FAST = dict(
    type='resnet3d', depth=18, pretrained=None, conv1_stride_t=1, pool1_stride_t=1, norm_eval=False
)
SLOWFAST = dict(
    type='ResNet3dSlowFast',
    pretrained=None,
    resample_rate=4,
    speed_ratio=4,
    channel_ratio=2,
    slow_pathway=dict(
        FAST,
        base_channels=8,
        lateral=True,
        conv1_kernel=(1, 7, 7),
        dilations=(1,) * 4,
        inflate=(0, 0, 1, 1),
        fusion_kernel=7,
    ),
    fast_pathway=dict(FAST, base_channels=4, lateral=False, conv1_kernel=(5, 7, 7)),
)
UNIFORMER_V2 = dict(
    type='UniFormerV2',
    input_resolution=32,
    patch_size=16,
    width=16,
    layers=2,
    heads=2,
    t_size=4,
    backbone_drop_path_rate=0.0,
    temporal_downsample=False,
    no_lmhra=True,
    return_list=[0, 1],
    n_layers=2,
    n_dim=16,
    n_head=2,
    mlp_factor=2.0,
    clip_pretrained=False,
)
C2PLUS1D = dict(type='Conv2plus1d')


def transformer_head(channels):
    out = toys.head(channels, type='TimeSformerHead')
    out.pop('dropout_ratio')
    return out


# name: backbone, head, frames, size
CASES = {
    'ResNet3d': (dict(toys.R3D), toys.head(8), 4, 16),
    'ResNet3dSlowOnly': (
        dict(
            BN,
            type='ResNet3dSlowOnly',
            depth=50,
            base_channels=4,
            lateral=False,
            conv1_kernel=(1, 7, 7),
            conv1_stride_t=1,
            pool1_stride_t=1,
            inflate=(0, 0, 1, 1),
        ),
        toys.head(128),
        4,
        32,
    ),
    'ResNet3dCSN': (
        dict(
            BN,
            type='ResNet3dCSN',
            depth=50,
            base_channels=4,
            bottleneck_mode='ir',
            with_pool2=False,
        ),
        toys.head(128),
        8,
        32,
    ),
    'ResNet3dSlowFast': (SLOWFAST, toys.head(96, type='SlowFastHead'), 16, 32),
    'ResNet2Plus1d': (
        dict(
            BN,
            type='ResNet2Plus1d',
            depth=18,
            base_channels=4,
            conv1_kernel=(3, 7, 7),
            conv1_stride_t=1,
            pool1_stride_t=1,
            inflate=((1, 1),) * 4,
            conv_cfg=C2PLUS1D,
        ),
        toys.head(32),
        4,
        32,
    ),
    'X3D': (
        dict(type='X3D', gamma_w=1, gamma_b=2.25, gamma_d=1),
        toys.head(432, type='X3DHead', fc1_bias=False),
        4,
        32,
    ),
    'SwinTransformer3D': (dict(toys.SWIN), toys.head(12), 4, 16),
    'UniFormer': (
        dict(
            type='UniFormer',
            depth=[1] * 4,
            embed_dim=[8, 16, 16, 32],
            head_dim=8,
            drop_path_rate=0.0,
        ),
        toys.head(32),
        4,
        32,
    ),
    'UniFormerV2': (UNIFORMER_V2, transformer_head(16), 4, 32),
    'MViT': (
        dict(
            type='MViT',
            arch=dict(embed_dims=8, num_layers=2, num_heads=1, downscale_indices=[1]),
            spatial_size=32,
            temporal_size=8,
            out_scales=1,
        ),
        toys.head(16, type='MViTHead'),
        8,
        32,
    ),
    'TimeSformer': (
        dict(
            type='TimeSformer',
            num_frames=4,
            img_size=32,
            patch_size=16,
            embed_dims=16,
            num_heads=2,
            num_transformer_layers=1,
        ),
        transformer_head(16),
        4,
        32,
    ),
    'VisionTransformer': (
        dict(
            type='VisionTransformer',
            img_size=32,
            patch_size=16,
            embed_dims=16,
            depth=1,
            num_heads=2,
            mlp_ratio=2,
            num_frames=4,
            qkv_bias=True,
        ),
        transformer_head(16),
        4,
        32,
    ),
    'C3D': (dict(type='C3D'), toys.head(4096, spatial_type=None), 16, 112),
    'C2D': (dict(type='C2D', depth=50, pretrained=None, norm_eval=False), toys.head(2048), 4, 32),
    'ResNet': (
        dict(type='ResNet', depth=18, norm_eval=False),
        toys.head(512, type='TSNHead'),
        4,
        32,
    ),
    'ResNetTSM': (
        dict(type='ResNetTSM', depth=18, num_segments=4, norm_eval=False),
        toys.head(512, type='TSMHead', num_segments=4),
        4,
        32,
    ),
    'MobileNetV2TSM': (
        dict(type='MobileNetV2TSM', num_segments=4, widen_factor=0.25),
        toys.head(1280, type='TSMHead', num_segments=4),
        4,
        32,
    ),
}
HEAVY = {'C3D', 'C2D'}
TWO_D = {'ResNet', 'ResNetTSM', 'MobileNetV2TSM'}
# Ends in BatchNorm and average pooling, so the logits summed over a batch are a constant under
# batch statistics: with norm='batch' its penalty is zero for any weights.
CONSTANT_SUM = {'UniFormer'}


@pytest.mark.parametrize(
    'name', [pytest.param(n, marks=[pytest.mark.slow] * (n in HEAVY)) for n in CASES]
)
def test_step(name):
    backbone, head, frames, size = copy.deepcopy(CASES[name])
    norm = 'running' if name in CONSTANT_SUM else 'batch'
    model = toys.build(
        'ALBARRecognizer2D' if name in TWO_D else 'ALBARRecognizer3D',
        backbone,
        head,
        static=dict(norm=norm),
    )
    shape = (frames, 3, size, size) if name in TWO_D else (1, 3, frames, size, size)
    total, losses = toys.total_loss(model, toys.batch([0, 1], [0, 1], shape=shape))
    assert torch.isfinite(total)
    assert losses['static_penalty'] > 1e-5
    # The penalty alone reaches the weights: second-order gradients flow.
    losses['loss_static_gp'].backward()
    reached = [
        n for n, p in model.named_parameters() if p.grad is not None and p.grad.abs().max() > 0
    ]
    assert any(n.startswith('backbone') for n in reached)
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_the_penalty_of_a_batch_norm_and_pool_ending_needs_running_statistics():
    backbone, head, frames, size = copy.deepcopy(CASES['UniFormer'])
    penalties = {}
    for norm in ('batch', 'running'):
        model = toys.build(backbone=copy.deepcopy(backbone), cls_head=head, static=dict(norm=norm))
        data = toys.batch([0, 1], [0, 1], shape=(1, 3, frames, size, size))
        penalties[norm] = toys.total_loss(model, data)[1]['static_penalty'].item()
    assert penalties['batch'] < 1e-4 < 1e-2 < penalties['running']
