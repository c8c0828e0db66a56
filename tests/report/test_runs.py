import json
import os
from pathlib import Path

import pytest

from albar_mm.report import collect_runs, read_run
from albar_mm.utils.errors import DatasetError

from .results_files import metrics, write


def named(runs):
    return [(run.method, run.seed) for run in runs]


def test_folders_are_methods_and_their_seeds(tmp_path):
    for place in ('erm/seed0', 'erm/seed1', 'albar', 'swin_seed3'):
        write(tmp_path / place, seed=7)
    runs, notes = collect_runs([tmp_path])
    assert named(runs) == [('albar', 7), ('erm', 0), ('erm', 1), ('swin', 3)]
    assert notes == []
    # names of one's own come first and take their files
    runs, _ = collect_runs([tmp_path, tmp_path], [('Ours', tmp_path / 'erm/seed0')])
    assert named(runs) == [('Ours', 0), ('albar', 7), ('erm', 1), ('swin', 3)]
    for place, said in ((tmp_path / 'albar/x', 'no results of a test run in'), ('gone', 'no such')):
        Path(place).name == 'x' and place.mkdir()
        with pytest.raises(DatasetError, match=said):
            collect_runs([place])


def test_links_are_followed_once_and_names_of_experiments_come_first(tmp_path):
    folder = write(tmp_path / 'elsewhere' / 'a_none' / 'seed2').parent
    (tmp_path / 'runs').mkdir()
    os.symlink(folder.parent, tmp_path / 'runs' / 'linked')
    os.symlink(tmp_path / 'runs', tmp_path / 'runs' / 'loop')
    for text, name in (('{"name": "(a) none", "seed": 2}', '(a) none'), ('{"name": [', 'a_none')):
        (folder / 'experiment.json').write_text(text)
        assert named(collect_runs([tmp_path / 'runs'])[0]) == [(name, 2)]


def test_two_runs_of_one_method_and_seed(tmp_path):
    first, second = write(tmp_path / 'a' / 'erm' / 'seed0'), write(tmp_path / 'b' / 'erm' / 'seed0')
    with pytest.raises(DatasetError, match='seed 0.* --names') as caught:
        collect_runs([tmp_path])
    assert str(first) in str(caught.value) and str(second) in str(caught.value)
    with pytest.raises(DatasetError, match="two methods, 'A' and 'B'"):
        collect_runs([], [('A', first), ('B', first)])


def results(**entries):
    return json.dumps(dict(schema_version=1, metrics={'iid/top1': 1}) | entries)


@pytest.mark.parametrize(
    'text, said',
    [
        ('{"metrics"', 'is no JSON'),
        ('[1]', 'not a results file'),
        ('{"accuracy": 3}', 'not a results file'),
        (results(schema_version=2), 'schema_version is 2, this albar_mm reads 1'),
        (results(metrics={'iid/top1': '93'}), "iid/top1 must be a number, got '93'"),
        (results(metrics={'iid/top1': True}), 'iid/top1 must be a number, got True'),
        (results(protocol=[]), 'expected "protocol", an object, got []'),
        (results(per_class={'x': {}}), "must map class labels to scores, got 'x'"),
        (results(seed='1'), 'expected "seed", a whole number or null, got'),
        (results(metrics={'AUC': 1}), 'none of the scores'),
        ('{"rows": {}}', 'summary of several runs'),
    ],
)
def test_what_is_no_results_file(tmp_path, text, said):
    path = tmp_path / 'results.json'
    path.write_text(text)
    with pytest.raises(DatasetError) as caught:
        collect_runs([path])
    assert said in str(caught.value) and str(path) in str(caught.value)
    assert '\n' not in str(caught.value)


def test_what_a_search_leaves_out_is_listed(tmp_path):
    write(tmp_path / 'erm')
    (tmp_path / 'results.json').write_text('{"versions": {}, "rows": {}}')
    write(tmp_path / 'anomaly', {'roc_auc': 82.0})
    runs, notes = collect_runs([tmp_path])
    assert named(runs) == [('erm', 0)] and len(notes) == 2
    assert 'summary' in notes[0] and 'only roc_auc' in notes[1]


def test_scores_are_sorted_into_those_shown_and_the_others(tmp_path):
    scores = metrics() | {'scuba/avg/class_12': 60.0, 'scuba/avg': float('nan'), 'loss': 2.0}
    path = write(tmp_path, scores, per_class={'3': {'scuba/avg': 70.0}})
    run = read_run(path, 'a\x00b\u202ec\udc80')
    assert run.per_class == {3: {'scuba/avg': 70.0}, 12: {'scuba/avg': 60.0}}
    assert 'scuba/avg/class_12' not in run.metrics
    assert run.not_finite == ('scuba/avg',) and run.metrics.keys() - run.shown == {'loss'}
    assert run.method == 'a\ufffdb\ufffdc\ufffd'  # hidden characters
    path.write_text(results(metrics={'iid/top1': 10**400, 'scuba/avg': 5}))
    assert read_run(path).not_finite == ('iid/top1',)
