"""The detector: padding, losses, seconds of what it finds, and post-processing."""

import pytest
import torch
from mmengine.structures import BaseDataElement

from downstream.features.time_grid import TimeGrid
from downstream.tal.functional import PostProcessing
from downstream.tal.losses import sigmoid_focal_loss
from downstream.tal.models import SegmentDetector, SequencePreprocessor
from downstream.tal.models.heads import Candidates

RANGES = ((0, 4), (4, 10000))
TRIDENT = dict(type='TridentHead', in_channels=16, num_classes=3, bins=4, ranges=RANGES)
ACTIONFORMER = dict(type='ActionFormerHead', in_channels=16, num_classes=3, ranges=RANGES)
PYRAMID = dict(type='SGPPyramid', channels=16, hidden=24, windows=(1,), factor=1.5)


def detector(head=TRIDENT, **given):
    torch.manual_seed(0)
    projection = dict(type='ConvProjection', in_channels=6, channels=16)
    padding = dict(type='SequencePreprocessor', max_len=32, divisor=4, noise=0.0)
    return SegmentDetector(projection, PYRAMID, head, data_preprocessor=padding, **given)


def batch(model, segments, labels, lengths=(32, 20)):
    torch.manual_seed(1)
    samples = [
        BaseDataElement(
            snippet_segments=torch.tensor(each).reshape(-1, 2),
            snippet_labels=torch.tensor(kinds, dtype=torch.int64),
        )
        for each, kinds in zip(segments, labels, strict=True)
    ]
    videos = [torch.randn(6, length) for length in lengths]
    return model.data_preprocessor(dict(inputs=videos, data_samples=samples))


def test_padding():
    pad = SequencePreprocessor(max_len=32, divisor=4, noise=0.5)
    videos = [torch.ones(2, 5), torch.ones(2, 9)]
    out = pad(dict(inputs=videos))
    assert out['inputs'].shape == (2, 2, 32) and out['masks'].sum(1).tolist() == [5, 9]
    assert out['inputs'][0, :, :5].eq(1).all() and not out['inputs'][0, :, 5:].any()
    noisy = pad(dict(inputs=videos), training=True)['inputs']
    assert noisy[0, :, 5:].std() == pytest.approx(0.5, abs=0.15)  # padding included
    assert pad(dict(inputs=[torch.ones(2, 33)]))['inputs'].shape == (1, 2, 36)
    with pytest.raises(ValueError, match='a training sequence has 33 snippets, max_len is 32'):
        pad(dict(inputs=[torch.ones(2, 33)]), training=True)
    with pytest.raises(ValueError, match='max_len is 30; expected a multiple of divisor, 4'):
        SequencePreprocessor(max_len=30, divisor=4)


@pytest.mark.parametrize('head', [TRIDENT, ACTIONFORMER])
def test_a_batch_without_an_action(head):
    """All parameters have a gradient, as distributed training needs; only boundaries' is zero."""
    model = detector(head)
    losses = model(**batch(model, [[], []], [[], []]), mode='loss')
    assert losses['loss_reg'] == 0 and losses['loss_cls'] > 0
    sum(losses.values()).backward()
    dead = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    zeros = ('.gate.', '.fc.', '.narrow.', '.wide.', '.whole.')  # of the pyramid, left out
    assert all(name.startswith('backbone') and any(p in name for p in zeros) for name in dead)
    assert not model.head.offset_head.out.weight.grad.any()


def test_actionformer_losses_by_hand():
    """One entry a point whatever its classes, and no weight on the focal loss."""
    model = detector(ACTIONFORMER)
    data = batch(model, [[[4.0, 8], [4, 8]], []], [[0, 2], []])
    losses = model(**data, mode='loss')
    levels, masks = model(**data)
    with torch.no_grad():
        logits = torch.cat(model.head.cls_head(levels, masks), 2)
        distances = [each[0] for each in model.head.boundaries(levels, masks)]
    targets = torch.zeros(2, 3, 48)
    # level 1, range [0, 4]: strictly within 1.5 of 6; level 2 begins at distances of 4
    for point in (5, 6, 7):
        targets[0, [0, 2], point] = 1
    valid = torch.cat(masks, 1)[:, None]
    normaliser = 0.9 * 100 + 0.1 * 3
    focal = (sigmoid_focal_loss(logits, targets) * valid).sum() / normaliser
    assert losses['loss_cls'].item() == pytest.approx(focal.item(), rel=1e-5)
    total = 0.0
    for point, wanted in ((5, (1.0, 3.0)), (6, (2.0, 2.0)), (7, (3.0, 1.0))):
        left, right = distances[0][0, :, point].tolist()
        inside = min(left, wanted[0]) + min(right, wanted[1])
        around = max(left, wanted[0]) + max(right, wanted[1])
        shift = 0.5 * ((right - left) - (wanted[1] - wanted[0]))
        total += 1 - inside / (left + right + 4 - inside) + (shift / around) ** 2
    assert losses['loss_reg'].item() == pytest.approx(total / normaliser, rel=1e-4)


def test_what_is_found_is_told_in_seconds():
    """30 fps, stride 4, 16 frames: snippets -3, 10 are 0, 1.6 s; 5, 2000 are .93 s and the end."""
    model = detector(test_cfg=dict(method='none')).train(False)
    segments = torch.tensor([[-3.0, 10], [5, 2000]])
    found = Candidates(segments, torch.tensor([0.5, 0.9]), torch.tensor([1, 2]))
    model.head.candidates = lambda *_: [found]
    sample = BaseDataElement(metainfo=dict(grid=TimeGrid(32, 4, 8.0, 1015, 30.0), duration_s=33.83))
    data = model.data_preprocessor(dict(inputs=[torch.randn(6, 32)], data_samples=[sample]))
    with torch.no_grad():
        (found,) = model(**data, mode='predict')
    assert found.pred_segments.flatten().tolist() == pytest.approx([0.933333, 33.83, 0, 1.6])
    assert found.pred_labels.tolist() == [2, 1]
    with pytest.raises(ValueError, match="mode is 'test'"):
        model(**data, mode='test')


def test_candidates_are_what_every_point_and_class_says():
    model = detector().train(False)
    data = batch(model, [[], []], [[], []])
    with torch.no_grad():
        levels, masks = model(**data)
        logits = model.head.cls_head(levels, masks)
        boundaries = model.head.boundaries(levels, masks)
        found = model.head.candidates(levels, masks, 0.001, 7, 0.0)
        everything = model.head.candidates(levels, masks, 0.0, 10_000, 0.0)
    for video in (0, 1):
        for level, first in ((0, 0), (1, 7)):
            chances = logits[level][video].sigmoid() * masks[level][video]
            best = chances.T.flatten().sort(descending=True)
            assert torch.allclose(found[video].scores[first : first + 7], best[0][:7])
            point, label = int(best[1][0]) // 3, int(best[1][0]) % 3
            left, right = model.head.distances(
                boundaries[level], *(torch.tensor([n]) for n in (video, point, label))
            )[0]
            assert found[video].segments[first].tolist() == pytest.approx(
                [2**level * (point - float(left)), 2**level * (point + float(right))], abs=1e-5
            )
    assert len(everything[0].scores) == 48 * 3 and len(everything[1].scores) == 30 * 3


SEGMENTS = torch.tensor([[0.0, 10], [1, 11], [20, 30], [0, 20]])
SCORES, LABELS = torch.tensor([0.9, 0.8, 0.7, 0.6]), torch.tensor([0, 1, 0, 1])


def test_post_processing_of_classes_apart():
    ((segments, scores, labels),) = PostProcessing()([SEGMENTS], [SCORES], [LABELS])
    assert scores.tolist() == pytest.approx([0.9, 0.8, 0.7, 0.3639185])
    assert labels.tolist() == [0, 1, 0, 1] and segments[1].tolist() == [1, 11]


def test_post_processing_of_classes_together_with_voting():
    """The published example, with classes that do not count but are told."""
    once = PostProcessing(per_class=False)
    found = once([SEGMENTS, SEGMENTS[:0]], [SCORES, SCORES[:0]], [LABELS, LABELS[:0]])
    segments, scores, labels = found[0]
    assert scores.tolist() == pytest.approx([0.9, 0.7, 0.3639185, 0.1272011])
    assert labels.tolist() == [0, 0, 1, 1]  # each keeps its own
    wanted = [[0.470588, 10.470588], [20, 30], [0, 20], [0.470588, 10.470588]]
    assert torch.allclose(segments, torch.tensor(wanted), atol=1e-5)
    assert len(found[1][1]) == 0
    unmoved = PostProcessing(per_class=False, voting=0.0)([SEGMENTS], [SCORES], [LABELS])[0][0]
    assert unmoved[0].tolist() == [0, 10]


def test_hard_suppression_and_none():
    hard = PostProcessing(method='hard', iou_threshold=0.5, per_class=False, voting=0.0)
    assert hard([SEGMENTS], [SCORES], [LABELS])[0][1].tolist() == pytest.approx([0.9, 0.7, 0.6])
    none = PostProcessing(method='none', max_segments=2)
    assert none([SEGMENTS], [SCORES], [LABELS])[0][2].tolist() == [0, 1]
    with pytest.raises(
        ValueError, match="method must be one of 'soft', 'hard', 'none', got 'fuzzy'"
    ):
        PostProcessing(method='fuzzy')
