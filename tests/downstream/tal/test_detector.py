"""The detector: padding, losses, seconds of what it finds, and post-processing."""

from itertools import product

import pytest
import torch
from mmengine.structures import BaseDataElement

from downstream.features.time_grid import TimeGrid
from downstream.tal.functional import PostProcessing
from downstream.tal.models import SegmentDetector, SequencePreprocessor

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


def test_what_is_found_is_told_in_seconds():
    """30 fps, stride 4, 16 frames: snippets -3, 10 are 0, 1.6 s; 5, 2000 are .93 s and the end."""
    model = detector(test_cfg=dict(method='none')).train(False)
    segments = torch.tensor([[-3.0, 10], [5, 2000]])
    found = segments, torch.tensor([0.5, 0.9]), torch.tensor([1, 2])
    model.head.candidates = lambda *_: [found]
    sample = BaseDataElement(metainfo=dict(grid=TimeGrid(32, 4, 8.0, 1015, 30.0), duration_s=33.83))
    data = model.data_preprocessor(dict(inputs=[torch.randn(6, 32)], data_samples=[sample]))
    with torch.no_grad():
        (found,) = model(**data, mode='predict')
    assert found.pred_segments.flatten().tolist() == pytest.approx([0.933333, 33.83, 0, 1.6])
    assert found.pred_labels.tolist() == [2, 1]
    with pytest.raises(ValueError, match="mode is 'test'"):
        model(**data, mode='test')


def test_candidates_are_the_best_of_each_level():
    model = detector().train(False)
    data = batch(model, [[], []], [[], []])
    with torch.no_grad():
        levels, masks = model(**data)
        logits = model.head.cls_head(levels, masks)
        found = model.head.candidates(levels, masks, 0.001, 7, 0.0)
        everything = model.head.candidates(levels, masks, 0.0, 10_000, 0.0)
    for video, level in product((0, 1), (0, 1)):  # seven of each level
        best = (logits[level][video].sigmoid() * masks[level][video]).flatten().topk(7)[0]
        assert torch.allclose(found[video][1][7 * level :][:7], best)
    assert len(everything[0][1]) == 48 * 3 and len(everything[1][1]) == 30 * 3
    with torch.no_grad():
        assert not len(model.head.candidates(levels, masks, 0.5)[0][1])


SEGMENTS = torch.tensor([[0.0, 10], [1, 11], [20, 30], [0, 20]])
SCORES, LABELS = torch.tensor([0.9, 0.8, 0.7, 0.6]), torch.tensor([0, 1, 0, 1])
TOGETHER = dict(per_class=False, voting=0.0)


@pytest.mark.parametrize(
    'options, scores, labels',
    [
        ({}, [0.9, 0.8, 0.7, 0.3639185], [0, 1, 0, 1]),
        # classes that do not count, but each segment keeps its own
        (dict(per_class=False), [0.9, 0.7, 0.3639185, 0.1272011], [0, 0, 1, 1]),
        (TOGETHER, [0.9, 0.7, 0.3639185, 0.1272011], [0, 0, 1, 1]),
        (dict(TOGETHER, method='hard', iou_threshold=0.5), [0.9, 0.7, 0.6], [0, 0, 1]),
        (dict(method='none', max_segments=2), [0.9, 0.8], [0, 1]),
    ],
)
def test_post_processing(options, scores, labels):
    """The published example; classes together vote, if they may."""
    given = ([part, part[:0]] for part in (SEGMENTS, SCORES, LABELS))
    (segments, *found), nothing = PostProcessing(**options)(*given)
    assert found[0].tolist() == pytest.approx(scores) and found[1].tolist() == labels
    moved = [0.470588, 10.470588] if options == dict(per_class=False) else [0, 10]
    assert segments[0].tolist() == pytest.approx(moved, abs=1e-5) and len(nothing[1]) == 0
    if 'method' not in options and options:
        wanted = torch.tensor([[20.0, 30], [0, 20], moved if moved[0] else [1, 11]])
        assert torch.allclose(segments[1:], wanted, atol=1e-5)
    with pytest.raises(
        ValueError, match="method must be one of 'soft', 'hard', 'none', got 'fuzzy'"
    ):
        PostProcessing(method='fuzzy')
