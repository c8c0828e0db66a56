"""Suppression by the published numbers, by its definition, and its invariants."""

import math

import pytest
import torch

from downstream.tal.suppression import nms, segment_iou, soft_nms, vote

SEGMENTS = torch.tensor([[0., 10], [1, 11], [20, 30], [0, 20]])
SCORES = torch.tensor([.9, .8, .7, .6])


def rows(found):
    return [[*segment, round(score, 6)] for segment, score in zip(
        found[0].tolist(), found[1].tolist(), strict=True)]  # fmt: skip


def by_definition(segments, scores, sigma, min_score):
    """One class, one after another, in plain numbers."""
    left = [(list(map(float, s)), float(v)) for s, v in zip(segments, scores, strict=True)]
    out = []
    while left:
        best = max(range(len(left)), key=lambda i: left[i][1])
        (begin, end), value = left.pop(best)
        out.append([begin, end, value])
        rest = []
        for (b, e), v in left:
            overlap = max(0, min(e, end) - max(b, begin))
            iou = overlap / ((end - begin + 1e-6) + (e - b + 1e-6) - overlap)
            v *= math.exp(-iou * iou / sigma)
            if v >= min_score:
                rest.append(([b, e], v))
        left = rest
    return out


def test_soft_by_the_published_numbers():
    found = rows(soft_nms(SEGMENTS, SCORES))
    assert [row[:2] for row in found] == [[0, 10], [20, 30], [0, 20], [1, 11]]
    assert [row[2] for row in found] == pytest.approx([.9, .7, .3639185, .1272011], abs=1e-6)
    assert len(soft_nms(SEGMENTS, SCORES, min_score=.2)[0]) == 3
    found = soft_nms(SEGMENTS, SCORES, torch.tensor([0, 1, 0, 1]))
    assert found[2].tolist() == [0, 1, 0, 1]
    assert found[1].tolist() == pytest.approx([.9, .8, .7, .3639185], abs=1e-6)
    assert len(soft_nms(SEGMENTS, SCORES, torch.tensor([0, 1, 0, 1]), max_segments=2)[0]) == 2
    first = soft_nms(torch.tensor([[0., 1], [5, 6]]), torch.tensor([.0005, .0004]))
    assert rows(first) == [[0, 1, .0005]]  # the first stays although it is below min_score


def test_hard_and_voting_by_the_published_numbers():
    kept = nms(SEGMENTS, SCORES)
    assert kept.tolist() == [0, 2, 3]  # the IoU of the last with the first is just below a half
    found = soft_nms(SEGMENTS, SCORES)
    moved = vote(found[0], SEGMENTS, SCORES)
    wanted = [[.470588, 10.470588], [20, 30], [0, 20], [.470588, 10.470588]]
    assert torch.allclose(moved, torch.tensor(wanted), atol=1e-5)
    assert not torch.allclose(vote(found[0], SEGMENTS, SCORES, by_overlap=True), moved)


@pytest.mark.parametrize('classes', [1, 4])
@pytest.mark.parametrize('seed', range(3))
def test_soft_by_its_definition(classes, seed):
    generator = torch.Generator().manual_seed(seed)
    begin = torch.rand(120, generator=generator, dtype=torch.float64) * 50
    segments = torch.stack([begin, begin + torch.rand(120, generator=generator) * 20], 1)
    scores = torch.rand(120, generator=generator, dtype=torch.float64)
    labels = torch.randint(classes, (120,), generator=generator) * 3
    found = soft_nms(segments, scores, labels, min_score=.05)
    for label in labels.unique():
        of_class = labels == label
        wanted = by_definition(segments[of_class], scores[of_class], .5, .05)
        mine = found[2] == label
        assert found[0][mine].tolist() == [row[:2] for row in wanted]
        assert found[1][mine].tolist() == pytest.approx([row[2] for row in wanted], abs=1e-9)
    assert found[1].tolist() == sorted(found[1].tolist(), reverse=True)


def test_classes_do_not_touch_each_other():
    labels = torch.tensor([5, 2, 2, 5])
    assert nms(SEGMENTS, SCORES, labels, iou_threshold=.4).tolist() == [0, 1, 2]
    twice = torch.cat([SEGMENTS, SEGMENTS])
    both = soft_nms(twice, torch.cat([SCORES, SCORES]), torch.tensor([0] * 4 + [1] * 4))
    alone = soft_nms(SEGMENTS, SCORES)
    for label in (0, 1):
        assert torch.equal(both[0][both[2] == label], alone[0])


def test_nothing_and_what_does_not_fit():
    empty = torch.zeros(0, 2), torch.zeros(0)
    assert len(nms(*empty)) == 0 and len(soft_nms(*empty)[0]) == 0
    with pytest.raises(ValueError, match=r'segments of shape \(4, 2\) and scores of shape \(3,\)'):
        soft_nms(SEGMENTS, SCORES[:3])
    with pytest.raises(ValueError, match='one label for each'):
        nms(SEGMENTS, SCORES, torch.zeros(2))


def test_iou():
    found = segment_iou(torch.tensor([[0., 10]]), torch.tensor([[5., 15], [10, 20], [0, 10]]))
    assert found.tolist() == pytest.approx([1 / 3, 0, 1], abs=1e-6)
    assert torch.isfinite(segment_iou(torch.zeros(2), torch.zeros(2)))
