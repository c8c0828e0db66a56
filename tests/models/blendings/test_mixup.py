import pytest
import torch

from albar_mm.models.blendings import mixup

from .blend_batches import clips, labels_of, make, samples


def test_same_share_in_clip_and_label():
    """Solve for lam from the pixels of every sample; label and all samples must agree."""
    inputs = clips(6)
    data = samples(inputs, range(5, -1, -1))
    torch.manual_seed(4)
    out, _ = make('ClipMixupBlending', num_classes=6, alpha=1.0)(inputs, data)
    labels, shares = labels_of(data), []
    for b in range(6):
        own = 5 - b
        if labels[b, own] == 1:
            assert torch.equal(out[b], inputs[b])
            continue
        other = 5 - int(labels[b].clone().index_fill(0, torch.tensor(own), 0).argmax())
        difference = inputs[b] - inputs[other]
        share = ((out[b] - inputs[other]) / difference)[difference.abs() > 1]
        assert share.std() < 1e-4
        assert share.mean().item() == pytest.approx(labels[b, own].item(), abs=1e-4)
        shares.append(share.mean().item())
    assert len(shares) >= 2 and max(shares) - min(shares) < 1e-4


def test_share_follows_the_beta_distribution():
    """Beta(a, a) has mean 1/2 and variance 1 / (4 (2 a + 1))."""
    torch.manual_seed(0)
    for alpha in (0.2, 1.0):
        drawn = torch.tensor([mixup.draw_beta(alpha, alpha) for _ in range(2000)])
        assert abs(drawn.mean() - 0.5) < 0.04
        assert drawn.var().item() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.09)
