"""Targets, trident decoding and losses by the published numbers."""

import pytest
import torch

from downstream.tal import losses
from downstream.tal.heads import trident_distances


def test_targets():
    points = losses.Points.of_levels([16, 8, 4, 2, 1], losses.RANGES[:5])
    segments = torch.tensor([[2.0, 6], [2, 6], [1, 13]])
    classes, distances = losses.assign_targets(points, segments, torch.tensor([4, 7, 1]), 8)
    found = {}
    for i in classes.any(1).nonzero().flatten().tolist():
        place = (int(points.strides[i]), int(points.positions[i]))
        found[place] = (classes[i].nonzero().flatten().tolist(), distances[i].tolist())
    assert found == {
        (1, 3): ([4, 7], [1, 3]),
        (1, 4): ([4, 7], [2, 2]),
        (1, 5): ([4, 7], [3, 1]),
        (2, 6): ([1], [2.5, 3.5]),
        (2, 8): ([1], [3.5, 2.5]),
        (4, 4): ([1], [0.75, 2.25]),
        (4, 12): ([1], [2.75, 0.25]),
    }
    assert classes.max() == 1 and not distances[~classes.any(1)].any()
    classes, distances = losses.assign_targets(points, segments[:0], torch.zeros(0).long(), 8)
    assert classes.shape == (31, 8) and not classes.any() and not distances.any()
    with pytest.raises(ValueError, match='2 levels and 6 ranges'):
        losses.Points.of_levels([4, 2])


def test_trident():
    single, point = torch.tensor([[[0.0, 1, 2, 3]]]), torch.arange(4)
    centre = torch.zeros(1, 6, 4)
    centre[0, :, 3] = torch.tensor([0.0, 0, 1, 2, 0, 0])
    found = trident_distances(single, single.flip(2), centre, 0 * point, point, 0 * point)
    wanted = [[1, 0.4247896], [0.6358247, 0.4247896], [0.4247896, 0.6358247]]
    assert torch.allclose(found, torch.tensor([*wanted, [0.1982153, 0.3195209]]), atol=1e-6)
    with pytest.raises(ValueError, match='expected .B, K, T. twice'):
        trident_distances(single, single[..., :2], centre, 0 * point, point, 0 * point)


def test_losses_and_their_normaliser():
    logits, targets = torch.tensor([0.0, -4.59512, 2.0]), torch.tensor([1.0, 0.0, 1.0])
    found = [losses.sigmoid_focal_loss(*each).item() for each in zip(logits, targets, strict=True)]
    assert found == pytest.approx([0.0433217, 7.5377e-7, 4.50891e-4], rel=1e-4)
    predicted = torch.tensor([[2.0, 3], [1, 1], [0, 0], [4, 0]])
    wanted = torch.tensor([[2.0, 3], [2, 2], [1, 1], [0, 4]])
    assert (1 - losses.offset_iou(predicted, wanted)).tolist() == pytest.approx([0, 0.5, 1, 1])
    assert losses.distance_iou_loss(predicted, wanted).tolist() == pytest.approx([0, 0.5, 1, 1.25])
    nothing = torch.zeros(1, 2, requires_grad=True)
    losses.distance_iou_loss(nothing, torch.zeros(1, 2)).sum().backward()
    assert torch.isfinite(nothing.grad).all()
    normaliser = losses.LossNormaliser()
    assert [normaliser(n).item() for n in (40, 0, 12)] == pytest.approx([94, 84.7, 77.43])
    again = losses.LossNormaliser()
    again.load_state_dict(normaliser.state_dict())
    assert again.train(False)(5).item() == pytest.approx(77.43)
