"""``tools/plot_stability.py`` at the command line."""

from tests.in_process import run_tool
from tests.visualization.test_scalar_logs import train, write
from tests.visualization.test_stability_figure import CONFIG, MONITORS


def test_a_picture_of_two_runs(tmp_path):
    for name in 'ab':
        write(tmp_path / name, '1', [train(20, **MONITORS), train(40, **MONITORS)], CONFIG)
    words = ['a', 'b', '--labels', 'with', 'without', '--out', 'new/fig.png']
    done = run_tool('plot_stability', *words, folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, 'new/fig.png\n')
    assert (tmp_path / 'new' / 'fig.png').read_bytes()[1:4] == b'PNG'
    assert done.stderr.startswith('note: not in the logs: validation contrast of with, ')


def test_bad_input_is_one_line(tmp_path):
    (tmp_path / 'empty').mkdir()
    broken = write(tmp_path / 'broken', '1', [train(20), '{"a', train(40)])
    for run, said in (
        ('empty', 'empty: no <time>/vis_data/scalars.json in it'),
        (tmp_path / 'broken', f'{broken}:2: '),
    ):
        done = run_tool('plot_stability', run, '--out', 'f.png', folder=tmp_path)
        assert done.returncode == 1 and done.stderr.count('\n') == 1
        assert done.stderr.startswith('plot_stability.py: error: ') and said in done.stderr
    assert not (tmp_path / 'f.png').exists()


def test_help_shows_examples():
    done = run_tool('plot_stability', '--help')
    assert done.returncode == 0 and 'examples:' in done.stdout
