"""configs/albar/released/: the settings of ALBAR's released code, and the weights of its start."""

import json
import re
from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS
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


def test_it_is_albars_code_but_for_the_start(cfg):
    """Terms, rates, frames and batches are the base's, which test_method_configs.py holds."""
    (base,) = CONFIG.parents[1].glob('*_1xb6-*_hmdb51-rgb.py')
    numbers, ours = load_config(base).to_dict(), cfg.to_dict()
    assert ours.pop('load_from') != numbers.pop('load_from')
    assert ours == numbers


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
