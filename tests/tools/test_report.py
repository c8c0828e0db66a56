"""``tools/report.py`` at the command line."""

import pytest

from tests.in_process import run_tool
from tests.report.results_files import metrics, write


def test_a_report_of_a_folder(tmp_path):
    for place in ('erm/seed0', 'erm/seed1', 'albar/seed0'):
        write(tmp_path / 'runs' / place)
    page, table = tmp_path / 'r.html', tmp_path / 'r.md'
    done = run_tool('report', tmp_path / 'runs', '--out', page, '--markdown', table)
    assert done.returncode == 0 and done.stdout.endswith(f'{page}\n{table}\n')
    assert '| erm ' in done.stdout and '| erm ' in table.read_text()
    assert page.read_text().startswith('<!DOCTYPE html>')
    assert done.stderr.startswith('note: no per-class scores in 3 of 3 files')


def test_a_broken_bound_is_printed_and_told_by_the_exit_status(tmp_path):
    path = write(tmp_path / 'erm', metrics(contrasted=99))
    done = run_tool('report', '--names', f'x={path}', folder=tmp_path)
    assert done.returncode == 3 and (tmp_path / 'report.html').is_file()
    assert 'x, seed 0, average: contrasted 99.00 is not between 40.00 and 60.00' in done.stderr


def test_bad_input_is_one_line(tmp_path):
    (tmp_path / 'results.json').write_text('{')
    done = run_tool('report', tmp_path, '--out', tmp_path / 'r.html')
    assert done.returncode == 1 and not done.stdout and done.stderr.count('\n') == 1
    assert done.stderr.startswith(f'report.py: error: {tmp_path}/results.json: is no JSON')
    assert not (tmp_path / 'r.html').exists()


@pytest.mark.parametrize(
    'words, status, said',
    [
        ([], 2, 'name at least one results.json or folder'),
        (['--names', 'no path'], 2, "--names takes METHOD=PATH, got 'no path'"),
        (['--help'], 0, 'examples:'),
    ],
)
def test_words(words, status, said):
    done = run_tool('report', *words)
    assert done.returncode == status and said in done.stdout + done.stderr
