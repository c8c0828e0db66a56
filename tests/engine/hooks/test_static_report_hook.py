import logging
import math
from types import SimpleNamespace

import pytest
from mmengine.logging import MessageHub

from albar_mm.engine.hooks import StaticReportHook


class Log(list):
    def log(self, level, message):
        self.append((level, message))


def report(name, epochs, classes=21):
    """Lines that the hook wrote, and the hub; epochs hold (loss_cls, static_ce, static_top1)."""
    hub, log = MessageHub.get_instance(f'static_report_{name}'), Log()
    model = SimpleNamespace(cls_head=SimpleNamespace(num_classes=classes))
    runner = SimpleNamespace(message_hub=hub, logger=log, model=model)
    hook = StaticReportHook()
    for steps in epochs:
        hook.before_train_epoch(runner)
        for values in steps:
            for key, value in zip(('loss_cls', 'static_ce', 'static_top1'), values, strict=False):
                hub.update_scalar(f'train/{key}', value)
        hook.after_train_epoch(runner)
    return log, hub


def test_ratio_is_that_of_the_means_of_each_epoch():
    epochs = [[(1.0, 3.0, 0.5), (3.0, 1.0, 0.5)], [(0.5, 3.0, 0.0), (0.1, 3.0, 0.1)]]
    log, hub = report('ratio', epochs)
    ratios = hub.get_scalar('train/static_ratio').data[0]
    assert ratios.tolist() == pytest.approx([4 / 4, 6 / 0.6])
    assert 'cross-entropy 3.00 of the stills, 0.30 of the clips (ratio 10.00' in log[1][1]
    assert 'stills right in 5 %' in log[1][1]


@pytest.mark.parametrize(
    'clip, still, level, said',
    [
        # measured on real clips: a network that sees no motion
        (1.74, 1.73, logging.WARNING, 'the still keeps up with the clip'),
        (2.91, 3.04, logging.INFO, 'the clips are not learnt yet'),
        (0.06, 2.20, logging.INFO, 'by their motion'),
        (0.0, 2.2, logging.INFO, 'by their motion'),
    ],
)
def test_meaning(clip, still, level, said):
    log, _ = report(f'meaning_{clip}', [[(clip, still, 0.8)]])
    assert len(log) == 1
    assert log[0][0] == level
    assert said in log[0][1]
    assert f'a blind guess has {math.log(21):.2f}' in log[0][1]


def test_a_network_without_static_pass_gets_no_line():
    log, hub = report('plain', [[(1.0,)], [(0.5,)]])
    assert not log
    assert 'train/static_ratio' not in hub.log_scalars
