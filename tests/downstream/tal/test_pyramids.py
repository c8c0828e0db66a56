"""The pyramids of TriDet and ActionFormer, and their heads: levels, masks, what they refuse."""

import pytest
import torch
from mmaction.registry import MODELS

from downstream.tal import models
from downstream.tal.pyramid import SGPBlock, wide_kernel
from downstream.tal.transformer import TransformerBlock, local_attention


def by_definition(query, key, value, mask, window):
    """Local attention is full attention within a band."""
    at = torch.arange(query.shape[1])
    band = (at[:, None] - at).abs() <= window // 2
    scores = torch.einsum('bqhd,bkhd->bhqk', query, key) / query.shape[3] ** 0.5
    # finite, as a query that sees nothing would give NaN to all gradients
    scores = scores.masked_fill(~(band & mask[:, None, None]), -1e4)
    return torch.einsum('bhqk,bkhd->bqhd', scores.softmax(3), value)


def given(length):
    torch.manual_seed(length)
    shape = dict(size=(3, length, 2, 4), dtype=torch.float64, requires_grad=True)
    # the last video has a gap as well
    mask = torch.arange(length) < torch.tensor([[length], [length // 2 + 1], [length]])
    mask[2, length // 3 : length // 3 + 2] = False
    return *(torch.randn(**shape) for _ in range(3)), mask


@pytest.mark.parametrize('window', [1, 9, 99])
@pytest.mark.parametrize('length, block', [(1, 32), (5, 2), (37, 8), (64, 32), (40, 64)])
def test_local_attention_and_its_gradients(window, length, block):
    *parts, mask = given(length)
    kept = mask if length > 1 else torch.ones_like(mask)
    found = local_attention(*parts, kept, window, block)
    wanted = by_definition(*parts, kept, window)
    assert found.shape == wanted.shape and found.isfinite().all()
    assert torch.allclose(found[kept], wanted[kept], atol=1e-12)
    weight = torch.randn_like(found[kept])
    ours, theirs = (
        torch.autograd.grad((out[kept] * weight).sum(), parts) for out in (found, wanted)
    )
    assert all(torch.allclose(*each, atol=1e-12) for each in zip(ours, theirs, strict=True))
    out = local_attention(*parts, torch.zeros_like(mask), window, block)  # a video of nothing
    assert out.isfinite().all()
    assert all(each.isfinite().all() for each in torch.autograd.grad(out.sum(), parts))
    with pytest.raises(ValueError, match=f'window {window - 1}: expected an odd number'):
        local_attention(*parts, mask, window - 1)


@pytest.mark.parametrize('window, divisor', [(19, 576), (1, 32), (-1, 32)])
def test_divisor(window, divisor):
    pyramid = models.TransformerPyramid(8, 2, 16, window)
    assert pyramid.divisor == divisor
    message = f'{divisor - 1} snippets; expected a multiple of {divisor}'
    with pytest.raises(ValueError, match=message):
        pyramid(torch.zeros(1, 8, divisor - 1), torch.ones(1, divisor - 1, dtype=torch.bool))
    with pytest.raises(ValueError, match='8 channels for 3 heads'):
        models.TransformerPyramid(8, heads=3)
    with pytest.raises(ValueError, match='window 18: expected an odd number'):
        models.TransformerPyramid(16, window=18)


@pytest.mark.parametrize('window', [5, 1])
def test_levels_and_masks_of_actionformer(window):
    torch.manual_seed(0)
    sizes = dict(channels=16, heads=2, hidden=24, window=window, stem=1, branch=2)
    pyramid = MODELS.build(dict(type='TransformerPyramid', **sizes))
    mask = torch.arange(32) < torch.tensor([[32], [17]])
    levels, masks = pyramid(torch.randn(2, 16, 32), mask)
    assert [tuple(level.shape) for level in levels] == [(2, 16, 32), (2, 16, 16), (2, 16, 8)]
    assert [int(each[1].sum()) for each in masks] == [17, 9, 5]
    distances = models.DistanceHead(16, 3)(levels, masks)
    assert distances[2].shape == (2, 2, 8) and min(each.min() for each in distances) == 0
    assert not distances[0][1, :, 17:].any()


@pytest.mark.parametrize('stride', [1, 2])
def test_what_lies_far_outside_a_video_does_not_reach_it(stride):
    torch.manual_seed(0)
    block = TransformerBlock(16, 2, 24, 5, stride).train(False)
    x, mask = torch.randn(2, 16, 32), torch.arange(32) < torch.tensor([[32], [17]])
    other = x.clone()
    other[1, :, 18:] += 100  # convolutions look one snippet ahead
    found, kept = block(x, mask)
    assert torch.equal(found, block(other, mask)[0]) and not found[1, :, kept[1].sum() :].any()


def test_biases_begin_at_zero_and_dropout_and_drop_path_act_in_training():
    torch.manual_seed(0)
    block = TransformerBlock(16, 2, 24, 5, drop_path=0.5)
    assert not block.attention.query.linear.bias.any() and not block.ffn[0].bias.any()
    x, mask = torch.randn(64, 16, 8), torch.ones(64, 8, dtype=torch.bool)
    dropped = (block(x, mask)[0] == x).flatten(1).all(1).float().mean()
    assert 0.1 < dropped < 0.4  # a quarter leave out both branches
    rough = TransformerBlock(16, 2, 24, 5, dropout=0.5)
    assert not torch.equal(rough(x, mask)[0], rough(x, mask)[0])
    rough.train(False)
    assert torch.equal(rough(x, mask)[0], rough(x, mask)[0])


def test_zero_layers_untrained_and_detached_heads():
    torch.manual_seed(0)
    whole, fast = (SGPBlock(16, 24, skip_zeros=skip) for skip in (False, True))
    fast.load_state_dict(whole.state_dict())
    x, mask = torch.randn(2, 16, 8), torch.ones(2, 8, dtype=torch.bool)
    assert torch.equal(whole(x, mask)[0], fast(x, mask)[0])
    whole(x, mask)[0].square().sum().backward()
    for layer in (whole.gate, whole.fc, whole.narrow, whole.wide, whole.whole):
        assert not layer.weight.grad.any() and not layer.bias.grad.any()
    fast.gate.weight.data.fill_(1)
    fast.wide.weight.data.fill_(1)
    assert not torch.equal(whole(x, mask)[0], fast(x, mask)[0])
    levels = [torch.randn(1, 16, 8, requires_grad=True)]
    masks = [torch.ones(1, 8, dtype=torch.bool)]
    head = models.BoundaryHead(16, 3, detach=True)
    head.out.weight.data.zero_()
    assert torch.allclose(head(levels, masks)[0].sigmoid(), torch.tensor(0.01), atol=1e-6)
    sum(logits.sum() for logits in head(levels, masks)).backward()
    assert levels[0].grad is None and head.stack.convs[0].weight.grad is not None


def test_levels_and_masks():
    assert [wide_kernel(*each) for each in ((1, 5), (1, 1.5), (3, 1.5), (5, 1.5))] == [11, 3, 7, 9]
    torch.manual_seed(0)
    pyramid = models.SGPPyramid(16, 24, windows=(1, 1), factor=1.5)
    mask = torch.arange(16) < torch.tensor([[16], [9]])
    levels, masks = pyramid(models.ConvProjection(6, 16)(torch.randn(2, 6, 16), mask), mask)
    assert [tuple(level.shape) for level in levels] == [(2, 16, 16), (2, 16, 8), (2, 16, 4)]
    assert [int(each[1].sum()) for each in masks] == [9, 5, 3]
    offsets = models.OffsetHead(16, 3, bins=4)(levels, masks)
    logits = models.BoundaryHead(16, 5)(levels, masks)
    assert offsets[1].shape == (2, 10, 8) and logits[2].shape == (2, 5, 4)
    assert not logits[0][1, :, 9:].any() and offsets[0].min() == 0
    with pytest.raises(ValueError, match='15 snippets; expected a multiple of 4'):
        pyramid(torch.randn(1, 16, 15), mask[:1, :15])
