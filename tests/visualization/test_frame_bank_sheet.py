"""The picture of a frame bank: which frames are on it, and what stands above them."""

import cv2
import numpy as np
import pytest

from albar_mm.annotations.frame_bank import FrameBank
from albar_mm.visualization.frame_bank_sheet import _short, extremes, frame_bank_sheet


@pytest.mark.parametrize(
    ('total', 'count', 'highest', 'lowest'),
    [
        (10, 3, [9, 8, 7], [0, 1, 2]),
        (5, 3, [4, 3, 2], [0, 1]),
        (4, 32, [3, 2], [0, 1]),
        (1, 32, [0], []),
    ],
)
def test_extremes(total, count, highest, lowest):
    order = np.random.default_rng(0).permutation(total)
    found = extremes(np.linspace(0, 1, total)[order], count)
    assert [order[part].tolist() for part in found] == [highest, lowest]


def test_names():
    assert _short('wave/clip.avi#12') == 'wave\nclip #12'
    assert _short('clip.avi#3') == '\nclip #3'
    assert _short('a$b/c#1.avi#0') == 'a\\$b\nc#1 #0'
    assert _short(f'wave/{"x" * 40}.avi#7') == 'wave\n…' + 'x' * 22 + ' #7'


@pytest.mark.parametrize('count', [1, 6])
def test_the_frames_are_on_the_picture(tmp_path, count):
    """Frames of one colour each; the colour of every one is found on the page."""
    colours = [(250, 20, 20), (20, 250, 20), (20, 20, 250)]
    colours += [(240, 240, 10), (10, 240, 240), (240, 10, 240)]
    colours = np.array(colours, np.uint8)[:count]
    frames = np.broadcast_to(colours[:, None, None], (count, 8, 8, 3)).copy()
    probability = np.linspace(0.2, 0.9, count, dtype=np.float32)
    source = np.array([f'wave/clip.avi#{i}' for i in range(count)])
    bank = FrameBank(frames, probability, source, 3, {})
    path = frame_bank_sheet(tmp_path / 'new' / 'a.png', bank)
    page = cv2.imread(str(path))[..., ::-1].astype(int)
    for colour in colours:
        assert (abs(page - colour).max(-1) < 3).sum() > 2000
