import copy

import pytest
import torch
from torch import nn

from albar_mm.models.recognizers.static_norm import clip_statistics, static_norm
from tests import toy_recognizers as toys


def buffers(model):
    return {name: value.clone() for name, value in model.named_buffers()}


def bn_model(static=None, **kwargs):
    return toys.build(backbone=dict(toys.R3D, **kwargs), cls_head=toys.head(8), static=static)


def after_one_step(norm):
    model = bn_model(None if norm is None else dict(norm=norm))
    toys.total_loss(model, toys.batch([0, 1], [0, 1]))
    return buffers(model)


@pytest.mark.parametrize('norm', ['batch', 'running', 'clip', 'update'])
def test_running_statistics_see_the_motion_pass_only(norm):
    """But with ``update`` static clips too; the checks before the first step never count."""
    plain, ours = after_one_step(None), after_one_step(norm)
    counts = {v.item() for n, v in ours.items() if n.endswith('num_batches_tracked')}
    assert counts == {2 if norm == 'update' else 1}
    same = [torch.equal(v, ours[n]) for n, v in plain.items() if n.endswith(('_mean', '_var'))]
    assert any(not s for s in same) if norm == 'update' else all(same) and same


def test_what_each_mode_normalises_with():
    torch.manual_seed(0)
    bn = nn.BatchNorm3d(2)
    x = 5 + 3 * torch.randn(4, 2, 3, 4, 4)
    with static_norm(nn.Sequential(bn), 'batch'):
        torch.testing.assert_close(bn(x).mean((0, 2, 3, 4)), torch.zeros(2), atol=1e-5, rtol=0)
    with static_norm(nn.Sequential(bn), 'running'):  # fresh statistics: mean 0, variance 1
        torch.testing.assert_close(bn(x), x, rtol=1e-4, atol=1e-4)
    assert bn.num_batches_tracked == 0
    cumulative = nn.Sequential(nn.BatchNorm3d(2, momentum=None))
    with pytest.raises(ValueError, match="0 has momentum=None: use static.norm='batch'"):
        with clip_statistics(cumulative, True):
            pass


@pytest.mark.parametrize('mode', ['batch', 'running', 'update', 'clip'])
def test_flags_are_restored_even_after_an_error(mode):
    norms = nn.BatchNorm3d(2), nn.SyncBatchNorm(2), nn.BatchNorm1d(2)
    model = nn.Sequential(*norms, nn.BatchNorm2d(2, track_running_stats=False)).train()
    model[2].eval()
    before = [(m.training, m.track_running_stats) for m in model]
    with pytest.raises(KeyError), static_norm(model, mode):
        with static_norm(model, mode):  # as during recomputation
            pass
        raise KeyError
    assert [(m.training, m.track_running_stats) for m in model] == before


@pytest.mark.parametrize('norm', ['batch', 'running', 'update', 'clip'])
def test_frozen_batch_norm_stays_frozen(norm):
    model = bn_model(dict(norm=norm), norm_eval=True)
    model.train()
    before = buffers(model)
    reference = copy.deepcopy(model)
    _, losses = toys.total_loss(model, toys.batch([0, 1], [0, 1]))
    for name, value in buffers(model).items():
        assert torch.equal(value, before[name]), name
    # With frozen statistics all modes are one and the same.
    reference.static.norm = 'running'
    _, expected = toys.total_loss(reference, toys.batch([0, 1], [0, 1]))
    assert torch.equal(losses['static_ce'], expected['static_ce'])


def test_clip_mode_normalises_with_the_statistics_of_the_moving_clips():
    torch.manual_seed(0)
    bn = nn.BatchNorm3d(2)
    model = nn.Sequential(bn)
    clips, static = 5 + 3 * torch.randn(4, 2, 3, 4, 4), torch.randn(4, 2, 3, 4, 4)
    with clip_statistics(model, True) as statistics:
        model(clips)
    running = buffers(model)
    with static_norm(model, 'clip', statistics):
        out = model(static)
    mean = clips.mean((0, 2, 3, 4), keepdim=True)
    std = clips.var((0, 2, 3, 4), correction=0, keepdim=True).add(bn.eps).sqrt()
    torch.testing.assert_close(out, (static - mean) / std, rtol=1e-4, atol=1e-5)
    for name, value in buffers(model).items():
        assert torch.equal(value, running[name]), name
    assert bn.num_batches_tracked == 1


def test_clip_mode_gives_a_static_clip_the_logits_of_the_same_moving_clip():
    """If every clip happens to stand still, the two passes are one: the terms must agree."""
    model = bn_model(dict(norm='clip', losses=[dict(type='StaticAdversarialLoss')]))
    data = toys.batch([0, 1], [0, 1])
    data['inputs'] = [x[:, :, :1].expand_as(x).contiguous() for x in data['inputs']]
    _, losses = toys.total_loss(model, data)
    # Statistics are read off running ones in float32, at a tenth of their weight.
    torch.testing.assert_close(losses['static_ce'], losses['loss_cls'], rtol=1e-2, atol=1e-2)
