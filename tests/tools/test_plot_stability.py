"""``tools/plot_stability.py`` at the command line."""

import subprocess
import sys

from tests.visualization.test_scalar_logs import train, write
from tests.visualization.test_stability_figure import CONFIG, MONITORS

from .test_train_and_test import TOOLS, tool


def call(capfd, monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', ['plot_stability.py'])
    monkeypatch.delenv('WORLD_SIZE', raising=False)
    capfd.readouterr()
    status = tool('plot_stability').main([str(arg) for arg in args])
    return (status, *capfd.readouterr())


def test_a_picture_of_two_runs(tmp_path, capfd, monkeypatch):
    for name in 'ab':
        write(tmp_path / name, '1', [train(20, **MONITORS), train(40, **MONITORS)], CONFIG)
    out = tmp_path / 'new' / 'fig.png'
    status, said, notes = call(
        capfd,
        monkeypatch,
        tmp_path / 'a',
        tmp_path / 'b',
        '--labels',
        'with',
        'without',
        '--out',
        out,
    )
    assert (status, said.strip()) == (0, str(out)) and out.read_bytes()[1:4] == b'PNG'
    assert notes.startswith('note: not in the logs: validation contrast of with, ')


def test_bad_input_is_one_line(tmp_path, capfd, monkeypatch):
    (tmp_path / 'empty').mkdir()
    status, _, said = call(capfd, monkeypatch, tmp_path / 'empty', '--out', tmp_path / 'f.png')
    assert status == 1 and said.count('\n') == 1 and 'Traceback' not in said
    assert f'{tmp_path}/empty: no <time>/vis_data/scalars.json in it' in said
    broken = write(tmp_path / 'broken', '1', [train(20), '{"a', train(40)])
    status, _, said = call(capfd, monkeypatch, tmp_path / 'broken', '--out', tmp_path / 'f.png')
    assert status == 1 and said.count('\n') == 1 and f'{broken}:2: no line of scalars' in said
    assert not (tmp_path / 'f.png').exists()


def test_help_shows_examples(tmp_path):
    done = subprocess.run(
        [sys.executable, TOOLS / 'plot_stability.py', '--help'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and 'examples:' in done.stdout
