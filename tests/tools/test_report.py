"""``tools/report.py`` at the command line."""

import subprocess
import sys

import pytest

from tests.report.results_files import metrics, write

from .test_train_and_test import TOOLS, tool


def call(capfd, monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', ['report.py'])
    monkeypatch.delenv('WORLD_SIZE', raising=False)
    capfd.readouterr()
    status = tool('report').main([str(arg) for arg in args])
    return (status, *capfd.readouterr())


def test_a_report_of_a_folder(tmp_path, capfd, monkeypatch):
    for place in ('erm/seed0', 'erm/seed1', 'albar/seed0'):
        write(tmp_path / 'runs' / place)
    page, table = tmp_path / 'r.html', tmp_path / 'r.md'
    status, said, notes = call(
        capfd, monkeypatch, tmp_path / 'runs', '--out', page, '--markdown', table
    )
    assert status == 0 and said.endswith(f'{page}\n{table}\n') and '| erm ' in said
    assert page.read_text().startswith('<!DOCTYPE html>') and table.is_file()
    assert notes.startswith('note: no per-class scores in 3 of 3 files')


def test_a_broken_bound_is_printed_and_told_by_the_exit_status(tmp_path, capfd, monkeypatch):
    path = write(tmp_path / 'erm', metrics(contrasted=99))
    status, _, said = call(capfd, monkeypatch, '--names', f'x={path}', '--out', tmp_path / 'r.html')
    assert status == 3 and (tmp_path / 'r.html').is_file()
    assert 'x, seed 0, average: contrasted 99.00 is not between 40.00 and 60.00' in said


def test_bad_input_is_one_line(tmp_path, capfd, monkeypatch):
    (tmp_path / 'results.json').write_text('{')
    status, said, error = call(capfd, monkeypatch, tmp_path, '--out', tmp_path / 'r.html')
    assert status == 1 and not said and error.count('\n') == 1
    assert error.startswith(f'report.py: error: {tmp_path}/results.json: not JSON')
    assert not (tmp_path / 'r.html').exists()
    for wrong in ([], ['--names', 'no path']):
        with pytest.raises(SystemExit) as left:
            call(capfd, monkeypatch, *wrong)
        assert left.value.code == 2


def test_help_shows_examples(tmp_path):
    done = subprocess.run(
        [sys.executable, TOOLS / 'report.py', '--help'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and 'examples:' in done.stdout
