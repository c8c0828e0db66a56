"""The table and the picture of the curves, and what makes two trainings the same."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / 'benchmarks'


@pytest.fixture
def curves(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import _anomaly_curves

    yield _anomaly_curves
    for name in ('_anomaly_curves', '_anomaly_picture'):
        sys.modules.pop(name, None)


def run(seed, noise, *scores):
    return dict(
        seed=seed,
        noise=noise,
        steps=[2, 4, 8],
        auc=list(scores),
        auc_anomalous=[score - 10 for score in scores],
    )


def test_table_and_picture(curves, tmp_path):
    runs = {
        'small': [
            run(0, 0, 90.0, 100.0, 80.0),
            run(1, 0, 60.0, 70.0, 90.0),
            run(0, 1, 90.0, 99.0, 84.0),
        ],
        'rtfm': [run(0, 0, 50.0, 50.0, 50.0)],
    }
    found = curves._summary(runs)
    assert list(found) == ['small', 'small, noise', 'rtfm']
    assert found['small']['trainings'] == 2 and found['small']['steps'] == [2, 4, 8]
    assert found['small']['auc'] == dict(
        mean=[75, 85, 85], lowest=[60, 70, 80], last=[80, 90], lost=[20, 0]
    )
    assert found['small, noise']['auc_anomalous']['last'] == [70, 74]
    lines = curves.report(dict(scores=found)).splitlines()
    assert 'auc  85.0 ±  5.0 (80.0), lost 10.0 (20.0)' in lines[1] and len(lines) == 4
    from _anomaly_picture import draw

    assert draw(str(tmp_path / 'curves.png'), runs).stat().st_size > 10_000


def test_other_settings_are_another_file(curves):
    one = curves.Training('small', 0, 0, None, None, None, 'work')
    others = [
        replace(one, seed=1),
        replace(one, noise=1),
        replace(one, peer='MGFN'),
        replace(one, row='faster'),
        replace(one, features='store', annotations=('a', 'b')),
    ]
    assert len({one.file, *(other.file for other in others)}) == 6
    assert replace(one, peer='a').file == replace(one, peer='b').file  # wherever the clone lies
    assert replace(one, peer='MGFN').title == 'small, published code'
