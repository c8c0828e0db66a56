import pytest
import torch
from mmaction.structures import ActionDataSample

from albar_mm.models.blendings.actorcutmix import compose

from .blend_batches import clips, labels_of, make


def people(inputs, boxes, labels=None):
    """Samples whose boxes are lists of (frame, x1, y1, x2, y2)."""
    out = []
    for i, rows in enumerate(boxes):
        sample = ActionDataSample().set_gt_label(i if labels is None else labels[i])
        sample.person_boxes = torch.tensor(rows, dtype=torch.float32).reshape(-1, 5)
        out.append(sample)
    return out


def halves(*values, side=4):
    """Clips (B, 1, 3, 2, side, 2 * side): a pixel pair, each pixel a square of ``side`` px."""
    pairs = torch.tensor(values).view(-1, 1, 1, 1, 1, 2).repeat_interleave(side, -1)
    return pairs.expand(-1, 1, 3, 2, side, 2 * side)


LEFT = [(0, 0, 0, 4, 4), (1, 0, 0, 4, 4)]
RIGHT = [(0, 4, 0, 8, 4), (1, 4, 0, 8, 4)]


@pytest.mark.parametrize(
    'other, first, second, own',
    [
        (LEFT, [1.0, 4.0], [3.0, 2.0], 0.9375),
        (RIGHT, [1.0, 0.0], [0.0, 4.0], 0.9375),
        # an empty or a full mask is invalid: the clip stays, and as a partner has a background of 0
        ([], [1.0, 0.0], [3.0, 4.0], 1),
        ([(0, 0, 0, 8, 4), (1, 0, 0, 8, 4)], [1.0, 0.0], [3.0, 4.0], 1),
    ],
)
def test_worked_example(other, first, second, own):
    """x0 = [1, 2], m0 = [1, 0], x1 = [3, 4], m1 = [1, 0], [0, 1], [0, 0] or [1, 1]."""
    inputs = halves([1.0, 2.0], [3.0, 4.0])
    data = people(inputs, [LEFT, other])
    out, _ = make('ActorCutMixBlending', num_classes=2)(inputs, data)
    assert torch.equal(out, halves(first, second))
    torch.testing.assert_close(labels_of(data), torch.tensor([[0.9375, 0.0625], [1 - own, own]]))


@pytest.mark.parametrize('quarters, weight', [(1, 0.68359375), (2, 0.9375), (3, 0.99609375)])
def test_label_weights(quarters, weight):
    inputs = torch.ones(2, 1, 3, 2, 8, 8)
    data = people(inputs, [[(t, 0, 0, 2 * quarters, 8) for t in range(2)]] * 2)
    make('ActorCutMixBlending', num_classes=2)(inputs, data)
    torch.testing.assert_close(labels_of(data)[0], torch.tensor([weight, 1 - weight]))


def test_partner_is_that_of_the_flipped_batch_and_the_middle_stays():
    """All have their people in the same place: all of the partner's background is seen."""
    inputs = clips(5)
    data = people(inputs, [[(t, 1, 1, 13, 20) for t in range(4)]] * 5)
    out, _ = make('ActorCutMixBlending')(inputs, data)
    expected = inputs.flip(0)
    expected[..., 1:20, 1:13] = inputs[..., 1:20, 1:13]
    assert torch.equal(out, expected)
    weight = 1 - (1 - 12 * 19 / 576) ** 4
    expected = weight * torch.eye(5) + (1 - weight) * torch.eye(5).flip(0)
    torch.testing.assert_close(labels_of(data), expected)


def test_views_and_frames_have_boxes_of_their_own():
    """Frame n*T + t of a sample is frame t of view n; here each has a box of its own width."""
    inputs = torch.ones(2, 2, 3, 3, 8, 8)
    inputs[1] = 2
    boxes = [(n * 3 + t, 0, 0, 1 + n * 3 + t, 8) for n in range(2) for t in range(3)]
    out, _ = make('ActorCutMixBlending', num_classes=2)(inputs, people(inputs, [boxes, boxes]))
    widths = (out[0, :, 0, :, 0] == 1).sum(-1)
    assert widths.tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_composing_is_the_formula(dtype):
    generator = torch.Generator().manual_seed(0)
    clip, other = clips(2, views=2, frames=3, dtype=dtype)
    masks = torch.rand((2, 2, 1, 3, 24, 24), generator=generator) > 0.5
    person, other_person = (mask.expand_as(clip) for mask in masks)
    out = torch.full_like(clip, 9)
    compose(clip, masks[0], other, masks[1], out)
    assert torch.equal(out[person], clip[person])
    seen = ~person & ~other_person
    assert torch.equal(out[seen], other[seen])
    assert not out[~person & other_person].any()


@pytest.mark.parametrize(
    'boxes, match',
    [
        (
            [torch.zeros(0, 5), None],
            r'sample 1 of the batch has no person_boxes.*'
            r'LoadPersonBoxes\(file=\.\.\.\).*algorithm_keys',
        ),
        ([torch.zeros(3, 4), torch.zeros(0, 5)], r'person_boxes of sample 0 .* must be \(n, 5\)'),
        (
            [torch.zeros(0, 5), torch.tensor([[2.0, 0, 0, 1, 1]])],
            'person_boxes of sample 1: .* frame from 0 to 1',
        ),
    ],
)
def test_boxes_that_do_not_fit(boxes, match):
    data = people([], [LEFT, LEFT])
    for sample, given in zip(data, boxes, strict=True):
        del sample.person_boxes
        if given is not None:
            sample.person_boxes = given
    method = make('ActorCutMixBlending', num_classes=2)
    with pytest.raises(ValueError, match=match):
        method(halves([1.0, 2.0], [3.0, 4.0]), data)
    with pytest.raises(ValueError, match='ChainedBlending'):
        method.do_blending(clips(2), torch.eye(5)[:2])
