"""Curves as MMEngine's logger left them."""

import json
import math

import pytest

from albar_mm.visualization.stability_figure import read_run


def write(folder, start, lines, config=None, end=''):
    """One start of a run; lines are dicts or text."""
    data = folder / start / 'vis_data'
    data.mkdir(parents=True)
    text = ''.join((json.dumps(line) if isinstance(line, dict) else line) + '\n' for line in lines)
    (data / 'scalars.json').write_text(text + end)
    if config is not None:
        (data / 'config.py').write_text(config)
    return data / 'scalars.json'


def train(step, **scalars):
    return dict(lr=0.1, epoch=1 + (step - 1) // 40, iter=step, step=step, **scalars)


def curve(log, key):
    steps, values = log.curves[key]
    return steps.tolist(), values.tolist()


def losses(**values):
    return [train(int(step[1:]), loss_cls=value) for step, value in values.items()]


def probe(step, value, key='static_probe/top1'):
    return {key: value, 'time': 0.1, 'step': step}


def val(epoch, value):
    return probe(epoch, value, 'val/contrast')


def test_validation_by_epoch_is_placed_at_the_last_logged_iteration(tmp_path):
    lines = [probe(0, 50.0), *losses(_20=2.0, _40=1.0), probe(40, 25.0), val(1, 60.0)]
    write(tmp_path, '1', [*lines, *losses(_60=0.5), probe(80, 5.0), val(2, 70.0)])
    log = read_run(tmp_path)
    assert curve(log, 'val/contrast') == ([40, 80], [60.0, 70.0])
    assert curve(log, 'static_probe/top1') == ([0, 40, 80], [50.0, 25.0, 5.0])
    assert curve(log, 'loss_cls') == ([20, 40, 60], [2.0, 1.0, 0.5])
    assert log.left_out == () and log.num_classes is None


def test_a_resumed_run_replaces_what_was_lost(tmp_path):
    lines = [*losses(_20=2.0, _40=1.0), val(1, 1.0), *losses(_60=9.0, _80=math.inf), val(2, 9.0)]
    write(tmp_path, '20260101_1', lines)
    write(tmp_path, '20260101_2', [*losses(_60=0.5), val(2, 2.0)])
    tested = write(tmp_path, '20260101_3', [val(0, 7.0)])
    log = read_run(tmp_path)
    assert curve(log, 'loss_cls') == ([20, 40, 60], [2.0, 1.0, 0.5])
    assert curve(log, 'val/contrast') == ([40, 60], [1.0, 2.0])
    assert log.left_out == (f'{tested}: no training in it',)
    one = read_run(tmp_path / '20260101_1')  # what is not finite is kept
    assert curve(one, 'loss_cls') == ([20, 40, 60, 80], [2.0, 1.0, 9.0, math.inf])
    last = read_run(tmp_path / '20260101_2' / 'vis_data' / 'scalars.json')
    assert curve(last, 'loss_cls') == ([60], [0.5])


@pytest.mark.parametrize(
    'config, expected',
    [
        ('a = dict(num_classes=3)\nmodel = dict(cls_head=dict(num_classes=8))\n', 8),
        ('model = dict(backbone=dict(num_classes=8))\n', None),
        ('raise SystemExit("a config is data here, never run")\n', None),
        ('model = dict(', None),
    ],
)
def test_number_of_classes_is_read_without_running_the_config(tmp_path, config, expected):
    write(tmp_path, '1', [train(20)], config)
    assert read_run(tmp_path).num_classes == expected


def test_a_line_cut_off_by_a_kill_is_left_out_and_said(tmp_path):
    file = write(tmp_path, '1', losses(_20=1.0), end='{"lr": 0.1, "lo')
    log = read_run(tmp_path)
    assert curve(log, 'loss_cls') == ([20], [1.0])
    assert log.left_out == (f'{file}:2: cut off while it was written',)


@pytest.mark.parametrize(
    'line',
    ['{"lr": 0.1, "lo', '[1, 2]', '{"step": "x"}', '{"step": -5}', '{"step": 1' + '0' * 400 + '}'],
)
def test_a_broken_line_is_named(tmp_path, line):
    file = write(tmp_path, '1', [train(20), line, train(40)])
    with pytest.raises(ValueError, match=f'{file}:2: .*; mend or remove this line'):
        read_run(tmp_path)
    with pytest.raises(FileNotFoundError, match='no <time>/vis_data/scalars.json in it'):
        read_run(tmp_path / '1' / 'vis_data')
    write(tmp_path / 'tested', '1', [val(0, 7.0)])
    with pytest.raises(ValueError, match='no scalars.json in it holds a training iteration'):
        read_run(tmp_path / 'tested')
