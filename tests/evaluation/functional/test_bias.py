import doctest

import numpy as np
import pytest

from albar_mm.evaluation import functional as F
from albar_mm.evaluation.functional import bias as bias_module
from tests.refused import refused

LABELS = [0, 1, 2, 0, 0]
SCUBA = [0, 1, 2, 3, 0]
SCUFO = [0, 2, 2, 1, 1]


def records(preds, labels=LABELS, conflict=None, names='abcdefghij'):
    conflict = conflict if conflict is not None else [None] * len(preds)
    rows = zip(names, zip(preds, labels, conflict, strict=True), strict=False)
    return {f'{name}__0': row for name, row in rows}


@pytest.mark.parametrize('module', [bias_module, F.static_contrast])
def test_docstring_examples_run(module):
    result = doctest.testmod(module)
    assert result.attempted > 0 and result.failed == 0


def test_worked_example():
    """bias_benchmark.md §5: SCUBA 80, SCUFO 40, contrasted 40; joined by id, not by position."""
    scores = F.bias_scores(
        {
            ('scuba', 'stripe'): records(SCUBA),
            ('scufo', 'stripe'): dict(reversed(records(SCUFO).items())),
            ('scuba', 'p'): records(LABELS),
            ('scufo', 'p'): records([1, 0, 0, 1, 1]),  # none right
        }
    )
    wanted = dict(scuba=(80, 100, 90), scufo=(40, 0, 20), contrasted=(40, 100, 70))
    columns = 'stripe', 'p', 'avg'
    rows = {name: zip(columns, wanted[name], strict=True) for name in wanted}
    assert scores == {f'{name}/{column}': value for name in rows for column, value in rows[name]}


def test_averages_and_conflicting_foreground():
    # unweighted: 100 % of 5 and 0 % of 1
    unlike = {('scuba', 'p'): records([0, 1, 2, 0, 0]), ('scuba', 's'): records([1], [0])}
    assert F.bias_scores(unlike) == {'scuba/p': 100.0, 'scuba/s': 0.0, 'scuba/avg': 50.0}
    # none of contrasted over different backgrounds
    sets = {('scuba', b): records(SCUBA) for b in 'ps'} | {('scufo', 's'): records(SCUFO)}
    scores = F.bias_scores(sets)
    assert scores['contrasted/s'] == 40.0
    assert 'contrasted/avg' not in scores and 'contrasted/p' not in scores
    sets = {('clip', ''): records(SCUBA), ('static', ''): records(SCUFO)}
    assert F.static_contrast_scores(sets) == dict(top1=80.0, static_top1=40.0, contrast=40.0)
    with pytest.raises(ValueError, match='StaticPairDataset'):
        F.static_contrast_scores({('clip', ''): records(SCUBA)})
    one = records([0, 1, 2, 3], [0, 0, 0, 0], conflict=[1, 1, 1, 3])
    expected = {'conflfg/top1': 25.0, 'conflfg/conflict_top1': 50.0}
    assert F.bias_scores({('conflfg', 'stripe'): one}) == expected
    two = {('conflfg', 'p'): records([0, 0], [0, 0]), ('conflfg', 's'): records([1], [0])}
    assert F.bias_scores(two) == {'conflfg/p': 100.0, 'conflfg/s': 0.0, 'conflfg/top1': 50.0}


def test_per_class_scores_and_ties():
    predictions = {('scuba', 's'): records(SCUBA), ('scufo', 's'): records(SCUFO)}
    scores = F.per_class_scores(predictions)
    assert sorted(scores) == [0, 1, 2]
    assert scores[0]['scuba/s'] == pytest.approx(200 / 3)  # a and e of a, d, e
    assert scores[0]['contrasted/s'] == pytest.approx(100 / 3)  # e
    assert (scores[2]['scufo/avg'], scores[2]['contrasted/avg']) == (100.0, 0.0)
    assert F.predicted_class([[0.2, 0.4, 0.4], [0.5, 0.5, 0.0]]).tolist() == [1, 0]
    assert F.contrasted_accuracy([[0.5, 0.5]], [[0.1, 0.9]], [0]) == 100.0


@pytest.mark.parametrize(
    'preds, match',
    [
        ([[np.nan, 0.0]], 'not finite'),
        ([0.5, 0.1], 'integer class indices'),
        (np.zeros((1, 2, 3)), 'integer class indices'),
    ],
)
def test_unusable_predictions(preds, match):
    refused(match, F.predicted_class, preds, error=ValueError)
    refused('same videos, got 2, 1', F.contrasted_accuracy, [0, 1], [0], [0, 1], error=ValueError)
    refused('no predictions', F.contrasted_accuracy, [], [], [], error=ValueError)


def pair(names, other_names, other_labels=(0,) * 20):
    """SCUBA and SCUFO of videos of these names; SCUBA's labels are those of the example."""
    labels = LABELS if len(names) == 5 else [0] * len(names)
    scufo = [0] * len(other_names)
    static = records(scufo, other_labels[: len(scufo)], names=other_names)
    scuba = records([0] * len(names), labels, names=names)
    return {('scuba', 's'): scuba, ('scufo', 's'): static}


@pytest.mark.parametrize(
    'predictions, match',
    [
        (pair('ab', 'ax'), r'scuba/s \(2 ids\) and scufo/s .*1 missing .*: b__0; 1 .*x__0'),
        (pair([f'v{i:02}' for i in range(20)], ['x']), r'20 missing.*v04__0 and 15 more; 1 in'),
        (pair('abcde', 'abcde', [0, 1, 1, 0, 0]), r'scuba/s and scufo/s give 1 of 5.*c__0'),
        ({('sucba', 's'): records(SCUBA)}, "unknown domain 'sucba'"),
        ({('scuba', 's'): {}}, 'scuba/s is empty'),
        ({('iid', 'a'): records(SCUBA), ('iid', 'b'): records(SCUBA)}, 'one IID set'),
        ({('conflfg', 's'): records([0, 1], [0, 0], [1, None])}, r'1 of 2 ids lack.*b__0'),
        ({('conflfg', 's'): records([0, 1], [0, 0], [1, 0])}, r'equal to label.*b__0'),
    ],
)
def test_bad_sets(predictions, match):
    refused(match, F.bias_scores, predictions, error=ValueError)


A = F.PredictionRecord('scuba', 's', 'a__0', 1, 1)
B = F.PredictionRecord('scufo', 's', 'a__0', 2, 1)


def test_records_are_sorted_into_sets_and_may_repeat():
    assert F.collate_records([A, B, A._replace(background='p')]) == {
        ('scuba', 's'): {'a__0': F.Prediction(1, 1)},
        ('scufo', 's'): {'a__0': F.Prediction(2, 1)},
        ('scuba', 'p'): {'a__0': F.Prediction(1, 1)},
    }
    with pytest.raises(ValueError, match=r'scuba/s: 1 id\(s\) come more than once: a__0'):
        F.collate_records([A, B, A])
    # of a distributed sampler
    assert F.collate_records([A, A, A], allow_repeats=True) == F.collate_records([A])
    with pytest.raises(ValueError, match='different labels: a__0'):
        F.collate_records([A, A._replace(label=0)], allow_repeats=True)
    with pytest.warns(UserWarning, match='1 sample'):
        sets = F.collate_records([A, A._replace(pred=0)], allow_repeats=True)
    assert sets['scuba', 's']['a__0'].pred == 1
