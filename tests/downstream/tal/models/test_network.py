"""The pyramid and heads of TriDet: the block by its definition, masks."""

import pytest
import torch

from downstream.tal.models import BoundaryHead, ConvProjection, OffsetHead, SGPPyramid
from downstream.tal.models.pyramid import SGPBlock, wide_kernel


def test_zero_layers_stay_dead_and_leaving_them_out_changes_nothing():
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


def test_levels_and_masks():
    assert [wide_kernel(*each) for each in ((1, 5), (1, 1.5), (3, 1.5), (5, 1.5))] == [11, 3, 7, 9]
    torch.manual_seed(0)
    pyramid = SGPPyramid(16, 24, windows=(1, 1), factor=1.5)
    mask = torch.arange(16) < torch.tensor([[16], [9]])
    levels, masks = pyramid(ConvProjection(6, 16)(torch.randn(2, 6, 16), mask), mask)
    assert [tuple(level.shape) for level in levels] == [(2, 16, 16), (2, 16, 8), (2, 16, 4)]
    assert [int(each[1].sum()) for each in masks] == [9, 5, 3]
    offsets = OffsetHead(16, 3, bins=4)(levels, masks)
    logits = BoundaryHead(16, 5)(levels, masks)
    assert offsets[1].shape == (2, 10, 8) and logits[2].shape == (2, 5, 4)
    assert not logits[0][1, :, 9:].any() and offsets[0].min() == 0
    with pytest.raises(ValueError, match='15 snippets; expected a multiple of 4'):
        pyramid(torch.randn(1, 16, 15), mask[:1, :15])


def test_an_untrained_head_gives_its_prior_and_a_detached_one_no_gradient():
    levels = [torch.randn(1, 16, 8, requires_grad=True)]
    masks = [torch.ones(1, 8, dtype=torch.bool)]
    head = BoundaryHead(16, 3, detach=True)
    head.out.weight.data.zero_()
    assert torch.allclose(head(levels, masks)[0].sigmoid(), torch.tensor(0.01), atol=1e-6)
    sum(logits.sum() for logits in head(levels, masks)).backward()
    assert levels[0].grad is None and head.stack.convs[0].weight.grad is not None
