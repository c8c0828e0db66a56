import pytest

from albar_mm.evaluation.functional import Prediction, PredictionRecord, collate_records

A = PredictionRecord('scuba', 's', 'a__0', 1, 1)
B = PredictionRecord('scufo', 's', 'a__0', 2, 1)


def test_records_are_sorted_into_sets():
    assert collate_records([A, B, A._replace(background='p')]) == {
        ('scuba', 's'): {'a__0': Prediction(1, 1)},
        ('scufo', 's'): {'a__0': Prediction(2, 1)},
        ('scuba', 'p'): {'a__0': Prediction(1, 1)},
    }


def test_repeats():
    with pytest.raises(ValueError, match=r'scuba/s: 1 id\(s\) come more than once: a__0'):
        collate_records([A, B, A])
    # of a distributed sampler
    assert collate_records([A, A, A], allow_repeats=True) == collate_records([A])
    with pytest.raises(ValueError, match='different labels: a__0'):
        collate_records([A, A._replace(label=0)], allow_repeats=True)


def test_repeat_with_another_prediction_keeps_the_first_and_warns():
    with pytest.warns(UserWarning, match='1 sample'):
        sets = collate_records([A, A._replace(pred=0)], allow_repeats=True)
    assert sets['scuba', 's']['a__0'].pred == 1
