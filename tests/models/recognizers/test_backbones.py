"""One step of ALBAR, second backward pass included, and of SDN through MMAction2's backbones."""

import copy

import pytest
import torch

from tests import toy_recognizers as toys

from . import sdn_toys

BN = dict(pretrained=None, pretrained2d=False, norm_eval=False)
WHOLE = dict(conv1_stride_t=1, pool1_stride_t=1)
FAST = dict(WHOLE, type='resnet3d', depth=18, pretrained=None, norm_eval=False)
LATERAL = dict(lateral=True, inflate=(0, 0, 1, 1), fusion_kernel=7, dilations=(1,) * 4)
SLOWFAST = dict(
    type='ResNet3dSlowFast',
    pretrained=None,
    **dict(resample_rate=4, speed_ratio=4, channel_ratio=2),
    slow_pathway=dict(FAST, base_channels=8, conv1_kernel=(1, 7, 7), **LATERAL),
    fast_pathway=dict(FAST, base_channels=4, lateral=False, conv1_kernel=(5, 7, 7)),
)
SLOWONLY = dict(conv1_kernel=(1, 7, 7), inflate=(0, 0, 1, 1), **WHOLE)
R2PLUS1D = dict(conv1_kernel=(3, 7, 7), inflate=((1, 1),) * 4, conv_cfg=dict(type='Conv2plus1d'))
PATCHES = dict(num_frames=4, img_size=32, patch_size=16, embed_dims=16, num_heads=2)
UNIFORMER = dict(depth=[1] * 4, embed_dim=[8, 16, 16, 32], head_dim=8, drop_path_rate=0.0)
UNIFORMER_V2 = dict(
    **dict(type='UniFormerV2', input_resolution=32, patch_size=16, width=16, layers=2, heads=2),
    **dict(t_size=4, backbone_drop_path_rate=0.0, temporal_downsample=False, no_lmhra=True),
    **dict(return_list=[0, 1], n_layers=2, n_dim=16, n_head=2, mlp_factor=2.0),
    clip_pretrained=False,
)
MVIT = dict(embed_dims=8, num_layers=2, num_heads=1, downscale_indices=[1])


def small(type, **kwargs):
    return dict(BN, type=type, base_channels=4, **kwargs)


def of(channels, kind='I3D', **kwargs):
    return toys.head(channels, type=f'{kind}Head', **kwargs)


PLAIN = dict(type='TimeSformerHead', num_classes=3, in_channels=16, topk=(1,))
CSN = dict(depth=50, bottleneck_mode='ir', with_pool2=False)
X3D = dict(gamma_w=1, gamma_b=2.25, gamma_d=1)
BIG_MVIT = dict(arch=MVIT, spatial_size=32, temporal_size=8, out_scales=1)
VIT = dict(depth=1, mlp_ratio=2, qkv_bias=True, **PATCHES)
FOUR = dict(num_segments=4)
TSM = dict(type='ResNetTSM', depth=18, norm_eval=False, **FOUR)
MOBILE = dict(type='MobileNetV2TSM', widen_factor=0.25, **FOUR)
# backbone, head, frames, size
CASES = [
    (dict(toys.R3D), of(8), 4, 16),
    (small('ResNet3dSlowOnly', depth=50, lateral=False, **SLOWONLY), of(128), 4, 32),
    (small('ResNet3dCSN', **CSN), of(128), 8, 32),
    (SLOWFAST, of(96, 'SlowFast'), 16, 32),
    (small('ResNet2Plus1d', depth=18, **WHOLE, **R2PLUS1D), of(32), 4, 32),
    (dict(type='X3D', **X3D), of(432, 'X3D', fc1_bias=False), 4, 32),
    (dict(toys.SWIN), of(12), 4, 16),
    (dict(type='UniFormer', **UNIFORMER), of(32), 4, 32),
    (UNIFORMER_V2, PLAIN, 4, 32),
    (dict(type='MViT', **BIG_MVIT), of(16, 'MViT'), 8, 32),
    (dict(type='TimeSformer', num_transformer_layers=1, **PATCHES), PLAIN, 4, 32),
    (dict(type='VisionTransformer', **VIT), PLAIN, 4, 32),
    (dict(type='C3D'), of(4096, spatial_type=None), 16, 112),
    (dict(type='C2D', depth=50, pretrained=None, norm_eval=False), of(2048), 4, 32),
    (dict(type='ResNet', depth=18, norm_eval=False), of(512, 'TSN'), 4, 32),
    (TSM, of(512, 'TSM', **FOUR), 4, 32),
    (MOBILE, of(1280, 'TSM', **FOUR), 4, 32),
]


# backbone, head, frames, size
CASES = {case[0]['type']: case for case in CASES}
HEAVY = {'C3D', 'C2D'}
TWO_D = {'ResNet', 'ResNetTSM', 'MobileNetV2TSM'}
# Ends in BatchNorm and average pooling, so the logits summed over a batch are a constant under
# batch statistics: with norm='batch' its penalty is zero for any weights.
CONSTANT_SUM = {'UniFormer'}


def built(module, method, name, **kwargs):
    """A recogniser of a case, and the shape of its clips."""
    backbone, head, frames, size = copy.deepcopy(CASES[name])
    dims = '2D' if name in TWO_D else '3D'
    shape = (frames, 3, size, size) if name in TWO_D else (1, 3, frames, size, size)
    return module.build(f'{method}Recognizer{dims}', backbone, head, **kwargs), shape


def reached(model):
    """Names of parameters with a gradient; every gradient is finite."""
    grads = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    assert all(torch.isfinite(grad).all() for grad in grads.values())
    return [name for name, grad in grads.items() if grad.any()]


EVERY = pytest.mark.parametrize(
    'name', [pytest.param(n, marks=[pytest.mark.slow] * (n in HEAVY)) for n in CASES]
)


@EVERY
def test_step(name):
    norm = 'running' if name in CONSTANT_SUM else 'batch'
    model, shape = built(toys, 'ALBAR', name, static=dict(norm=norm))
    total, losses = toys.total_loss(model, toys.batch([0, 1], [0, 1], shape=shape))
    assert torch.isfinite(total) and losses['static_penalty'] > 1e-5
    # The penalty alone reaches the weights: second-order gradients flow.
    losses['loss_static_gp'].backward()
    assert any(n.startswith('backbone') for n in reached(model))


@EVERY
def test_both_branches_of_sdn_reach_the_backbone(name):
    model, shape = built(sdn_toys, 'SDN', name)
    frames, size = CASES[name][2:]
    people = [sdn_toys.boxes(range(frames), 0, 0, size // 2, size // 2)] * 3
    found = sdn_toys.losses(model, sdn_toys.batch([0, 1, 2], [0, 1, 2], people, shape))
    for key in ('loss_scene', 'loss_mask'):
        model.zero_grad()
        found[key].backward(retain_graph=True)
        assert any(n.startswith('backbone') for n in reached(model))
    model.zero_grad()
    model.parse_losses(found)[0].backward()
    assert all(p.grad is not None for n, p in model.named_parameters() if n.startswith('sdn_'))


def test_the_penalty_of_a_batch_norm_and_pool_ending_needs_running_statistics():
    penalties = {}
    for norm in ('batch', 'running'):
        model, shape = built(toys, 'ALBAR', 'UniFormer', static=dict(norm=norm))
        data = toys.batch([0, 1], [0, 1], shape=shape)
        penalties[norm] = toys.total_loss(model, data)[1]['static_penalty'].item()
    assert penalties['batch'] < 1e-4 < 1e-2 < penalties['running']
