import doctest

import numpy as np
import pytest

from albar_mm.evaluation.functional import bias as bias_module
from albar_mm.evaluation.functional import (
    bias_scores,
    contrasted_accuracy,
    per_class_scores,
    predicted_class,
    static_contrast,
    static_contrast_scores,
)

LABELS = [0, 1, 2, 0, 0]
SCUBA = [0, 1, 2, 3, 0]
SCUFO = [0, 2, 2, 1, 1]


def records(preds, labels=LABELS, conflict=None, names='abcdefghij'):
    conflict = conflict if conflict is not None else [None] * len(preds)
    return {
        f'{name}__0': row
        for name, row in zip(names, zip(preds, labels, conflict))  # noqa: B905
    }


@pytest.mark.parametrize('module', [bias_module, static_contrast])
def test_docstring_examples_run(module):
    result = doctest.testmod(module)
    assert result.attempted > 0 and result.failed == 0


def test_worked_example():
    """bias_benchmark.md §5: SCUBA 80, SCUFO 40, contrasted 40."""
    scores = bias_scores({('scuba', 'stripe'): records(SCUBA), ('scufo', 'stripe'): records(SCUFO)})
    assert scores == {
        'scuba/stripe': 80.0,
        'scuba/avg': 80.0,
        'scufo/stripe': 40.0,
        'scufo/avg': 40.0,
        'contrasted/stripe': 40.0,
        'contrasted/avg': 40.0,
    }


def test_joined_by_id_not_by_position():
    shuffled = dict(reversed(records(SCUFO).items()))
    scores = bias_scores({('scuba', 'p'): records(SCUBA), ('scufo', 'p'): shuffled})
    assert scores['contrasted/p'] == 40.0


@pytest.mark.parametrize('seed', range(5))
def test_contrasted_lies_within_its_bounds(seed):
    rng = np.random.default_rng(seed)
    predictions, classes = {}, 4
    for background in ('p', 'v', 's'):
        number = int(rng.integers(1, 60))
        labels = rng.integers(0, classes, number)
        keep = rng.random(number) < rng.random()
        scuba = np.where(keep, labels, rng.integers(0, classes, number))
        scufo = np.where(rng.random(number) < rng.random(), scuba, rng.integers(0, classes, number))
        names = [f'v{i}' for i in range(number)]
        predictions['scuba', background] = records(scuba, labels, names=names)
        predictions['scufo', background] = records(scufo, labels, names=names)
    scores = bias_scores(predictions)
    for name in ('p', 'v', 's', 'avg'):
        scuba, scufo = scores[f'scuba/{name}'], scores[f'scufo/{name}']
        contrasted = scores[f'contrasted/{name}']
        assert max(0.0, scuba - scufo) - 1e-9 <= contrasted <= min(scuba, 100 - scufo) + 1e-9


def test_average_over_backgrounds_is_unweighted():
    scores = bias_scores(
        {
            ('scuba', 'p'): records([0, 1, 2, 0, 0]),  # 100 % of 5
            ('scuba', 's'): records([1], [0]),  # 0 % of 1
        }
    )
    assert scores['scuba/avg'] == 50.0
    assert not any(key.startswith('contrasted') for key in scores)


def test_no_contrasted_average_over_different_backgrounds():
    scores = bias_scores(
        {
            ('scuba', 'p'): records(SCUBA),
            ('scuba', 's'): records(SCUBA),
            ('scufo', 's'): records(SCUFO),
        }
    )
    assert scores['contrasted/s'] == 40.0
    assert 'contrasted/avg' not in scores and 'contrasted/p' not in scores


def test_model_kinds_of_the_acceptance_checks():
    """bias_benchmark.md §9.8: constant class, common content, and motion alone."""
    labels = np.arange(40) % 4
    names = [f'v{i}' for i in range(40)]

    def scores_of(scuba, scufo):
        return bias_scores(
            {
                ('scuba', 's'): records(scuba, labels, names=names),
                ('scufo', 's'): records(scufo, labels, names=names),
            }
        )

    constant = scores_of(np.zeros(40, int), np.zeros(40, int))
    assert constant['scuba/avg'] == constant['scufo/avg'] == 25.0
    assert constant['contrasted/avg'] == 0.0
    appearance = np.where(np.arange(40) % 3 == 0, labels, (labels + 1) % 4)
    common = scores_of(appearance, appearance)
    assert common['scuba/avg'] == common['scufo/avg'] > 0
    assert common['contrasted/avg'] == 0.0
    motion = scores_of(labels, np.zeros(40, int))
    assert motion['scufo/avg'] <= 25.0
    assert motion['contrasted/avg'] == motion['scuba/avg'] - motion['scufo/avg']


def test_conflicting_foreground():
    scores = bias_scores(
        {('conflfg', 'stripe'): records([0, 1, 2, 3], [0, 0, 0, 0], conflict=[1, 1, 1, 3])}
    )
    assert scores == {'conflfg/top1': 25.0, 'conflfg/conflict_top1': 50.0}


def test_conflicting_foreground_on_several_backgrounds():
    scores = bias_scores(
        {
            ('conflfg', 'p'): records([0, 0], [0, 0]),
            ('conflfg', 's'): records([1, 1, 1], [0, 0, 0]),
        }
    )
    assert scores == {'conflfg/p': 100.0, 'conflfg/s': 0.0, 'conflfg/top1': 50.0}


def test_per_class_scores_restrict_the_set():
    predictions = {('scuba', 's'): records(SCUBA), ('scufo', 's'): records(SCUFO)}
    scores = per_class_scores(predictions)
    assert sorted(scores) == [0, 1, 2]
    assert scores[0]['scuba/s'] == pytest.approx(200 / 3)  # a and e of a, d, e
    assert scores[0]['contrasted/s'] == pytest.approx(100 / 3)  # e
    assert scores[2] == {
        'scuba/s': 100.0,
        'scuba/avg': 100.0,
        'scufo/s': 100.0,
        'scufo/avg': 100.0,
        'contrasted/s': 0.0,
        'contrasted/avg': 0.0,
    }


def test_ties_go_to_the_first_maximum():
    assert predicted_class([[0.2, 0.4, 0.4], [0.5, 0.5, 0.0]]).tolist() == [1, 0]
    assert contrasted_accuracy([[0.5, 0.5]], [[0.1, 0.9]], [0]) == 100.0


@pytest.mark.parametrize(
    'preds, match',
    [
        ([[np.nan, 0.0]], 'not finite'),
        ([0.5, 0.1], 'integer class indices'),
        (np.zeros((1, 2, 3)), 'integer class indices'),
    ],
)
def test_unusable_predictions(preds, match):
    with pytest.raises(ValueError, match=match):
        predicted_class(preds)


def test_lengths_must_agree():
    with pytest.raises(ValueError, match='same videos, got 2, 1'):
        contrasted_accuracy([0, 1], [0], [0, 1])
    with pytest.raises(ValueError, match='no predictions'):
        contrasted_accuracy([], [], [])


def test_missing_and_extra_ids_are_named():
    scufo = records(SCUFO)
    scufo['x__3'] = scufo.pop('b__0')
    with pytest.raises(ValueError) as error:
        bias_scores({('scuba', 'stripe'): records(SCUBA), ('scufo', 'stripe'): scufo})
    for part in ('scuba/stripe', 'scufo/stripe', '1 missing', 'b__0', 'x__3', '5 ids'):
        assert part in str(error.value)


def test_only_a_handful_of_ids_is_named():
    names = [f'v{i:02d}' for i in range(20)]
    scuba = records([0] * 20, [0] * 20, names=names)
    scufo = {'other__0': (0, 0, None)}
    with pytest.raises(ValueError, match=r'20 missing.*v04__0 and 15 more') as error:
        bias_scores({('scuba', 's'): scuba, ('scufo', 's'): scufo})
    assert 'v05' not in str(error.value)


def test_labels_of_a_pair_must_agree():
    with pytest.raises(ValueError, match=r'scuba/s and scufo/s give 1 of 5.*c__0'):
        bias_scores(
            {
                ('scuba', 's'): records(SCUBA),
                ('scufo', 's'): records(SCUFO, labels=[0, 1, 1, 0, 0]),
            }
        )


@pytest.mark.parametrize(
    'predictions, match',
    [
        ({('sucba', 's'): records(SCUBA)}, "unknown domain 'sucba'"),
        ({('scuba', 's'): {}}, 'scuba/s is empty'),
        ({('iid', 'a'): records(SCUBA), ('iid', 'b'): records(SCUBA)}, 'one IID set'),
        ({('conflfg', 's'): records([0, 1], [0, 0], [1, None])}, r'1 of 2 ids lack.*b__0'),
        ({('conflfg', 's'): records([0, 1], [0, 0], [1, 0])}, r'equal to label.*b__0'),
    ],
)
def test_bad_sets(predictions, match):
    with pytest.raises(ValueError, match=match):
        bias_scores(predictions)


def test_static_contrast():
    scores = static_contrast_scores({('clip', ''): records(SCUBA), ('static', ''): records(SCUFO)})
    assert scores == dict(top1=80.0, static_top1=40.0, contrast=40.0)


def test_static_contrast_needs_both_views():
    with pytest.raises(ValueError, match='StaticPairDataset'):
        static_contrast_scores({('clip', ''): records(SCUBA)})
