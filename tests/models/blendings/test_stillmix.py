import itertools

import numpy as np
import pytest
import torch

from albar_mm.models.blendings import stillmix

from .blend_batches import MEAN, STD, K, clips, make, samples, write_bank

NORM = dict(mean=MEAN, std=STD)


def bank_of(tmp_path, count=4, side=24, **kwargs):
    """Frames of one colour each, 10 apart; every channel has its own."""
    frames = np.zeros((count, side, side, 3), np.uint8)
    frames += (10 * np.arange(count)[:, None, None, None] + np.array([0, 60, 120])).astype(np.uint8)
    return frames, write_bank(tmp_path / 'bank.npz', frames, **kwargs)


def normalised(colour):
    return (torch.as_tensor(colour).float() - torch.tensor(MEAN)) / torch.tensor(STD)


def test_share_is_that_of_the_video(monkeypatch, tmp_path):
    monkeypatch.setattr(stillmix, 'draw_beta', lambda alpha, beta: 0.8)
    frames, path = bank_of(tmp_path, count=1)
    inputs = clips(1)  # with a bank also a lone clip is mixed, and without one not
    out, _ = make('StillMixBlending', bank=path, **NORM)(inputs, samples(inputs))
    still = normalised(frames[0, 0, 0]).view(3, 1, 1, 1)
    torch.testing.assert_close(out, 0.8 * inputs + 0.2 * still)
    assert make('StillMixBlending')(inputs, samples(inputs))[0] is inputs


def test_bank_frames_are_drawn_for_each_sample_and_view(monkeypatch, tmp_path):
    monkeypatch.setattr(stillmix, 'draw_beta', lambda alpha, beta: 1e-9)  # only the frame is left
    frames, path = bank_of(tmp_path)
    method, inputs = make('StillMixBlending', bank=path, **NORM), clips(8, views=3)
    table = torch.stack([normalised(frame[0, 0]) for frame in frames])
    torch.manual_seed(0)
    counts = torch.zeros(4)
    for _ in range(20):
        out, _ = method(inputs, samples(inputs))
        assert (out.amax((3, 4, 5)) - out.amin((3, 4, 5))).max() < 1e-5  # one frame at all times
        colour = out.amax((3, 4, 5)).view(-1, 1, 3)
        distance, index = (colour - table).abs().amax(-1).min(1)
        assert distance.max() < 1e-5
        counts += torch.bincount(index, minlength=4)
        assert len(index.view(8, 3)[:, 0].unique()) > 1
    assert (counts / counts.sum() - 0.25).abs().max() < 0.09  # 480 draws


def test_bank_is_resized_once_to_the_clips(monkeypatch, tmp_path):
    ramp = np.broadcast_to(np.linspace(0, 240, 48)[:, None, None], (48, 96, 3)).astype(np.uint8)
    path = write_bank(tmp_path / 'bank.npz', ramp[None])
    method, inputs = make('StillMixBlending', bank=path, **NORM), clips(2)
    calls, resize = [], stillmix._resized
    monkeypatch.setattr(stillmix, '_resized', lambda *a: calls.append(a[1:]) or resize(*a))
    monkeypatch.setattr(stillmix, 'draw_beta', lambda alpha, beta: 1e-9)
    for _ in range(3):
        out, _ = method(inputs, samples(inputs))
    assert calls == [(24, 24)]
    still = out[0, 0, :, 0] * torch.tensor(STD).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1)
    pairs = torch.from_numpy(ramp[:, 0, 0].astype(np.float32)).view(24, 2).mean(1)
    # twice smaller: about the mean of two lines, away from the border
    assert (still[0, 1:-1, 5] - pairs[1:-1]).abs().max() < 1.0
    torch.testing.assert_close(still, still.round(), atol=1e-3, rtol=0)


def test_random_variant_never_takes_a_frame_of_the_sample_itself():
    """Frame t of view n of sample b holds 100 b + 10 n + t."""
    batch, views, frames = 5, 2, 4
    of_sample, of_view = 100 * torch.arange(batch), 10 * torch.arange(views)
    number = of_sample.view(-1, 1, 1) + of_view.view(-1, 1) + torch.arange(frames).double()
    inputs = number.view(batch, views, 1, frames, 1, 1).expand(-1, -1, 3, -1, 2, 2)
    method, seen = make('StillMixBlending', alpha=20.0, beta=60.0), set()
    torch.manual_seed(0)
    for _ in range(200):
        out, _ = method(inputs, samples(inputs))
        step = out.diff(dim=3)
        lam = step.flatten()[0]
        torch.testing.assert_close(step, torch.full_like(step, lam.item()))  # drawn once
        still = (out - lam * inputs) / (1 - lam)
        torch.testing.assert_close(still, still[..., :1, :1, :1].expand_as(still))
        for b, n in itertools.product(range(batch), range(views)):
            found = round(still[b, n, 0, 0, 0, 0].item())
            assert found // 100 != b
            seen.add((b, found))
    assert len(seen) == batch * (batch - 1) * views * frames  # every other frame comes up


@pytest.mark.parametrize('alpha, beta', [(200.0, 200.0), (20.0, 60.0)])
def test_share_follows_beta(alpha, beta):
    torch.manual_seed(0)
    inputs = torch.zeros(2, 1, 3, 2, 1, 1)
    inputs[:, :, :, 1] = 1
    method = make('StillMixBlending', alpha=alpha, beta=beta)
    shares = torch.stack(
        [method(inputs, samples(inputs))[0][0, 0, 0].diff(dim=0).flatten()[0] for _ in range(400)]
    )
    mean, total = alpha / (alpha + beta), alpha + beta
    deviation = (mean * (1 - mean) / (total + 1)) ** 0.5
    assert shares.mean().item() == pytest.approx(mean, abs=5 * deviation / 20)
    assert shares.std().item() == pytest.approx(deviation, rel=0.15)


def test_banks_that_cannot_be_used(tmp_path):
    _, path = bank_of(tmp_path, num_classes=7)
    told = rf'bank\.npz was scored by a network of 7 classes, .*\.num_classes is {K}'
    with pytest.raises(ValueError, match=told):
        make('StillMixBlending', bank=path, **NORM)
    with pytest.raises(ValueError, match='needs mean and std'):
        make('StillMixBlending', bank=path)
    with pytest.raises(ValueError, match='none.npz'):
        make('StillMixBlending', bank=str(tmp_path / 'none.npz'), **NORM)
