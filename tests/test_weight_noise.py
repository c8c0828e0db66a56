"""The noise that shows which results hang on rounding."""

import pytest
import torch
from mmengine.runner import Runner

from .weight_noise import weight_noise


class Trained:
    """What of a runner begins a training."""

    def __init__(self):
        torch.manual_seed(0)
        self.model = torch.nn.Linear(50, 50)

    def begin(self):
        Runner._init_model_weights(self)
        return self.model.weight.detach().clone()


@pytest.fixture
def initial(monkeypatch):
    monkeypatch.setattr(Runner, '_init_model_weights', lambda self: None)
    return Trained().begin()


def test_noise_is_small_and_repeatable(initial):
    with weight_noise(3):
        found, again = Trained().begin(), Trained().begin()
    relative = (found / initial - 1).abs()
    assert 1e-7 < relative.mean() < 2e-6 and relative.max() < 1e-5
    assert torch.equal(found, again)
    with weight_noise(4):
        assert not torch.equal(Trained().begin(), found)


def test_no_noise_without_a_draw_or_afterwards(initial):
    with weight_noise(0):
        assert torch.equal(Trained().begin(), initial)
    with weight_noise(3):
        pass
    assert torch.equal(Trained().begin(), initial)
