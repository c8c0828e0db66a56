"""``tools/train.py CONFIG --debias METHOD``: what a user meets at the command line."""

import subprocess
import sys

import pytest

from albar_mm.engine import launch
from tests.in_process import TOOLS, tool


def test_print_config_shows_what_the_method_changes_and_trains_nothing(
    toy_config, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launch.run, 'RUNNERS', None)
    args = [str(toy_config), '--debias', 'mixup', '--debias-options', 'prob=0.25', '--print-config']
    assert tool('train').main(args) == 0
    shown = capsys.readouterr().out.splitlines()
    added = [line[1:].strip() for line in shown if line.startswith('+') and line[1:2] == ' ']
    removed = [line for line in shown if line.startswith('-') and line[1:2] == ' ']
    assert any("type='ClipMixupBlending'" in line for line in added), shown
    assert any('prob=0.25' in line for line in added) and not removed
    assert not (tmp_path / 'work_dirs').exists()


def test_print_config_without_a_method_is_a_config(toy_config, tmp_path, capsys):
    assert tool('train').main([str(toy_config), '--print-config']) == 0
    (tmp_path / 'shown.py').write_text(capsys.readouterr().out)
    assert launch.load_config(tmp_path / 'shown.py').model == launch.load_config(toy_config).model


def test_trains_the_debiased_config_and_leaves_it_in_the_work_folder(toy_config, tmp_path, call):
    options = ['--debias-options', 'frame=first', '--cfg-options', 'train_cfg.max_epochs=1']
    work = tmp_path / 'work'
    status, errors = call('train', toy_config, '--work-dir', work, '--debias', 'albar', *options)
    assert (status, errors) == (0, [])
    dumped = launch.load_config(work / 'toy.py')
    assert dumped.model.type == 'ALBARRecognizer3D' and dumped.model.static.frame == 'first'
    assert (work / 'epoch_1.pth').is_file()


@pytest.mark.parametrize(
    'args, wanted',
    [
        ('--debias albar --cfg-options model.cls_head.multi_class=True', 'clip (multi_class)'),
        ('--debias stillmix --debias-options bank=gone.npz', 'bank=gone.npz: no such file'),
        ('--debias mixup --debias-options prob', 'prob: expected key=value'),
        ('--debias-options prob=1', '--debias-options are those of a method'),
    ],
)
def test_bad_input_is_one_clear_line(toy_config, args, wanted, call, tmp_path):
    status, errors = call('train', toy_config, '--work-dir', tmp_path / 'work', *args.split())
    assert status == 1 and len(errors) == 1 and wanted in errors[0], errors
    assert not (tmp_path / 'work').exists()


@pytest.mark.parametrize('method, option', [('actorcutmix', 'boxes'), ('sdn', 'scenes')])
def test_a_damaged_file_is_named_with_its_line(method, option, toy_config, call, tmp_path):
    (tmp_path / 'bad.jsonl').write_text('{"video": "clip_0.mp4",\n')
    files = [f'{name}=bad.jsonl' for name in {'boxes', option}]
    command = ['train', toy_config, '--work-dir', tmp_path / 'work', '--debias', method]
    status, errors = call(*command, '--debias-options', *files)
    assert status == 1 and len(errors) == 1 and 'bad.jsonl:1: ' in errors[0], errors
    assert not list(tmp_path.rglob('*.pth'))


def test_a_real_process_ends_with_one_line_and_nothing_else(toy_config, tmp_path):
    command = [sys.executable, TOOLS / 'train.py', toy_config, '--debias', 'stilmix']
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, '')
    assert done.stderr.startswith("train.py: error: --debias: unknown method 'stilmix'")
    assert done.stderr.count('\n') == 1 and sorted(p.name for p in tmp_path.iterdir()) == ['toy.py']
