"""Bounds of contrasted accuracy, of measured and of published numbers."""

import itertools

import numpy as np
import pytest

from albar_mm.report import check_runs, contrasted_bounds, read_run
from albar_mm.report.contents import check_scores
from albar_mm.report.published import PUBLISHED

from .results_files import metrics, write


def test_bounds_are_those_of_every_possible_outcome():
    """All ways in which 4 videos can be right or wrong on SCUBA and on SCUFO."""
    reached = {}
    for right in itertools.product(itertools.product((0, 1), repeat=2), repeat=4):
        scuba, scufo = np.array(right).T
        value = 25.0 * int((scuba & ~scufo & 1).sum())
        reached.setdefault((25.0 * scuba.sum(), 25.0 * scufo.sum()), set()).add(value)
    for (scuba, scufo), values in reached.items():
        assert (min(values), max(values)) == contrasted_bounds(scuba, scufo)


def test_a_broken_bound_is_named(tmp_path):
    wrong = {'contrasted/stripe': 60.1, 'contrasted/scene': 60, 'iid/top1': 101.0}
    path = write(tmp_path, metrics() | wrong)
    checks, faults = check_runs([read_run(path, 'ERM')])  # SCUBA 80, SCUFO 40: 40 to 60
    assert {c.background: c.holds for c in checks} == dict(scene=True, stripe=False, avg=True)
    assert faults == [
        'ERM, seed 0, stripe: contrasted 60.10 is not between 40.00 and 60.00, as '
        'SCUBA 80.00 and SCUFO 40.00 require',
        'ERM, seed 0: iid/top1 is 101, but a percentage lies in 0 to 100',
    ]


def test_published_cells_that_break_the_bounds_are_the_marked_ones():
    for tables in PUBLISHED.values():
        for table in tables:
            broken = {
                (method, f'contrasted/{check.background}')
                for method in table.rows
                for check in check_scores(method, table.scores(method), tolerance=0.015)
                if not check.holds
            }
            assert broken == set(table.inconsistent)
    assert sum(len(t.inconsistent) for tables in PUBLISHED.values() for t in tables) == 2
    main, by_background = PUBLISHED['hmdb51']  # they agree with each other
    for method in set(main.rows) & set(by_background.rows):
        one, other = main.scores(method), by_background.scores(method)
        assert one['iid/top1'] == other['iid/top1']
        for key in ('scuba/avg', 'scufo/avg'):
            assert one[key] == pytest.approx(other[key], abs=0.0101), (method, key)
