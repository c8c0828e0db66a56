import pytest
import torch

from .blend_batches import clips, make, samples


def test_differences_of_frames_shrink_by_one_factor_and_one_frame_stays():
    inputs = clips(6, views=2, frames=5)
    torch.manual_seed(3)
    out, _ = make('BEBlending')(inputs, samples(inputs))
    factors, frames = [], []
    for before, after in zip(inputs.flatten(0, 1), out.flatten(0, 1), strict=True):
        step, new_step = before.diff(dim=1), after.diff(dim=1)
        factors.append((new_step * step).sum() / step.square().sum())
        torch.testing.assert_close(new_step, factors[-1] * step, atol=1e-5, rtol=1e-4)
        kept = [t for t in range(5) if torch.allclose(after[:, t], before[:, t], atol=1e-6)]
        assert len(kept) == 1
        frames += kept
    factors = torch.stack(factors)
    assert 0.7 <= factors.min() < 1 and factors.max() - factors.min() < 1e-5  # drawn once
    assert len(set(frames)) > 1  # drawn for each sample and view


@pytest.mark.parametrize('scale', [0.3, 1.0])
def test_weight_is_uniform_up_to_scale(scale):
    torch.manual_seed(0)
    inputs = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2, 1, 1).expand(1, 1, 3, 2, 1, 1)
    method = make('BEBlending', scale=scale)
    weights = []
    for _ in range(500):
        first, second = method(inputs, samples(inputs))[0][0, 0, 0, :, 0, 0].tolist()
        weights.append(first if second == 1 else 1 - second)
    weights = torch.tensor(weights)
    assert 0 <= weights.min() and 0.97 * scale < weights.max() <= scale
    assert weights.mean().item() == pytest.approx(scale / 2, abs=0.05 * scale)
