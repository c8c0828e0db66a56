"""Gradients by hand."""

import pytest
import torch

from albar_mm.models.utils.gradient_reversal import reverse_gradient, scale_gradient


def test_spec_number():
    x = torch.tensor([2.0], requires_grad=True)
    y = 3 * reverse_gradient(x, 0.5)
    assert y.item() == 6
    y.backward()
    assert x.grad.item() == -1.5
    before, behind = (torch.tensor([v], requires_grad=True) for v in (2.0, 5.0))
    (behind * reverse_gradient(before, 0.1)).backward()  # what stands behind it is not reversed
    assert behind.grad.item() == 2 and before.grad.item() == pytest.approx(-0.5)


@pytest.mark.parametrize('factor', [-2.0, 0.0, 0.25, 1.0])
def test_scaled_gradient_of_a_matrix(factor):
    x = torch.arange(6.0).view(2, 3).requires_grad_()
    scale_gradient(x, factor).square().sum().backward()
    torch.testing.assert_close(x.grad, factor * 2 * x.detach())


def test_negative_alpha():
    with pytest.raises(ValueError, match='alpha of a gradient reversal must be >= 0, got -1'):
        reverse_gradient(torch.ones(1), -1)
