"""torchvision's Video Swin in MMAction2: the same logits, and what is refused."""

import json

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope

from albar_mm.engine.checkpoints.convert import convert_checkpoint, convert_swin3d
from albar_mm.engine.launch import load_config
from albar_mm.utils.errors import CheckpointError
from tests.in_process import run_tool
from tests.parity.swin3d_torchvision import CLIP, FILE, filled, weights

REFERENCE = json.loads(FILE.read_text())


@pytest.fixture(scope='module')
def theirs():
    """A state dict as torchvision saves it."""
    return weights(REFERENCE['shapes'])


def recognizer(classes=400):
    init_default_scope('mmaction')
    cfg = load_config('mmaction::_base_/models/swin_tiny.py').model
    cfg.backbone.pretrained2d = False
    cfg.cls_head.num_classes = classes
    model = MODELS.build(cfg)
    model.train(False)
    return model


def logits(model):
    with torch.no_grad():
        features, _ = model.extract_feat(filled(CLIP, 7).float()[:, None], test_mode=True)
        return model.cls_head(features)[0]


def load(model, state):
    found = model.load_state_dict(state, strict=False)
    # torchvision's own files also hold the index of relative positions
    assert all(name.endswith('relative_position_index') for name in found.missing_keys)
    assert found.unexpected_keys == []


def test_the_logits_are_those_of_torchvision(theirs):
    converted = convert_swin3d(theirs)
    assert (converted.what, converted.left_out) == ('a Video Swin, a head of 400 classes', ())
    model = recognizer()
    load(model, converted.state_dict)
    wanted = torch.tensor(REFERENCE['logits'])
    assert wanted.std() > 1
    assert torch.allclose(logits(model), wanted, atol=2e-4)
    index, state = {}, model.state_dict()  # whole files load strictly
    for name in REFERENCE['buffers']:
        _, stage, rest = name.split('.', 2)
        index[name] = state[f'backbone.layers.{int(stage) // 2}.blocks.{rest}']
    assert {name: list(value.shape) for name, value in index.items()} == REFERENCE['buffers']
    model.load_state_dict(convert_swin3d({**theirs, **index}).state_dict, strict=True)
    state = {name: value for name, value in theirs.items() if not name.startswith('head')}
    converted = convert_swin3d({**state, 'projector.weight': torch.zeros(1)})
    assert converted.left_out == ('projector.weight',)
    assert 'no head' in converted.lines()[0] and 'projector.weight' in converted.lines()[1]


@pytest.mark.parametrize(
    'wrap',
    [
        lambda state: state,
        lambda state: dict(state_dict=state, epoch=3),
        lambda state: dict(model_state_dict={f'module.{k}': v for k, v in state.items()}, lr=0.1),
        lambda state: {f'module.encoder.{k}': v for k, v in state.items()},
    ],
)
def test_files_of_several_makes(theirs, tmp_path, wrap):
    torch.save(wrap(theirs), tmp_path / 'in.pth')
    done = run_tool('convert_checkpoint', 'albar-official', 'in.pth', 'out.pth', folder=tmp_path)
    assert '173 tensors of a Video Swin, a head of 400 classes' in done.stdout
    state = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    assert state.keys() == convert_swin3d(theirs).state_dict.keys()
    name = 'backbone.layers.1.downsample.reduction.weight'
    assert torch.equal(state[name], theirs['features.3.reduction.weight'])


def test_what_is_refused(theirs, tmp_path):
    source = tmp_path / 'a.pth'

    def fails(saved, message):
        torch.save(saved, source)
        with pytest.raises(CheckpointError, match=message):
            convert_checkpoint(convert_swin3d, source, tmp_path / 'out.pth')
        assert not (tmp_path / 'out.pth').exists()

    fails(dict(conv1=torch.zeros(3)), 'a.pth: no Video Swin of torchvision: expected one')
    fails(dict(epoch=3), 'a.pth: no Video Swin')
    some = {name: value for name, value in theirs.items() if not name.startswith('features.3')}
    fails(some, r'it has features \[0, 1, 2, 4, 5, 6\]')
    with pytest.raises(CheckpointError, match='gone.pth: no such file'):
        convert_checkpoint(convert_swin3d, tmp_path / 'gone.pth', tmp_path / 'out.pth')
    with pytest.raises(CheckpointError, match='is the checkpoint itself'):
        convert_checkpoint(convert_swin3d, source, source)
