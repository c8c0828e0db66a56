"""Two processes give the numbers of one: scores of both transfers, losses and their gradients."""

import pytest
import torch
import torch.distributed as dist
from mmengine.model import MMDistributedDataParallel

from downstream.anomaly.metric import FrameAUC
from downstream.tal.metric import TemporalMAP
from tests.downstream.anomaly import test_metric as anomaly
from tests.downstream.tal.rows import random_test
from tests.downstream.tal.test_detector import batch, detector
from tests.downstream.tal.test_metric import CLASSES, evaluated, samples_of
from tests.processes import in_processes

SEGMENTS, LABELS = ([[2.0, 6.0], [9.0, 21.0]], [[4.0, 9.0]]), ([0, 2], [1])


def gradients(model, videos):
    """Losses of some of the videos, and gradients; the normaliser counts this batch alone."""
    network = getattr(model, 'module', model)
    network.head.normaliser.train()
    network.head.normaliser.momentum = 0.0
    data = {key: value[videos] for key, value in batch(network, SEGMENTS, LABELS).items()}
    losses = model(**data, mode='loss')
    sum(losses.values()).backward()
    found = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
    return torch.stack(list(losses.values())).detach(), found


def share_of_process():
    """Half of an odd number of videos, filled up as MMEngine's sampler does."""
    rank = dist.get_rank()
    localised = TemporalMAP()
    localised.dataset_meta = dict(classes=CLASSES)
    scores = []
    for metric, samples in (
        (FrameAUC(bootstrap=0), anomaly.results()[0][:5]),
        (localised, samples_of(*random_test(2), videos=5)),
    ):
        for index in (rank, rank + 2, (rank + 4) % 5):
            metric.process(None, [samples[index]])
        scores.append(metric.evaluate(5))
    model = MMDistributedDataParallel(detector().train(False), find_unused_parameters=True)
    return *scores, gradients(model, slice(rank, rank + 1))


def test_scores_losses_and_gradients(tmp_path):
    """Each process divides by the mean of positive points, so that its loss is twice its share."""
    two, samples = in_processes(share_of_process, tmp_path), samples_of(*random_test(2), videos=5)
    alone = anomaly.evaluated(anomaly.results()[0][:5], bootstrap=0), evaluated(samples)
    losses, wanted = gradients(detector().train(False), slice(0, 2))
    assert torch.allclose((two[0][-1][0] + two[1][-1][0]) / 2, losses, atol=1e-6)
    for *scores, (_, found) in two:
        assert scores == [pytest.approx(each, abs=1e-4) for each in alone]
        assert all(torch.allclose(found[name], wanted[name], atol=1e-6) for name in wanted)
