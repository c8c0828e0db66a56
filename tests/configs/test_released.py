"""configs/albar/released/: the settings of ALBAR's released code, and the weights of its start."""

import json
import re
from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from albar_mm.compat import safe_load
from albar_mm.engine.checkpoints.source import misfits, saved_tensors
from albar_mm.engine.launch import load_config
from albar_mm.engine.launch.checks import MADE_WEIGHTS, check_weights
from albar_mm.utils.errors import LaunchError
from tests.in_process import run_tool
from tests.parity.swin3d_torchvision import FILE, weights

CONFIG = Path(__file__).parents[2] / 'configs' / 'albar' / 'released' / 'swin_tiny_hmdb51.py'


@pytest.fixture(scope='module')
def cfg():
    """The config, in the scope of a run."""
    loaded = load_config(CONFIG)
    init_default_scope(loaded.default_scope)
    return loaded


def test_settings_of_the_released_code(cfg):
    """Numbers of its params_debias.py."""
    terms = {loss.type: loss.weight for loss in cfg.model.static.losses}
    names = ('StaticAdversarialLoss', 'StaticEntropyLoss', 'StaticGradientPenalty')
    assert terms == dict(zip(names, (1.0, 4.25, 10.0), strict=True))
    assert cfg.model.static.frame == cfg.train_pipeline[-1].frame == 16
    assert cfg.train_dataloader.batch_size == cfg.auto_scale_lr.base_batch_size == 6
    assert (cfg.train_cfg.max_epochs, cfg.auto_scale_lr.enable) == (50, False)
    assert cfg.train_dataloader.dataset.pipeline == cfg.train_pipeline
    stock = load_config(CONFIG.parents[2] / 'albar_hmdb51.py')
    assert cfg.train_pipeline[2:-1] == stock.train_pipeline[2:-1]
    sample = cfg.test_dataloader.dataset.pipeline[1]
    assert (sample.short, sample.start, sample.test_mode) == ('halve', 'first', True)
    sample = cfg.train_pipeline[1]
    assert (sample.short, sample.clip_len, sample.frame_interval) == ('halve', 32, 2)
    cfg.model.backbone.arch = dict(embed_dims=96, depths=[1] * 4, num_heads=[3, 6, 12, 24])
    groups = build_optim_wrapper(MODELS.build(cfg.model), cfg.optim_wrapper).optimizer.param_groups
    assert {(group['lr'], group['weight_decay']) for group in groups} == {(1e-5, 0.05)}


def test_the_command_in_the_config_makes_the_weights_that_it_names(tmp_path):
    """In full: what the file lacks of the model is the classifier of HMDB51 alone."""
    cfg = load_config(CONFIG)
    reference = json.loads(FILE.read_text())
    torch.save(weights(reference['shapes']), tmp_path / 'swin3d_t-7615ae03.pth')
    (command,) = re.findall(
        r'^#   python tools/convert_checkpoint.py (.*)$', CONFIG.read_text(), re.M
    )
    (weights_file,) = MADE_WEIGHTS
    words = MADE_WEIGHTS[weights_file].split('convert_checkpoint.py ')[1]
    assert (
        words.replace('<swin3d_t-7615ae03.pth of torchvision>', 'swin3d_t-7615ae03.pth') == command
    )
    with pytest.raises(LaunchError, match='no such file: python tools/convert_checkpoint.py'):
        check_weights(cfg)
    done = run_tool('convert_checkpoint', *command.split(), folder=tmp_path)
    assert done.returncode == 0 and '173 tensors of a Video Swin' in done.stdout
    state = safe_load(tmp_path / cfg.load_from)['state_dict']
    wrong = misfits(saved_tensors(MODELS.build(cfg.model)), state)
    head = {name: why for name, why in wrong.items() if 'relative_position_index' not in name}
    assert head == {
        'cls_head.fc_cls.weight': 'of shape (400, 768), not (51, 768)',
        'cls_head.fc_cls.bias': 'of shape (400,), not (51,)',
    }
