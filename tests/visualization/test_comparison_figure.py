"""The picture of a comparison shows the numbers it was given."""

import cv2
import pytest
from matplotlib.figure import Figure

from albar_mm.visualization.comparison_figure import comparison_figure

KEYS = ('iid/top1', 'scuba/avg', 'scufo/avg', 'conflfg/top1', 'contrasted/avg')
RESULTS = {
    'None': [dict(zip(KEYS, (90.0, 20.0, 30.0, 10.0, 5.0), strict=True)),
             dict(zip(KEYS, (94.0, 24.0, 30.0, 10.0, 7.0), strict=True))],
    'ALBAR': [dict(zip(KEYS, (91.0, 80.0, 10.0, 60.0, 70.0), strict=True))],
}  # fmt: skip


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Panels by title, as they were when the picture was saved."""
    panels = {}
    save = Figure.savefig

    def savefig(figure, *args, **kwargs):
        panels.update((ax.get_title(), ax) for ax in figure.axes)
        return save(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, 'savefig', savefig)
    path = comparison_figure(tmp_path / 'a.png', RESULTS, 'two rows')
    assert cv2.imread(str(path)) is not None
    assert [p.name for p in tmp_path.iterdir()] == ['a.png']  # nothing half-written is left
    assert len(panels) == len(KEYS)
    return list(panels.values())


def test_bars_are_means_in_the_order_of_the_rows(drawn):
    for key, ax in zip(KEYS, drawn, strict=True):
        means = [sum(run[key] for run in runs) / len(runs) for runs in RESULTS.values()]
        assert [bar.get_width() for bar in ax.patches] == pytest.approx(means)
    assert [label.get_text() for label in drawn[0].get_yticklabels()] == list(RESULTS)


def test_the_best_is_marked_and_for_scufo_that_is_the_lowest(drawn):
    best = [[bar.get_facecolor() for bar in ax.patches] for ax in drawn]
    green = best[1][1]
    assert [colours.index(green) for colours in best] == [0, 1, 1, 1, 1]
    assert all(colours.count(green) == 1 for colours in best)


def test_scores_that_one_row_lacks_have_no_panel(tmp_path, monkeypatch):
    shown = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, 'savefig', lambda f, *a, **k: (
        shown.append(len(f.axes)), save(f, *a, **k)))  # fmt: skip
    fewer = {**RESULTS, 'ALBAR': [{k: v for k, v in RESULTS['ALBAR'][0].items()
                                   if k != 'conflfg/top1'}]}  # fmt: skip
    comparison_figure(tmp_path / 'a.png', fewer, 'no Confl-FG')
    assert shown == [len(KEYS) - 1]


@pytest.mark.parametrize('results', [{}, {'None': []}])
def test_nothing_to_draw(results, tmp_path):
    with pytest.raises(ValueError, match='at least one run'):
        comparison_figure(tmp_path / 'a.png', results, '')
