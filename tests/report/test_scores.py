import pytest

from albar_mm.report import read_run
from albar_mm.report.scores import background_columns, class_gaps, summary_columns, tabulate

from .results_files import metrics, write


def runs(tmp_path, **methods):
    """One run per (seed, scores) of each method."""
    given = ((m, seed, scores) for m, many in methods.items() for seed, scores in enumerate(many))
    return [
        read_run(write(tmp_path / f'{m}{seed}', scores, seed=seed), m) for m, seed, scores in given
    ]


def test_mean_sd_best_and_columns(tmp_path):
    erm = [metrics(scuba=scuba) for scuba in (70, 74, 78)]
    members = runs(tmp_path, erm=erm, ours=[metrics(scuba=73, scufo=10)])
    table = tabulate(members, summary_columns(members))
    keys = [column.key for column in table.columns]
    assert keys == ['iid/top1', 'scuba/avg', 'scufo/avg', 'conflfg/top1', 'contrasted/avg']
    scuba, scufo, iid = (keys.index(k) for k in ('scuba/avg', 'scufo/avg', 'iid/top1'))
    # sample standard deviation of 70, 74, 78 is 4
    assert str(table.rows['erm'][scuba]) == '74.00 ± 4.00' and table.rows['erm'][scuba].best
    assert str(table.rows['ours'][scuba]) == '73.00' and table.rows['ours'][scuba].sd is None
    assert table.rows['ours'][scufo].best and not table.rows['erm'][scufo].best  # lower is better
    assert not any(row[iid].best for row in table.rows.values())  # all the same

    members = runs(tmp_path, short=[metrics(), {'iid/top1': 80.0}])
    cells = tabulate(members, summary_columns(members)).rows['short']
    assert [str(cell) for cell in cells[:2]] == ['85.00 ± 7.07', '80.00 (1 of 2 seeds)']
    members = runs(tmp_path, erm=[metrics() | {'aras/top1': 57.0, 'acc/top1': 3.0}])
    labels = '; '.join(column.label for column in summary_columns(members))
    assert labels == 'IID; ARAS; acc; SCUBA; SCUFO; Confl-FG; Contrasted'
    assert '; '.join(column.label for column in background_columns(members)) == (
        'SCUBA scene; SCUBA stripe; SCUFO scene; SCUFO stripe; Confl-FG, pasted class; '
        'Contrasted scene; Contrasted stripe'
    )


def test_gap_of_every_class_averages_the_seeds(tmp_path):
    def scores(scuba, scufo):
        return {'scuba/avg': scuba, 'scufo/avg': scufo}

    blocks = [{'0': scores(one, 20.0), '1': scores(90.0, 10.0)} for one in (50.0, 70.0)]
    members = [
        read_run(write(tmp_path / str(i), seed=i, per_class=block), 'erm')
        for i, block in enumerate(blocks)
    ] + runs(tmp_path, old=[metrics()])
    gaps = class_gaps(members)
    wanted = {1: {'erm': pytest.approx((90.0, 10.0))}, 0: {'erm': pytest.approx((60.0, 20.0))}}
    assert gaps == wanted and list(gaps) == [1, 0]  # largest gap first
