"""The pictures of a demonstration and of a comparison show the numbers they were given."""

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure

from albar_mm.visualization import bias_figure, comparison_figure

KEYS = ('iid/top1', 'scuba/avg', 'scufo/avg', 'conflfg/top1', 'contrasted/avg')
SCORES = dict(None_=[(90, 20, 30, 10, 5), (94, 24, 30, 10, 7)], ALBAR=[(91, 80, 10, 60, 70)])
RESULTS = {
    name.strip('_'): [dict(zip(KEYS, map(float, run), strict=True)) for run in runs]
    for name, runs in SCORES.items()
}


@pytest.fixture
def figures(monkeypatch):
    """Figures, as they were when their picture was saved."""
    saved, save = [], Figure.savefig
    monkeypatch.setattr(Figure, 'savefig', lambda f, *a, **k: (save(f, *a, **k), saved.append(f)))
    return saved


@pytest.fixture
def drawn(tmp_path, figures):
    """The panels of two rows."""
    path = comparison_figure(tmp_path / 'a.png', RESULTS, 'two rows')
    assert cv2.imread(str(path)) is not None
    assert [p.name for p in tmp_path.iterdir()] == ['a.png']  # nothing half-written is left
    assert len(figures[0].axes) == len(KEYS)
    return figures[0].axes


def test_bars_are_means_and_the_best_is_marked_of_scufo_the_lowest(drawn):
    for key, ax in zip(KEYS, drawn, strict=True):
        means = [sum(run[key] for run in runs) / len(runs) for runs in RESULTS.values()]
        assert [bar.get_width() for bar in ax.patches] == pytest.approx(means)
    assert [label.get_text() for label in drawn[0].get_yticklabels()] == list(RESULTS)
    whiskers = drawn[0].containers[0].lines[2][0].get_segments()
    # seeds 90 and 94: mean 92, sample standard deviation sqrt(8)
    assert whiskers[0][:, 0] == pytest.approx([92 - 8**0.5, 92 + 8**0.5])
    for ax, winner in zip(drawn, [0, 1, 1, 1, 1], strict=True):
        colours = [bar.get_facecolor() for bar in ax.patches]
        assert colours.count(colours[winner]) == 1
        lightness = [sum(colour[:3]) for colour in colours]  # also told apart in grey print
        assert lightness[winner] < 0.5 * lightness[1 - winner]
        numbers = {text.get_text(): text.get_fontweight() for text in ax.texts[:2]}
        best = f'{ax.patches[winner].get_width():.1f}'
        assert [text for text, weight in numbers.items() if weight == 'bold'] == [best]


@pytest.mark.parametrize('keys', [KEYS, KEYS[:1]])
def test_nothing_overlaps(keys, tmp_path, figures):
    """Ten rows with long names, whose spread goes beyond 100 %."""
    runs = [dict.fromkeys(keys, value) for value in (70.0, 100.0, 100.0)]
    comparison_figure(tmp_path / 'a.png', {f'ALBAR+StillMix {n}': runs for n in range(10)}, 'ten')
    (figure,) = figures
    for ax in figure.axes:
        numbers = [text.get_window_extent() for text in ax.texts[:10]]
        whisker = ax.containers[0].lines[2][0].get_window_extent()
        assert all(whisker.x1 < n.x0 and n.x1 <= ax.get_window_extent().x1 for n in numbers)
        assert all(a.y0 > b.y1 for a, b in zip(numbers, numbers[1:], strict=False))
        assert ax.title.get_window_extent().y1 <= figure._suptitle.get_window_extent().y0
        wish = ax.texts[10].get_window_extent()
        assert ax.get_window_extent().y1 <= wish.y0 and wish.y1 <= ax.title.get_window_extent().y0
    legend = figure.legends[0].get_window_extent()
    assert 0 <= legend.x0 and legend.x1 <= figure.bbox.x1 and 0 <= legend.y0
    assert legend.y1 <= min(ax.get_tightbbox().y0 for ax in figure.axes)
    rows = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert min(label.x0 for label in rows) >= 0


@pytest.mark.parametrize(
    ('results', 'message'),
    [
        ({}, 'at least one run'),
        ({'None': []}, 'at least one run'),
        ({'None': [{'acc/top1': 1.0}]}, 'no score that every run has'),
    ],
)
def test_nothing_to_draw(results, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        comparison_figure(tmp_path / 'a.png', results, '')
    out, strips = tmp_path / 'a.png', {'IID': np.zeros((1, 2, 2, 3), np.uint8)}
    with pytest.raises(ValueError, match='at least one clip and one run of every model'):
        bias_figure(out, {'plain': []}, strips, 10, '')
    with pytest.raises(KeyError, match='scuba/avg'):
        bias_figure(out, {'plain': [{'iid/top1': 1.0}]}, strips, 10, '')
    assert not list(tmp_path.iterdir())


def test_pictures_of_one_and_of_several_seeds(tmp_path, figures):
    (run,) = RESULTS['ALBAR']  # scores that one row lacks have no panel
    fewer = {**RESULTS, 'ALBAR': [{k: v for k, v in run.items() if k != 'conflfg/top1'}]}
    comparison_figure(tmp_path / 'a.png', fewer, 'no Confl-FG')
    assert len(figures[0].axes) == len(KEYS) - 1
    clip = np.full((4, 16, 16, 3), (250, 10, 10), np.uint8)
    strips = {'IID': clip, 'SCUBA': clip}
    path = bias_figure(tmp_path / 'a.png', RESULTS, strips, 12.5, 'title')
    picture = cv2.imread(str(path))
    assert path == tmp_path / 'a.png' and [p.name for p in tmp_path.iterdir()] == ['a.png']
    # The example clips are in it, in RGB order.
    assert (picture == (10, 10, 250)).all(-1).mean() > 0.01
