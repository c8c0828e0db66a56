from types import SimpleNamespace

import pytest
from mmaction.registry import HOOKS
from mmengine.logging import MessageHub

from albar_mm.engine.hooks.static_weight_hook import StaticWeightHook, WeightSchedule
from tests import toy_recognizers as toys


@pytest.mark.parametrize(
    'schedule, expected',
    [
        (dict(weight=10.0, begin=2, end=6), [0, 0, 0, 2.5, 5, 7.5, 10, 10]),
        (dict(weight=1.0, begin=0, end=4, start_weight=3.0), [3, 2.5, 2, 1.5, 1, 1, 1, 1]),
        (dict(weight=4.0, mode='step', begin=3), [0, 0, 0, 4, 4, 4, 4, 4]),
        (dict(weight=4.0, mode='window', begin=2, end=4, start_weight=1.0), [1, 1, 4, 4] + [1] * 4),
    ],
)
def test_weight_over_time(schedule, expected):
    schedule = WeightSchedule(loss='gp', **schedule)
    assert [schedule.at(t) for t in range(8)] == pytest.approx(expected)


def runner(model, epoch=0, iter=0):
    hub = MessageHub.get_instance('static_weight_hook')
    return SimpleNamespace(model=model, epoch=epoch, iter=iter, message_hub=hub)


@pytest.mark.parametrize('by_epoch', [True, False])
def test_weights_are_a_function_of_progress_so_resuming_continues(by_epoch):
    step = dict(loss='adv', weight=1.0, mode='step', begin=2)
    schedules = [dict(loss='gp', weight=10.0, end=5), step]
    cfg = dict(type='StaticWeightHook', by_epoch=by_epoch, schedules=schedules)
    hook, model = HOOKS.build(cfg), toys.build()
    at = dict(epoch=3, iter=99) if by_epoch else dict(epoch=0, iter=3)
    resumed = runner(model, **at)  # a fresh hook, met in the middle
    hook.before_train(resumed)
    hook.before_train_iter(resumed, 0)
    weights = {term.name: term.weight for term in model.static_losses}
    assert weights == pytest.approx(dict(gp=6.0, adv=1.0, ent=4.0))
    assert resumed.message_hub.get_scalar('train/static_weight_gp').current() == pytest.approx(6.0)


def test_a_weight_of_zero_leaves_the_term_out():
    hook = StaticWeightHook([dict(loss='gp', weight=10.0, mode='step', begin=1)])
    model = toys.build()
    hook.before_train_iter(runner(model, epoch=0), 0)
    _, losses = toys.total_loss(model, toys.batch([0, 1], [0, 1]))
    assert 'loss_static_gp' not in losses and 'loss_static_adv' in losses
    hook.before_train_iter(runner(model, epoch=1), 0)
    _, losses = toys.total_loss(model, toys.batch([0, 1], [0, 1]))
    assert losses['loss_static_gp'].item() == pytest.approx(10 * losses['static_penalty'].item())
    hook = StaticWeightHook([dict(loss='penalty', weight=1.0, end=2)])
    with pytest.raises(ValueError, match=r"no static loss 'penalty', it has \['adv', 'ent'"):
        hook.before_train(runner(model))


@pytest.mark.parametrize(
    'schedules, match',
    [
        (dict(loss='gp', weight=1.0), 'non-empty list'),
        ([dict(loss='gp', weight=1.0, begin=3, end=3)], 'needs end > begin'),
        ([dict(loss='gp', weight=1.0, mode='cosine', end=3)], 'mode must be one of'),
        ([dict(loss='gp', weight=-1.0, end=3)], 'weight: expected a finite number from 0'),
        ([dict(loss='gp', weight=1.0, begin=-1, end=3)], 'begin: expected a whole number from 0'),
        ([dict(loss='gp', weight=1.0, mode='step', end=3)], 'takes no end'),
        ([dict(loss='gp', weight=1.0, end=3), dict(loss='gp', weight=2.0, end=3)], 'two schedules'),
    ],
)
def test_illegal_schedules(schedules, match):
    with pytest.raises(ValueError, match=match):
        StaticWeightHook(schedules)
