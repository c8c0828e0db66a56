"""Suppression by the published numbers, by its definition, and its invariants."""

import math
import sys
from unittest.mock import Mock

import pytest
import torch

from downstream.tal import functional, scores
from downstream.tal.functional import nms, segment_iou, soft_nms, soft_nms_batch, vote

SEGMENTS = torch.tensor([[0.0, 10], [1, 11], [20, 30], [0, 20]])
SCORES = torch.tensor([0.9, 0.8, 0.7, 0.6])


@pytest.fixture(params=['numba', 'torch'])
def kernel(request):
    if request.param == 'numba':
        pytest.importorskip('numba', reason='pip install "albar_mm[fast]"')
    return request.param


def rows(found):
    rows = zip(found[0].tolist(), found[1].tolist(), strict=True)
    return [[*segment, round(score, 6)] for segment, score in rows]


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


def test_soft_by_the_published_numbers(kernel):
    two = torch.tensor([0, 1, 0, 1])
    found = rows(soft_nms(SEGMENTS, SCORES, kernel=kernel))
    assert [row[:2] for row in found] == [[0, 10], [20, 30], [0, 20], [1, 11]]
    assert [row[2] for row in found] == pytest.approx([0.9, 0.7, 0.3639185, 0.1272011], abs=1e-6)
    assert len(soft_nms(SEGMENTS, SCORES, min_score=0.2, kernel=kernel)[0]) == 3
    found = soft_nms(SEGMENTS, SCORES, two, kernel=kernel)
    assert found[2].tolist() == [0, 1, 0, 1]
    assert found[1].tolist() == pytest.approx([0.9, 0.8, 0.7, 0.3639185], abs=1e-6)
    assert len(soft_nms(SEGMENTS, SCORES, two, max_segments=2, kernel=kernel)[0]) == 2
    low = torch.tensor([0.0005, 0.0004])
    first = soft_nms(torch.tensor([[0.0, 1], [5, 6]]), low, kernel=kernel)
    assert rows(first) == [[0, 1, 0.0005]]  # the first stays although it is below min_score


def test_hard_and_voting_by_the_published_numbers(kernel):
    kept = nms(SEGMENTS, SCORES, kernel=kernel)
    assert kept.tolist() == [0, 2, 3]  # the IoU of the last with the first is just below a half
    labels = torch.tensor([5, 2, 2, 5])
    assert nms(SEGMENTS, SCORES, labels, 0.4, kernel=kernel).tolist() == [0, 1, 2]
    found = soft_nms(SEGMENTS, SCORES)
    moved = vote(found[0], SEGMENTS, SCORES)
    wanted = [[0.470588, 10.470588], [20, 30], [0, 20], [0.470588, 10.470588]]
    assert torch.allclose(moved, torch.tensor(wanted), atol=1e-5)
    assert not torch.allclose(vote(found[0], SEGMENTS, SCORES, by_overlap=True), moved)
    segments = torch.tensor([[4.0, 5], [0, 1], [8, 9], [2, 3]])
    found = soft_nms(segments, torch.full((4,), 0.5), torch.tensor([1, 0, 0, 1]), kernel=kernel)
    assert found[0][:, 0].tolist() == [0, 8, 4, 2]
    assert nms(segments, torch.full((4,), 0.5), kernel=kernel).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize('classes', [1, 4])
def test_soft_by_its_definition(classes, kernel):
    generator = torch.Generator().manual_seed(classes)
    begin = torch.rand(120, generator=generator, dtype=torch.float64) * 50
    segments = torch.stack([begin, begin + torch.rand(120, generator=generator) * 20], 1)
    scores = torch.rand(120, generator=generator, dtype=torch.float64)
    labels = torch.randint(classes, (120,), generator=generator) * 3
    found = soft_nms(segments, scores, labels, min_score=0.05, kernel=kernel)
    for label in labels.unique():
        of_class = labels == label
        wanted = by_definition(segments[of_class], scores[of_class], 0.5, 0.05)
        mine = found[2] == label
        assert found[0][mine].tolist() == [row[:2] for row in wanted]
        assert found[1][mine].tolist() == pytest.approx([row[2] for row in wanted], abs=1e-9)
    assert found[1].tolist() == sorted(found[1].tolist(), reverse=True)


def candidates(count, classes, seed, dtype=torch.float32):
    """Short and long segments on a grid, with equal scores and some segments twice."""
    generator = torch.Generator().manual_seed(seed)
    begin = torch.randint(400, (count,), generator=generator)
    length = 2 ** torch.randint(6, (count,), generator=generator)
    scores = torch.randint(50, (count,), generator=generator) / 50
    labels = torch.randint(classes, (count,), generator=generator)
    twice = torch.randint(max(count, 1), (count,), generator=generator)
    segments = torch.stack([begin, begin + length], 1).to(dtype)
    return segments[twice], scores[twice].to(dtype), labels[twice]


def same(one, other):
    assert torch.equal(one[0], other[0]) and torch.equal(one[2], other[2])
    assert one[1].dtype == other[1].dtype
    assert torch.allclose(one[1], other[1], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    'classes, dtype', [(1, torch.float32), (7, torch.float64), (300, torch.float32)]
)
def test_both_kernels_are_equal(classes, dtype):
    pytest.importorskip('numba', reason='pip install "albar_mm[fast]"')
    for count, seed in ((1, 0), (63, 1), (129, 2), (700, 3)):
        given = candidates(count, classes, seed, dtype)
        for options in ({}, dict(min_score=0.3), dict(max_segments=40), dict(min_score=2.0)):
            same(*(soft_nms(*given, **options, kernel=each) for each in ('numba', 'torch')))
        for options in ({}, dict(max_segments=40), dict(iou_threshold=0.1)):
            kept = (nms(*given, **options, kernel=each) for each in ('numba', 'torch'))
            assert torch.equal(*kept)
    # below the limit from the start all of a class go but the first
    assert len(soft_nms(*given, min_score=2.0, kernel='numba')[0]) == len(given[2].unique())


def test_a_batch_is_each_video_alone(kernel):
    videos = [candidates(count, 5, seed) for seed, count in enumerate((90, 0, 200, 1))]
    videos[2] = (*videos[2][:2], videos[2][2] * 1000 - 70)
    for options in ({}, dict(max_segments=30)):
        found = soft_nms_batch(*zip(*videos, strict=True), **options, kernel=kernel)
        assert len(found) == 4
        for one, given in zip(found, videos, strict=True):
            same(one, soft_nms(*given, **options, kernel=kernel))
    without = soft_nms_batch([v[0] for v in videos], [v[1] for v in videos], kernel=kernel)
    same(without[2], soft_nms(*videos[2][:2], kernel=kernel))
    assert soft_nms_batch([], []) == []
    assert [len(part) for part in soft_nms_batch([SEGMENTS[:0]], [SCORES[:0]])[0]] == [0, 0, 0]
    assert len(nms(SEGMENTS[:0], SCORES[:0], kernel=kernel)) == 0


def test_kernels_that_cannot_run_and_iou(monkeypatch):
    assert len(soft_nms(SEGMENTS.bfloat16(), SCORES.bfloat16())[0]) == 4  # auto
    monkeypatch.setitem(sys.modules, 'numba', None)
    monkeypatch.delitem(sys.modules, 'downstream.tal._numba_kernels', raising=False)
    functional._import_compiled.cache_clear()
    try:
        with pytest.raises(ImportError, match=r'pip install "albar_mm\[fast\]"'):
            nms(SEGMENTS, SCORES, kernel='numba')
        assert nms(SEGMENTS, SCORES).tolist() == [0, 2, 3]
    finally:
        functional._import_compiled.cache_clear()
    assert functional.temporal_map is scores.temporal_map  # the score of a test is at hand
    found = segment_iou(torch.tensor([[0.0, 10]]), torch.tensor([[5.0, 15], [10, 20], [0, 10]]))
    assert found.tolist() == pytest.approx([1 / 3, 0, 1], abs=1e-6)
    assert torch.isfinite(segment_iou(torch.zeros(2), torch.zeros(2)))


def test_machine_code_that_cannot_be_kept(monkeypatch):
    """No folder for it, or one that is full: compiled all the same."""
    numba = pytest.importorskip('numba', reason='pip install "albar_mm[fast]"')
    from downstream.tal._numba_kernels import compiled

    names = {}
    exec('def twice(x):\n    return 2 * x', names)  # numba finds no file of it
    assert compiled(names['twice'])(3) == 6
    full = Mock(side_effect=OSError(28, 'No space left on device'))
    monkeypatch.setattr(numba.core.caching.IndexDataCacheFile, 'save', full)
    assert compiled(lambda x: 3 * x)(3) == 9 and full.called


@pytest.mark.parametrize(
    'call, message',
    [
        (lambda: soft_nms(SEGMENTS, SCORES[:3]), r'of shape \(4, 2\) and scores of shape \(3,\)'),
        (lambda: soft_nms(SEGMENTS, SCORES, SCORES), 'labels are torch.float32; expected whole'),
        (lambda: soft_nms(SEGMENTS, SCORES / 0), 'must be finite'),
        (lambda: nms(SEGMENTS.flip(1), SCORES), 'a segment ends before it begins'),
        (lambda: soft_nms(SEGMENTS, SCORES, sigma=0), 'sigma is 0 and min_score 0.001; expected'),
        (lambda: soft_nms_batch([SEGMENTS], [SCORES] * 2), 'segments of 1 videos, scores of 2'),
        (lambda: nms(SEGMENTS, SCORES, torch.zeros(2)), 'one label for each'),
        (
            lambda: soft_nms(SEGMENTS, SCORES, kernel='cuda'),
            "kernel must be one of 'auto', 'numba', .*'cuda'",
        ),
        (lambda: nms(SEGMENTS.bfloat16(), SCORES, kernel='numba'), 'CPU, not torch.bfloat16'),
    ],
)
def test_what_does_not_fit(call, message):
    with pytest.raises(ValueError, match=message):
        call()
