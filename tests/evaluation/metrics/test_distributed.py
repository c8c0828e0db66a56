"""Two processes must give exactly the scores of one, whatever the sampler repeats or reorders."""

import pytest
import torch.distributed as dist
from mmaction.registry import DATA_SAMPLERS

from albar_mm.evaluation import BiasMetric
from tests.processes import in_processes

from .test_bias_metric import sample


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


@pytest.fixture(scope='module')
def outcomes(tmp_path_factory):
    """Per process: (scores, number of processed samples), and the error of a faulty run."""
    return in_processes(good_and_bad, tmp_path_factory.mktemp('ranks'))


def test_two_processes_give_the_scores_of_one(outcomes):
    expected, processed = evaluate()
    assert processed == 11
    # v0, v2 of three; w0; w0, w1, w3
    wanted = dict(scuba=25.0, scufo=75.0, contrasted=0.0)
    wanted = {f'{name}/{of}': wanted[name] for name in wanted for of in ('stripe', 'avg')}
    assert expected == wanted | {'iid/top1': pytest.approx(200 / 3)}
    (first, first_count), (second, second_count) = outcomes[0][0], outcomes[1][0]
    # one sample was repeated, not as the last: cutting the collected list would lose another
    assert first_count + second_count == 12
    assert first == second == expected


def test_a_failure_reaches_every_process(outcomes):
    first, second = outcomes[0][1], outcomes[1][1]
    assert first.startswith('ValueError') and 'different labels: v0__0' in first
    assert second.startswith('RuntimeError') and 'different labels: v0__0' in second
