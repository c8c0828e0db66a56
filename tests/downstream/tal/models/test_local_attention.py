"""Local attention is full attention within a band."""

import pytest
import torch

from downstream.tal.models.transformer import local_attention


def by_definition(query, key, value, mask, window):
    at = torch.arange(query.shape[1])
    band = (at[:, None] - at).abs() <= window // 2
    scores = torch.einsum('bqhd,bkhd->bhqk', query, key) / query.shape[3] ** 0.5
    # finite, as a query that sees nothing would give NaN to all gradients
    scores = scores.masked_fill(~(band & mask[:, None, None]), -1e4)
    return torch.einsum('bhqk,bkhd->bqhd', scores.softmax(3), value)


def given(length, dtype=torch.float64):
    torch.manual_seed(length)
    query, key, value = (
        torch.randn(3, length, 2, 4, dtype=dtype, requires_grad=True) for _ in range(3)
    )
    # the last video has a gap as well
    mask = torch.arange(length) < torch.tensor([[length], [length // 2 + 1], [length]])
    mask[2, length // 3 : length // 3 + 2] = False
    return query, key, value, mask


@pytest.mark.parametrize('window', [1, 3, 9, 19, 99])
@pytest.mark.parametrize('length, block', [(1, 32), (5, 2), (37, 8), (64, 32), (70, 32), (40, 64)])
def test_numbers_and_gradients(window, length, block):
    *given_now, mask = given(length)
    kept = mask if length > 1 else torch.ones_like(mask)
    found = local_attention(*given_now, kept, window, block)
    wanted = by_definition(*given_now, kept, window)
    assert found.shape == wanted.shape and found.isfinite().all()
    assert torch.allclose(found[kept], wanted[kept], atol=1e-12)
    weight = torch.randn_like(found[kept])
    gradients = [
        torch.autograd.grad((out[kept] * weight).sum(), given_now) for out in (found, wanted)
    ]
    for ours, theirs in zip(*gradients, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-12)


def test_a_video_of_nothing_gives_finite_numbers():
    *given_now, mask = given(20)
    out = local_attention(*given_now, torch.zeros_like(mask), 5)
    out.sum().backward()
    assert out.isfinite().all() and given_now[0].grad.isfinite().all()


@pytest.mark.parametrize('window', [0, -1, 18])
def test_windows_without_a_centre_are_refused(window):
    *given_now, mask = given(20)
    with pytest.raises(ValueError, match=f'window {window}: expected an odd number'):
        local_attention(*given_now, mask, window)
