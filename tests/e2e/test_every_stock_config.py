"""Every RGB config of MMAction2 that builds and steps also does so debiased."""

import sys

import pytest
from mmaction.registry import MODELS

from .stock_configs import ROOT, Stepper, step_of_few_blocks, try_config

METHODS = ('albar', 'stillmix')
#: Not RGB clips: optical flow, and images beside videos.
REFUSED = {
    'omnisource/slowonly_r50_8xb16-8x8x1-256e_imagenet-kinetics400-rgb.py',
    'slowonly/slowonly_r50_8xb16-16x4x1-256e_kinetics400-flow.py',
    'tsn/tsn_imagenet-pretrained-r50_8xb32_5x1x3-110e_kinetics400-flow.py',
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
#: They have no training pipeline, or one that needs a further package.
BY_TEST_PIPELINE = ('mvit', 'uniformer', 'x3d')


@pytest.fixture(scope='module')
def stepper(real_data, tmp_path_factory):
    return Stepper(real_data / 'clips' / 'R6llTwEh07w.mp4', tmp_path_factory.mktemp('frames'))


@pytest.mark.parametrize('name', FAMILIES)
def test_one_config_of_every_family_of_backbones(name, stepper, monkeypatch):
    # whole networks, the stock ones and a blending, which leaves them as they are: the slow test
    settings = MODELS.get('mmaction.ResNet').arch_settings
    monkeypatch.setitem(settings, 50, (settings[50][0], (1,) * 4))
    part = 'test' if name.startswith(BY_TEST_PIPELINE) else 'train'
    assert not step_of_few_blocks(ROOT / name, stepper, 'albar', f'{part}_dataloader')


@pytest.mark.slow
def test_every_config(stepper, capsys):
    paths = sorted(ROOT.rglob('*.py'))
    assert len(paths) == 125
    broken, refused = {}, set()
    for number, path in enumerate(paths, 1):
        name, failures = path.relative_to(ROOT).as_posix(), {}
        try:
            failures = try_config(path, stepper, METHODS)
        except ValueError:
            refused.add(name)
        for (variant, part), why in failures.items():
            if variant != 'stock' and ('stock', part) not in failures:
                broken[name, variant, part] = why
        with capsys.disabled():
            print(f'{number:3}/125 {name}: {failures or "fine"}', file=sys.stderr, flush=True)
    assert not broken
    assert refused == REFUSED
