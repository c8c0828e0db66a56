"""Loaded is what was copied: every parameter and buffer, by value."""

import numpy as np
import pytest
import torch
from torch import nn

from albar_mm.engine.checkpoints.source import load_weights
from albar_mm.utils.errors import LaunchError


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv3d(3, 4, 1), nn.BatchNorm3d(4), nn.Sequential(nn.Linear(4, 2)))


@pytest.fixture
def trained():
    model = network()
    for value in model.state_dict().values():
        value.copy_(torch.rand(value.shape) + 1)
    return model.state_dict()


def load(path, saved, **options):
    torch.save(saved, path)
    model = network()
    load_weights(model, path, 'toy.py', **options)
    return model.state_dict()


@pytest.mark.parametrize(
    'rename',
    [
        lambda name: name,
        lambda name: f'module.{name}',
        lambda name: f'_orig_mod.{name}',
        lambda name: f'module._orig_mod.{name}',
        lambda name: name.replace('2.0.', '2._orig_mod.0.'),
    ],
)
@pytest.mark.parametrize('inside', [True, False])
def test_names_of_wrapped_models_are_understood(tmp_path, trained, rename, inside):
    saved = {rename(name): value for name, value in trained.items()}
    found = load(tmp_path / 'a.pth', dict(state_dict=saved) if inside else saved)
    assert all(torch.equal(found[name], trained[name]) for name in trained)


def test_half_precision_and_nan_are_copied(tmp_path, trained):
    trained['0.bias'][0] = float('nan')
    found = load(tmp_path / 'a.pth', {name: v.double() for name, v in trained.items()})
    assert torch.equal(found['0.weight'], trained['0.weight']) and found['0.bias'][0].isnan()
    half = {name: v.half() if v.is_floating_point() else v for name, v in trained.items()}
    assert torch.equal(load(tmp_path / 'a.pth', half)['1.weight'], trained['1.weight'].half())


CASES = {
    '1 of its 8 tensors .*running_mean .missing; the file holds 0.bias, ': lambda s: s.pop(
        '1.running_mean'
    ),
    '1 of its 8 tensors .*running_var .of shape .5,., not .4,.': lambda s: s.update(
        {'1.running_var': torch.ones(5)}
    ),
    'saved as numpy.ndarray, not a tensor': lambda s: s.update(
        {name: value.numpy() for name, value in s.items()}
    ),
    '0.weight .saved as a sparse or quantised tensor': lambda s: s.update(
        {'0.weight': s['0.weight'].to_sparse()}
    ),
    'saved as builtins.float, not a tensor': lambda s: s.update({'0.bias': 1.5}),
    'calls it ema_model.0.weight: save its weights without that prefix': lambda s: [
        s.update({f'ema_model.{name}': s.pop(name)}) for name in list(s)
    ],
    'missing; the file holds model, optimizer': lambda s: [
        s.update(model=dict(s), optimizer={}),
        [s.pop(name) for name in list(s) if name[0] in '012'],
    ],
    'the file holds state': lambda s: [
        s.update(state=dict(s)),
        [s.pop(n) for n in list(s) if '.' in n],
    ],
}


@pytest.mark.parametrize('change', CASES.values(), ids=list(CASES))
def test_what_does_not_arrive_is_refused(tmp_path, trained, change):
    saved = dict(trained)
    change(saved)
    message = {id(value): key for key, value in CASES.items()}[id(change)]
    with pytest.raises(LaunchError, match=f'a.pth does not fit the model of toy.py: .*{message}'):
        load(tmp_path / 'a.pth', saved)


def test_what_is_optional_need_not_be_there(tmp_path, trained):
    saved = {name: value for name, value in trained.items() if not name.startswith('2.')}
    assert torch.equal(load(tmp_path / 'a.pth', saved, optional='2.')['0.bias'], trained['0.bias'])
    with pytest.raises(LaunchError, match='2 of its 8 tensors'):
        load(tmp_path / 'a.pth', saved)


def test_a_copy_that_failed_is_seen(tmp_path, trained, monkeypatch):
    """MMEngine collects errors of copying and only logs them."""
    copy = nn.BatchNorm3d._load_from_state_dict

    def failing(self, state_dict, *args):
        copy(self, {**state_dict, '1.bias': torch.zeros(4)}, *args)

    monkeypatch.setattr(nn.BatchNorm3d, '_load_from_state_dict', failing)
    with pytest.raises(LaunchError, match='1.bias .other values than in the file'):
        load(tmp_path / 'a.pth', trained)


def test_what_is_no_file(tmp_path):
    with pytest.raises(LaunchError, match='is a folder, not a file'):
        load_weights(network(), tmp_path, 'toy.py')
    with pytest.raises(LaunchError, match='b.pth: no such file'):
        load_weights(network(), tmp_path / 'b.pth', 'toy.py')
    torch.save(np.float64(1), tmp_path / 'c.pth')
    with pytest.raises((LaunchError, RuntimeError), match='c.pth'):
        load_weights(network(), tmp_path / 'c.pth', 'toy.py')
