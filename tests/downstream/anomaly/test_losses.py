"""Terms of the losses by worked numbers of the published code."""

import pytest
import torch

from downstream.anomaly import losses
from downstream.anomaly.models import MGFNHead, MILRankingHead, RTFMHead, RTFMNetwork


def test_selection():
    """Two normal and two anomalous videos of four snippets, the three of largest magnitude."""
    magnitudes = torch.tensor([[1, 2, 3, 4], [4, 3, 2, 1], [5, 1, 5.5, 2], [1, 6, 9, 8]])
    scores = torch.tensor(
        [[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8], [0.9, 0.1, 0.7, 0.5], [0.2, 0.4, 0.6, 0.8]]
    )
    chosen = scores.gather(1, losses.top_snippets(magnitudes)).mean(1)
    assert chosen.tolist() == pytest.approx([0.3, 0.6, 0.7, 0.6])
    assert losses.top_snippets(magnitudes, k=9).shape == (4, 4)
    torch.manual_seed(0)
    magnitudes = torch.arange(1.0, 33).repeat(2000, 1)
    first = losses.top_snippets(magnitudes, 1, dropout=0.7).flatten()
    # the last snippet is the largest wherever it is not left out by chance
    assert (first == 31).float().mean() == pytest.approx(0.3, abs=0.03)
    values, index = torch.arange(2 * 3 * 4 * 5.0).view(2, 3, 4, 5), torch.tensor([[3, 0], [1, 2]])
    found = losses.gather_snippets(values, index)  # the same of every crop
    assert all(torch.equal(found[i], values[i][:, index[i]]) for i in range(2))


def triples(*sums):
    """Features whose L1 magnitudes are these."""
    return torch.tensor(sums)[None, :, None]


def test_terms_by_worked_numbers():
    one, other = triples(800.0, 810, 790), triples(820.0, 810, 800)
    assert losses.magnitude_distance(one, other).item() == pytest.approx(22.36068, abs=1e-4)
    assert losses.contrast_apart(other, one).item() == pytest.approx(31555.73, rel=1e-6)
    assert losses.contrast_together(one, other).item() == pytest.approx(499.9999, abs=1e-3)
    assert losses.contrast_apart(one, triples(1100.0, 810, 790)).item() == 0
    normal, anomalous = torch.tensor([[[3.0, 4]]]), torch.tensor([[[60.0, 80], [0, 0]]])
    assert losses.magnitude_margin(normal, anomalous).item() == pytest.approx((50 + 5) ** 2)
    assert losses.magnitude_margin(normal, 4 * anomalous).item() == pytest.approx((100 + 5) ** 2)
    feats = torch.rand(3, 2, 3, 8)
    head = MGFNHead(8, intra='videos')
    wanted = losses.magnitude_distance(feats[:2], feats[1:]).square().mean()
    assert head._contrast(feats, feats)['normal'].item() == pytest.approx(wanted.item(), rel=1e-3)
    normal, anomalous = torch.tensor([0.1, 0.2, 0.4]), torch.tensor([0.9, 0.9, 0.5])
    both = torch.stack([normal, anomalous])
    assert 8e-3 * losses.sparsity(normal) == pytest.approx(0.003666061, abs=1e-8)
    assert 8e-3 * losses.sparsity(anomalous) == pytest.approx(0.01093984, abs=1e-8)
    assert 8e-4 * losses.smoothness(both) == pytest.approx(1.68e-4, abs=1e-9)
    assert 8e-4 * losses.smoothness(anomalous) == pytest.approx(1.28e-4, abs=1e-9)
    assert 8e-4 * losses.smoothness(both.flatten()) == pytest.approx(3.68e-4, abs=1e-9)


def test_mil_ranking_head_by_hand():
    torch.manual_seed(0)
    head = MILRankingHead(4).train(False)
    feats = torch.randn(3, 2, 5, 4)
    scores = head(feats)
    assert scores.shape == (3, 5) and ((scores > 0) & (scores < 1)).all()
    found = head.loss(feats, torch.tensor([0, 1, 0]))
    high = scores.amax(1)
    wanted = dict(ranking=(1 - high[1] + high[[0, 2]]).mean(), sparsity=8e-5 * scores[1].sum())
    wanted['smoothness'] = 8e-5 * (scores[1].diff() ** 2).sum()
    found = {name: each.item() for name, each in found.items()}
    assert found == {
        f'loss_{name}': pytest.approx(v.item(), rel=1e-5) for name, v in wanted.items()
    }
    assert head.loss(feats, torch.tensor([0, 0, 0]))['loss_ranking'] == 0


def test_rtfm_head_by_hand():
    torch.manual_seed(0)
    head = RTFMHead(4, (8, 6)).train(False)
    feats = torch.randn(2, 3, 7, 4)
    found = head.loss(feats, torch.tensor([1, 0]))
    index = feats.norm(dim=3).mean(1).topk(3).indices
    scores = head(feats)
    video = torch.stack([scores[i, index[i]].mean() for i in range(2)])
    means = [feats[i][:, index[i]].mean(1).norm(dim=1) for i in range(2)]
    wanted = dict(
        bce=-(video[0].log() + (1 - video[1]).log()) / 2,
        magnitude=1e-4 * ((100 - means[0]).abs() + means[1]).square().mean(),
        sparsity=8e-3 * scores[0].norm(),
        smoothness=8e-4 * (scores[0].diff() ** 2).sum(),
    )
    found = {name: each.item() for name, each in found.items()}
    assert found == {
        f'loss_{name}': pytest.approx(v.item(), rel=1e-5) for name, v in wanted.items()
    }


def test_rtfm_network():
    torch.manual_seed(0)
    network, x = RTFMNetwork(16).train(False), torch.randn(2, 9, 16)
    assert network(x).shape == x.shape
    # its attention, written out
    block, y = network.attention, torch.randn(2, 4, 9)
    torch.nn.init.ones_(block.out[1].weight)
    weight = block.theta(y).transpose(1, 2) @ block.phi(y) / 9
    mixed = block.value(y) @ weight.transpose(1, 2)
    assert torch.allclose(block(y), y + block.out(mixed), atol=1e-6)
