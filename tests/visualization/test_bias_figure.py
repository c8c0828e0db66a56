"""The picture of the demonstration."""

import cv2
import numpy as np
import pytest

from albar_mm.visualization import bias_figure

from .test_comparison_figure import RESULTS


def test_pictures_of_one_and_of_several_seeds(tmp_path):
    clip = np.full((4, 16, 16, 3), (250, 10, 10), np.uint8)
    strips = {'IID': clip, 'SCUBA': clip}
    path = bias_figure(tmp_path / 'a.png', RESULTS, strips, 12.5, 'title')
    picture = cv2.imread(str(path))
    assert path == tmp_path / 'a.png' and [p.name for p in tmp_path.iterdir()] == ['a.png']
    # The example clips are in it, in RGB order.
    assert (picture == (10, 10, 250)).all(-1).mean() > 0.01


def test_missing_parts_are_named(tmp_path):
    out, strips = tmp_path / 'a.png', {'IID': np.zeros((1, 2, 2, 3), np.uint8)}
    with pytest.raises(ValueError, match='at least one clip and one run of every model'):
        bias_figure(out, {'plain': []}, strips, 10, '')
    with pytest.raises(KeyError, match='scuba/avg'):
        bias_figure(out, {'plain': [{'iid/top1': 1.0}]}, strips, 10, '')
    assert not list(tmp_path.iterdir())
