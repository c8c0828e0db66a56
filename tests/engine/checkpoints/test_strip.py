"""Checkpoints of SDN become those of the stock recogniser."""

import copy
from unittest.mock import Mock

import pytest
import torch
from mmengine.runner.checkpoint import load_checkpoint, save_checkpoint

from albar_mm.compat import safe_load
from albar_mm.engine.checkpoints.convert import strip_checkpoint, strip_training_branches
from albar_mm.utils.errors import CheckpointError
from tests.models.recognizers.sdn_toys import TSM, batch, build, losses
from tests.refused import refused


def save(model, path, **more):
    save_checkpoint(dict(state_dict=model.state_dict(), meta=dict(epoch=3), **more), str(path))
    return path


@pytest.mark.parametrize(
    'suffix, extra, shape', [('3D', (), (1, 3, 4, 8, 8)), ('2D', TSM, (4, 3, 32, 32))]
)
def test_it_loads_strictly_and_predicts_the_same(tmp_path, suffix, extra, shape):
    ours = build(f'SDNRecognizer{suffix}', *copy.deepcopy(extra))
    wrapper = torch.optim.SGD(ours.parameters(), lr=0.01)
    ours.parse_losses(losses(ours, batch(shape=shape)))[0].backward()
    wrapper.step()
    more = dict(optimizer=wrapper.state_dict(), message_hub=dict(seen=1))
    out = tmp_path / 'new' / 'out.pth'
    done = strip_checkpoint(save(ours, tmp_path / 'in.pth', **more), out)
    heads = ('sdn_scene_head', 'sdn_mask_head')
    expected = {name: sum(key.startswith(name) for key in ours.state_dict()) for name in heads}
    assert done == [
        *(f'removed {name}.*: {count} tensors' for name, count in expected.items()),
        'removed optimizer: training goes on from the original file only',
    ]
    plain = build(f'Recognizer{suffix}', *copy.deepcopy(extra), seed=9)
    checkpoint = load_checkpoint(plain, str(out), strict=True)
    assert checkpoint['meta']['epoch'] == 3 and checkpoint['message_hub'] == dict(seen=1)
    data = batch(shape=shape)
    scores = [model.eval().test_step(copy.deepcopy(data)) for model in (ours, plain)]
    assert all(torch.equal(a.pred_score, b.pred_score) for a, b in zip(*scores, strict=True))


def test_moving_averages_are_stripped_too_and_nothing_is_a_copy(tmp_path):
    state = build().state_dict()
    ema = {f'module.{key}': value for key, value in state.items()}
    ema['steps'] = torch.tensor(5)
    source = tmp_path / 'in.pth'
    torch.save(dict(state_dict=state, ema_state_dict=ema), source)
    done = strip_checkpoint(source, tmp_path / 'out.pth')
    kept = safe_load(tmp_path / 'out.pth')
    plain = list(build('Recognizer3D').state_dict())
    assert list(kept['state_dict']) == plain
    assert list(kept['ema_state_dict']) == [*(f'module.{key}' for key in plain), 'steps']
    removed = 2 * sum(key.startswith('sdn_mask_head') for key in state)
    assert f'removed sdn_mask_head.*: {removed} tensors' in done
    torch.save(state, source)  # a state dict alone
    strip_checkpoint(source, tmp_path / 'alone.pth')
    assert list(safe_load(tmp_path / 'alone.pth')) == plain
    kept = ['backbone.sdn_scene_head.weight', 'sdn_scene_heads.x']  # names that only look alike
    taken = ['sdn_mask_head.layers.0.bias', 'module.sdn_scene_head.layers.0.bias']
    assert list(strip_training_branches(dict.fromkeys([*kept, *taken]))) == kept
    source = save(build('Recognizer3D'), tmp_path / 'in.pth', optimizer=dict(state={}))
    done = strip_checkpoint(source, tmp_path / 'out.pth')
    assert done == ['no training branches in it: copied as it is']
    assert (tmp_path / 'out.pth').read_bytes() == source.read_bytes()


def test_bad_files_and_failures(tmp_path, monkeypatch):
    source, out = tmp_path / 'in.pth', tmp_path / 'out.pth'
    refused('in.pth: no such checkpoint file', strip_checkpoint, source, out, error=CheckpointError)
    source.write_bytes(b'PK nothing')
    with pytest.raises(CheckpointError, match='in.pth cannot be read as a PyTorch checkpoint'):
        strip_checkpoint(source, out)
    for content, match in (
        ([1], 'holds a list'),
        (dict(state_dict={}), 'state_dict holds no w'),
        (dict(a=1), 'the file holds no weights'),
    ):
        torch.save(content, source)
        refused(match, strip_checkpoint, source, out, error=CheckpointError)
    save(build(), source)
    with pytest.raises(CheckpointError, match='is the checkpoint itself: name another file'):
        strip_checkpoint(source, tmp_path / '..' / tmp_path.name / 'in.pth')
    monkeypatch.setattr(torch, 'save', Mock(side_effect=OSError('full')))
    refused('full', strip_checkpoint, source, out, error=OSError)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['in.pth']  # no half file
