import numpy as np
import pytest

from albar_mm.video.shown import ShownFrames, shown
from downstream.anomaly import visualize
from downstream.features.time_grid import TimeGrid
from downstream.features.videos import READERS
from tests.video.containers import COUNT, EVEN, HEIGHT, UNEVEN, number_of, write_marked


@pytest.mark.parametrize('name, times', [('even.mp4', EVEN), ('uneven.mkv', UNEVEN)])
def test_a_score_stands_below_the_frame_that_it_is_of(tmp_path, monkeypatch, name, times):
    """At the second at which the video shows it."""
    video = write_marked(tmp_path / name, times=times)
    seconds = np.array(times) / 1000
    grid = TimeGrid(COUNT, 1, 0.5, COUNT, shown(video).fps, (*seconds, seconds[-1] + 0.04))
    scored = visualize.ScoredVideo(name, grid, np.linspace(0, 1, COUNT))
    asked, draw = [], visualize.curve_under_video

    def watched(*args):
        drawn = draw(*args)
        return lambda frame, index: asked.append(index) or drawn(frame, index)

    monkeypatch.setattr(visualize, 'curve_under_video', watched)
    overlay = visualize.write_overlay(tmp_path / 'out.mp4', video, scored, READERS['pyav'], 2.0)
    numbers = [number_of(frame[:HEIGHT]) for frame in ShownFrames(overlay)]
    assert numbers == asked
    middles = (np.arange(len(numbers)) + 0.5) / shown(overlay).fps
    assert numbers == (np.searchsorted(seconds, middles, side='right') - 1).tolist()
