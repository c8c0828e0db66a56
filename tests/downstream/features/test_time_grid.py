"""Snippets, frames and seconds: worked numbers, inverses, and a video of variable frame rate."""

import numpy as np
import pytest

from downstream.features.time_grid import TimeGrid


def grid(offset=8.0, stride=4, frames=1015, fps=30.0, snippets=250, **kwargs):
    return TimeGrid(snippets, stride, offset, frames, fps, **kwargs)


@pytest.mark.parametrize(
    'num_frames, expected', [(16, (-0.5, 6.25)), (64, (-6.5, 0.25)), (4, (1, 7.75))]
)
def test_the_grid_of_actionformer(num_frames, expected):
    """fps 30, stride 4, times 0.2 and 1.1 s, by hand: (t * fps - num_frames / 2) / stride."""
    assert grid(0.5 * num_frames).second_to_snippet([0.2, 1.1]) == pytest.approx(expected)
    found = grid().snippet_to_second([[-3, 10], [5, 2000]])
    assert found == pytest.approx(np.array([[-4, 48], [28, 8008]]) / 30)


@pytest.mark.parametrize('times', [None, (0, 0.1, 0.15, 0.4, 0.41, 0.9)])
def test_there_and_back(times):
    one = TimeGrid(3, 2, 1.5, 5, 10.0, times)
    positions = np.linspace(-4, 9, 53)
    assert one.frame_to_snippet(one.snippet_to_frame(positions)) == pytest.approx(positions)
    assert one.second_to_frame(one.frame_to_second(positions)) == pytest.approx(positions)
    assert one.second_to_snippet(one.snippet_to_second(positions)) == pytest.approx(positions)


def test_variable_frame_rate_and_json():
    one = TimeGrid(2, 2, 1.0, 4, 8.0, (0, 0.1, 0.3, 0.35, 0.5))
    assert one.duration_s == 0.5
    assert one.frame_to_second([0, 1, 1.5, 4]) == pytest.approx([0, 0.1, 0.2, 0.5])
    assert one.snippet_to_second([0, 1]) == pytest.approx([0.1, 0.35])
    # before and after it time goes on at the average rate
    assert one.frame_to_second([-2, 6]) == pytest.approx([-0.25, 0.75])
    for one in (grid(), TimeGrid(1, 3, 1.0, 2, 5.0, (0, 0.1, 0.5))):
        assert TimeGrid.from_json(one.to_json()) == one
    assert grid().to_json()['duration_s'] == pytest.approx(1015 / 30)


@pytest.mark.parametrize('length, interval', [(16, 1), (32, 2)])
def test_snippets_that_do_not_overlap_are_repeated(length, interval):
    step = length * interval
    offset = ((length - 1) * interval + 1) / 2
    one = TimeGrid(3, step, offset, 2 * step + 5, 30.0)
    assert one.snippet_of_frame().tolist() == [0] * step + [1] * step + [2] * 5
    # frames beyond the last snippet belong to it
    assert TimeGrid(2, 4, 8.0, 30, 30.0).snippet_of_frame().tolist() == [0] * 10 + [1] * 20


@pytest.mark.parametrize(
    'wrong, message',
    [
        (dict(fps=0), 'fps: expected a finite number above 0'),
        (dict(fps=float('nan')), 'fps: expected'),
        (dict(offset=float('inf')), 'offset_frames: expected'),
        (dict(frames=10**15), 'num_frames: expected'),
        (dict(snippets=0), 'num_snippets: expected'),
        (dict(frames=2, frame_times_s=(0, 1)), r'expected num_frames \+ 1 = 3'),
        (dict(frames=2, frame_times_s=(0, 1, 1)), 'must grow'),
    ],
)
def test_what_cannot_be(wrong, message):
    with pytest.raises(ValueError, match=message):
        grid(**wrong)
