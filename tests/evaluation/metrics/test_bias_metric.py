"""Scores of a test run; two processes give those of one, whatever the sampler repeats."""

import pytest
import torch
import torch.distributed as dist
from mmaction.registry import DATA_SAMPLERS, METRICS
from mmaction.structures import ActionDataSample
from mmengine.hooks import CheckpointHook

from albar_mm.evaluation import BiasMetric, metrics
from tests.processes import in_processes

LABELS = dict(a=0, b=1, c=2, d=0, e=0)
SCUBA = dict(a=0, b=1, c=2, d=3, e=0)
SCUFO = dict(a=0, b=2, c=2, d=1, e=1)
MEANS = dict(scuba=80.0, scufo=40.0, contrasted=40.0)
WORKED = {f'{name}/{of}': value for name, value in MEANS.items() for of in ('stripe', 'avg')}


def sample(domain, name, pred, label, **extra):
    """A data sample as a recogniser's head returns it."""
    result = ActionDataSample().set_gt_label(label)
    result.set_pred_score(torch.nn.functional.one_hot(torch.tensor(pred), 4).float())
    result.set_metainfo(dict(domain=domain, background='stripe', pair_id=f'{name}__0') | extra)
    return result.to_dict()


def worked_samples():
    sets = dict(scuba=SCUBA, scufo=SCUFO).items()
    return [sample(domain, n, preds[n], LABELS[n]) for domain, preds in sets for n in LABELS]


def scores_of(samples, **options):
    metric = METRICS.build(dict(type='BiasMetric', **options))
    for part in (samples[:1], samples[1:]):
        metric.process(None, part)
    return metric.evaluate(len(samples)), metric


def test_worked_example_and_its_table(monkeypatch):
    lines = []
    monkeypatch.setattr(metrics, 'print_log', lambda text, **_: lines.append(text))
    scores, metric = scores_of(worked_samples())
    assert scores == WORKED and metric.results == []
    assert len(lines) == 1 and 'Contrasted' in lines[0] and '40.00' in lines[0]
    one = sample('conflfg', 'a', 1, 0, conflict_label=1)  # of a single view, not averaged
    one['pred_score'] = one['pred_score'][None]
    samples = [one, sample('conflfg', 'b', 0, 0, conflict_label=1)]
    assert scores_of(samples)[0] == {'conflfg/top1': 50.0, 'conflfg/conflict_top1': 50.0}


def test_prefix_and_scores_of_every_class():
    scores, _ = scores_of(worked_samples(), per_class=True, prefix='hmdb')
    assert scores['hmdb/contrasted/avg'] == 40.0
    assert scores['hmdb/scufo/avg/class_1'] == 0.0
    # class 0 is a, d, e: SCUBA right on a and e, SCUFO right on a
    assert scores['hmdb/scuba/stripe/class_0'] == pytest.approx(200 / 3)
    scores, metric = scores_of(worked_samples())
    assert 'scuba/avg/class_0' not in scores  # not in the log, but for the results file
    per_class = metric.results_entries['per_class']
    assert sorted(per_class) == ['0', '1', '2']
    wanted = {'scuba/avg': 200 / 3, 'scufo/avg': 100 / 3, 'contrasted/avg': 100 / 3}
    assert per_class['0'] == pytest.approx(wanted)


@pytest.mark.parametrize(
    'samples, sets, match',
    [
        (worked_samples()[:-1], {}, '9 distinct samples, but the dataset holds 10'),
        (worked_samples(), {'scuba/stripe': 5, 'scuba/vqgan': 7}, 'scuba/vqgan: 0 of 7'),
        (worked_samples() + worked_samples()[:1], {}, 'scuba/stripe.*more than once: a__0'),
    ],
)
def test_incomplete_runs(samples, sets, match):
    metric = BiasMetric()
    metric.dataset_meta = dict(sets=sets)
    metric.process(None, samples)
    with pytest.raises(ValueError, match=match):
        metric.evaluate(10)


def bad(**changes):
    good = sample('scuba', 'a', 0, 0) | changes
    return {key: value for key, value in good.items() if value is not None}


@pytest.mark.parametrize(
    'broken, match',
    [
        (bad(domain=None), 'domain missing; use it with BiasBenchmarkDataset'),
        (bad(pair_id=None), 'pair_id missing'),
        (bad(domain='clip'), "domain 'clip'"),
        (bad(gt_label=torch.tensor([7])), r'a__0: one label in \[0, 4\) expected, got .*7'),
        (bad(gt_label=torch.tensor([0, 1])), r'one label in \[0, 4\) expected.*shape \(2,\)'),
        (bad(pred_score=torch.rand(3, 4)), r"shape \(3, 4\).*average_clips to 'prob'"),
        (bad(pred_score=dict(rgb=torch.rand(4))), 'got a dict'),
        (bad(pred_score=torch.tensor([0.0, float('nan')])), 'scuba/stripe a__0.*not finite'),
    ],
)
def test_unusable_samples(broken, match):
    with pytest.raises(ValueError, match=match):
        BiasMetric().process(None, [broken])


def test_static_contrast_and_its_documented_checkpoint_rule():
    metric = METRICS.build(dict(type='StaticContrastMetric'))
    rows = ('a', 0, 1, 0), ('b', 1, 1, 1), ('c', 0, 0, 2), ('d', 2, 0, 2)
    for name, clip, static, label in rows:
        pair = dict(static=static, clip=clip)
        metric.process(None, [sample(domain, name, pair[domain], label) for domain in pair])
    expected = {'val/top1': 75.0, 'val/static_top1': 25.0, 'val/contrast': 50.0}
    assert metric.evaluate(8) == expected
    hook = CheckpointHook(save_best='val/contrast', rule='greater')
    assert hook.is_better_than['val/contrast'](2.0, 1.0)


class FakeBenchmark:
    """11 samples with known predictions: 3 IID, 4 SCUBA, 4 SCUFO."""

    def __init__(self):
        self.rows = [('iid', f'v{i}', i % 2, 0) for i in range(3)]
        self.rows += [('scuba', f'w{i}', 0, min(i, 1)) for i in range(4)]
        self.rows += [('scufo', f'w{i}', i % 2, min(i, 1)) for i in range(4)]

    def __len__(self):
        return len(self.rows)

    def batch_group(self, idx):
        return self.rows[idx][0]


def evaluate(extra_label=None):
    """Run the metric as a test loop would; returns scores and the number of processed samples."""
    dataset = FakeBenchmark()
    sampler = dict(type='DefaultSampler', shuffle=False, dataset=dataset, seed=0)
    sampler = DATA_SAMPLERS.build(sampler)
    batches = DATA_SAMPLERS.build(dict(type='DomainBatchSampler', sampler=sampler, batch_size=3))
    metric = BiasMetric()
    processed = 0
    for batch in batches:
        assert len({dataset.batch_group(i) for i in batch}) == 1
        metric.process(None, [sample(*dataset.rows[i]) for i in batch])
        processed += len(batch)
    if extra_label is not None:
        metric.process(None, [sample('iid', 'v0', 0, extra_label)])
    return metric.evaluate(len(dataset)), processed


def good_and_bad():
    outcome = [evaluate()]
    try:
        evaluate(extra_label=1 if dist.get_rank() == 1 else None)
    except (ValueError, RuntimeError) as error:
        outcome.append(f'{type(error).__name__}: {error}')
    return outcome


def test_two_processes_give_the_scores_of_one_and_a_failure_reaches_both(tmp_path):
    expected, processed = evaluate()
    assert processed == 11
    # v0, v2 of three; w0; w0, w1, w3
    wanted = dict(scuba=25.0, scufo=75.0, contrasted=0.0)
    wanted = {f'{name}/{of}': wanted[name] for name in wanted for of in ('stripe', 'avg')}
    assert expected == wanted | {'iid/top1': pytest.approx(200 / 3)}
    ((one, one_count), first), ((two, two_count), second) = in_processes(good_and_bad, tmp_path)
    # one sample was repeated, not as the last: cutting the collected list would lose another
    assert one_count + two_count == 12 and one == two == expected
    assert first.startswith('ValueError') and 'different labels: v0__0' in first
    assert second.startswith('RuntimeError') and 'different labels: v0__0' in second
