"""What configs make of the published schedule: rates and averaged weights."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import PARAM_SCHEDULERS, init_default_scope

CONFIGS = Path(__file__).resolve().parents[3] / 'configs' / 'downstream'


CLOCK = {'begin', 'end', 'T_max'}


@pytest.fixture(scope='module')
def cfg():
    init_default_scope('mmaction')
    return Config.fromfile(CONFIGS / 'tal_tridet_thumos14.py')


def rates(cfg, epochs, epoch_length):
    """Learning rate of every step."""
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1e-4)
    schedulers, found = [], []
    for given in cfg.param_scheduler:
        times = {key: round(given[key] * epochs / 40) for key in given.keys() & CLOCK}
        loop = dict(optimizer=optimizer, epoch_length=epoch_length)
        schedulers.append(PARAM_SCHEDULERS.build(dict(given, **times), default_args=loop))
    for _ in range(epochs * epoch_length):
        found.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    return found


def test_rates(cfg):
    wanted = [0, 3.33333e-5, 6.66667e-5, 1e-4, 1e-4, 8.53568e-5, 5.0005e-5, 1.46532e-5]
    assert rates(cfg, 8, 1) == pytest.approx(wanted, rel=1e-4, abs=1e-12)
    found = rates(cfg, 40, 100)
    steps = (0, 1, 1000, 1999, 2000, 2001, 3000, 3999)
    wanted = [0, 5.0025e-8, 5.0025e-5, 1e-4, 1e-4, 9.99999e-5, 5.0005e-5, 1.00617e-8]
    assert [found[step] for step in steps] == pytest.approx(wanted, rel=1e-4, abs=1e-12)


def test_the_averaged_weights_are_the_published_ones(cfg):
    """0.999 of the average before: MMEngine begins it after the first step, whose rate is 0."""
    from mmengine.model import ExponentialMovingAverage

    (given,) = (hook for hook in cfg.custom_hooks if hook['type'] == 'EMAHook')
    source = torch.nn.Linear(1, 1, bias=False)
    source.weight.data.fill_(1.0)
    average = ExponentialMovingAverage(source, given['momentum'])
    wanted = 1.0
    for step, value in enumerate((1.0, 3.0, -2.0, 5.0)):
        source.weight.data.fill_(value)
        average.update_parameters(source)
        wanted = 0.999 * wanted + 0.001 * value if step else value
    assert average.module.weight.item() == pytest.approx(wanted, abs=1e-6)
