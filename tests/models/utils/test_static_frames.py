import pytest
import torch

from albar_mm.models.utils.static_frames import (
    check_frame_choice,
    repeat_frames,
    static_frame_indices,
    take_frames,
)
from tests import toy_recognizers as toys


@pytest.mark.parametrize(
    'frame, given, expected',
    [
        ('first', None, [0, 0]),
        ('middle', None, [4, 4]),
        ('last', None, [7, 7]),
        (3, None, [3, 3]),
        (99, None, [7, 7]),
        ('first', [2, 50], [2, 7]),  # the index of the sample wins, and is clamped
    ],
)
def test_fixed_choices(frame, given, expected):
    samples = toys.samples([0, 1], frames=given)
    assert static_frame_indices(samples, 8, frame, 'cpu').tolist() == expected


def test_indices_and_layouts_that_are_refused():
    with pytest.raises(ValueError, match='static_frame'):
        static_frame_indices(toys.samples([0], frames=[-1]), 4, 'random', 'cpu')
    with pytest.raises(ValueError, match=r'\(B, N, C, T, H, W\) or \(B, N, C, H, W\)'):
        take_frames(torch.zeros(2, 3, 4, 4), torch.tensor([0, 0]))


def test_missing_indices_are_drawn_and_given_ones_kept():
    samples = toys.samples([0] * 200)
    for sample in samples[:100]:
        sample.set_metainfo(dict(static_frame=1))
    torch.manual_seed(0)
    first = static_frame_indices(samples, 4, 'random', 'cpu')
    torch.manual_seed(0)
    assert torch.equal(first, static_frame_indices(samples, 4, 'random', 'cpu'))
    assert first[:100].unique().tolist() == [1]
    assert first[100:].unique().tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize('frame', ['center', -1, 1.5, None, True, ['first']])
def test_illegal_choice(frame):
    with pytest.raises(ValueError, match='my.frame must be one of'):
        check_frame_choice(frame, 'my.frame')


@pytest.mark.parametrize(
    'shape, kept, axis',
    [((2, 2, 3, 5, 4, 4), (2, 2, 3, 1, 4, 4), 3), ((2, 5, 3, 4, 4), (2, 1, 3, 4, 4), 1)],
)
def test_take_and_repeat(shape, kept, axis):
    inputs = torch.randn(shape)
    frames = take_frames(inputs, torch.tensor([1, 4]))
    assert frames.shape == kept
    for b, index in enumerate((1, 4)):
        assert torch.equal(frames[b].squeeze(axis - 1), inputs[b].select(axis - 1, index))
    static = repeat_frames(frames, 5)
    assert static.shape == shape and static.is_contiguous()
    inputs.zero_()  # a later in-place blending must not reach the frame
    assert frames.abs().sum() > 0
