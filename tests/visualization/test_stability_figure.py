"""The picture of static bias over training."""

import math

import cv2
import numpy as np
import pytest

from albar_mm.visualization import plot_stability, stability_figure
from albar_mm.visualization.stability_figure import RunLog

from .test_scalar_logs import train, write

BLUE, RED = (180, 119, 31), (40, 39, 214)  # BGR of the first two runs
CONFIG = 'model = dict(cls_head=dict(num_classes=4))\n'
MONITORS = dict(loss_cls=1.0, static_top1=0.2, static_ce=1.4, static_entropy=1.3)


def log(**curves):
    steps = np.arange(1, 6) * 20
    named = {key.replace('__', '/'): np.array(values, float) for key, values in curves.items()}
    return RunLog({key: (steps, values) for key, values in named.items()}, 4)


def coloured(path, colour):
    picture = cv2.imread(str(path)).astype(int)
    return abs(picture - colour).sum(-1) < 30


def test_every_panel_shows_its_curve_in_the_colour_of_the_run(tmp_path):
    probe = [f'static_probe__{name}' for name in ('top1', 'entropy', 'cross_entropy', 'contrast')]
    curves = dict.fromkeys([*probe, 'loss_cls'], [1, 2, 3, 4, 5])
    path = stability_figure(tmp_path / 'a.png', {'one': log(**curves)}, 4)
    assert [p.name for p in tmp_path.iterdir()] == ['a.png']
    shown = coloured(path, BLUE)
    height, width = shown.shape
    cells = [
        shown[r * height // 2 : (r + 1) * height // 2, c * width // 3 : (c + 1) * width // 3]
        for r in range(2)
        for c in range(3)
    ]
    counts = [int(cell.sum()) for cell in cells]
    assert min(counts[:5]) > 150 and 0 < counts[5] < 400  # five curves and a bar of the legend
    for cell in cells[:5]:  # all of them rise
        rows, columns = np.nonzero(cell)
        assert np.corrcoef(rows, columns)[0, 1] < -0.95


def test_plain_and_albar_runs_of_unlike_logs_share_the_panels(tmp_path):
    plain = log(loss_cls=[1] * 5, static_probe__top1=[80] * 5)
    losses = [2, 2, math.nan, math.nan, math.inf]
    albar = log(loss_cls=losses, static_top1=[0.2] * 5, static_ce=[2, 20, 200, 2000, 20000])
    path = stability_figure(tmp_path / 'b.png', {'plain': plain, 'ALBAR': albar})
    assert coloured(path, BLUE).sum() > 300 and coloured(path, RED).sum() > 300


def test_runs_are_read_named_and_what_is_missing_is_said(tmp_path):
    write(tmp_path / 'albar', '1', [train(20, **MONITORS), train(40, **MONITORS)], CONFIG)
    write(tmp_path / 'plain', '1', [train(20, loss_cls=1.0)], CONFIG, end='{"l')
    path, notes = plot_stability([tmp_path / 'albar', tmp_path / 'plain'], tmp_path / 'c.png')
    assert path.is_file() and len(notes) == 2
    assert notes[0].endswith('scalars.json:2: cut off while it was written')
    assert notes[1] == (
        'not in the logs: validation contrast of albar, static top-1 of plain, static entropy of '
        'plain, static cross-entropy of plain, validation contrast of plain (StaticProbeHook would '
        'log it)'
    )


def test_bad_runs(tmp_path):
    run, other, nothing = (tmp_path / name for name in ('run', 'other', 'nothing'))
    write(run, '1', [train(20, **MONITORS)], CONFIG)
    write(other, '1', [train(20, **MONITORS)], CONFIG.replace('4', '5'))
    write(nothing, '1', [train(20, grad_norm=1.0)], CONFIG)
    out = tmp_path / 'd.png'
    for runs, path, options, message in (
        ([run, run], out, dict(labels=['a']), '1 labels for 2 runs'),
        ([run, run], out, {}, 'names of their own'),
        ([run, other], out, {}, r'different numbers of classes, \[4, 5\]'),
        ([nothing], out, {}, 'nothing: the log holds none of .*StaticProbeHook'),
        ([run], out, dict(num_classes=1), 'num_classes must be at least 2'),
        ([run], tmp_path / 'd.xyz', {}, '[Ff]ormat .*xyz.* not supported'),
    ):
        with pytest.raises(ValueError, match=message):
            plot_stability(runs, path, **options)
    assert not out.exists() and not list(tmp_path.glob('.*'))
