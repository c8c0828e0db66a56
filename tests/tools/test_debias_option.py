"""``tools/train.py CONFIG --debias METHOD``: what a user meets at the command line."""

import subprocess
import sys

import numpy as np
import pytest

from albar_mm.compat import resolve_config
from albar_mm.engine import launch
from tests.debias.test_methods import AUDIO, FLOW, OMNI, POSE, TSM
from tests.in_process import TOOLS, tool

AVA = (
    'mmaction::detection/slowfast/slowfast_kinetics400-pretrained-r50_8xb16-4x16x1-20e_ava21-rgb.py'
)
GCN = 'mmaction::skeleton/stgcn/stgcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-2d.py'
BMN = 'mmaction::localization/bmn/bmn_2xb8-400x100-9e_activitynet-feature.py'


@pytest.fixture
def bank(tmp_path):
    """A bank scored for 51 classes."""
    path = tmp_path / 'bank51.npz'
    np.savez(
        path,
        frames=np.zeros((2, 8, 8, 3), np.uint8),
        info='{"window": [0, 1]}',
        probability=np.array([0.5, 0.6], np.float32),
        num_classes=51,
        source=np.array(['a.avi#0', 'a.avi#3']),
    )
    return path


def test_print_config_shows_what_the_method_changes_and_trains_nothing(
    toy_config, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launch.run, 'Runner', None)
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


def test_trains_the_debiased_config_and_leaves_it_in_the_work_folder(toy_config, tmp_path, call):  # noqa: F811
    status, errors = call(
        'train',
        toy_config,
        '--work-dir',
        tmp_path / 'work',
        '--debias',
        'albar',
        '--debias-options',
        'frame=first',
        '--cfg-options',
        'train_cfg.max_epochs=1',
    )
    assert (status, errors) == (0, [])
    dumped = launch.load_config(tmp_path / 'work' / 'toy.py')
    assert dumped.model.type == 'ALBARRecognizer3D' and dumped.model.static.frame == 'first'
    assert (tmp_path / 'work' / 'epoch_1.pth').is_file()


@pytest.mark.parametrize(
    'config, args, wanted',
    [
        (POSE, ['--debias', 'albar'], 'skeletons'),
        (GCN, ['--debias', 'mixup'], 'skeletons'),
        (AUDIO, ['--debias', 'mixup'], 'audio'),
        (FLOW, ['--debias', 'fame'], 'optical flow'),
        (OMNI, ['--debias', 'be'], 'images and videos'),
        (AVA, ['--debias', 'albar'], 'actions of persons'),
        (BMN, ['--debias', 'albar'], 'no recogniser'),
        (
            TSM,
            ['--debias', 'albar', '--cfg-options', 'model.cls_head.multi_class=True'],
            'several labels a clip (multi_class)',
        ),
        (
            TSM,
            [
                '--debias',
                'videomix',
                '--cfg-options',
                'model.cls_head.loss_cls.type=BCELossWithLogits',
            ],
            'several labels a clip (BCELossWithLogits)',
        ),
        (TSM, ['--debias', 'actorcutmix'], 'actorcutmix needs boxes=FILE'),
        (
            TSM,
            ['--debias', 'actorcutmix', '--debias-options', 'boxes=gone.jsonl'],
            'boxes=gone.jsonl: no such file',
        ),
        (TSM, ['--debias', 'sdn'], 'sdn needs scenes=FILE'),
        (
            TSM,
            ['--debias', 'stillmix', '--debias-options', 'bank=gone.npz'],
            'gone.npz: no such file',
        ),
        (
            TSM,
            ['--debias', 'stillmix', '--debias-options', 'bank={bank}'],
            'was scored for 51 classes, '
            'tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb.py has 400',
        ),
        (TSM, ['--debias', 'stilmix'], "unknown method 'stilmix' (did you mean 'stillmix'?)"),
        (TSM, ['--debias', 'mixup', '--debias-options', 'probe=1'], "did you mean 'prob'?"),
        (TSM, ['--debias', 'be', '--debias-options', 'prob=2'], 'prob'),
        (TSM, ['--debias', 'mixup', '--debias-options', 'prob'], 'prob: expected key=value'),
        (TSM, ['--debias-options', 'prob=1'], '--debias-options'),
        ('albar_mm::albar_hmdb51.py', ['--debias', 'albar'], 'is a ALBARRecognizer3D already'),
        (
            'albar_mm::sdn/sdn_swin-tiny_k400-pre_2xb12-32x2x1-30e_hmdb51-rgb.py',
            ['--debias', 'be'],
            'is a SDNRecognizer3D already',
        ),
    ],
)
def test_bad_input_is_one_clear_line(config, args, wanted, bank, call, tmp_path):  # noqa: F811
    args = [arg.format(bank=bank) for arg in args]
    status, errors = call('train', resolve_config(config), '--work-dir', tmp_path / 'work', *args)
    assert status == 1 and len(errors) == 1 and wanted in errors[0], errors
    assert not (tmp_path / 'work').exists()


@pytest.mark.parametrize('method, option', [('actorcutmix', 'boxes'), ('sdn', 'scenes')])
def test_a_damaged_file_is_named_with_its_line(
    method,
    option,
    toy_config,
    call,  # noqa: F811
    tmp_path,
):
    (tmp_path / 'bad.jsonl').write_text('{"video": "clip_0.mp4",\n')
    files = {'boxes': 'bad.jsonl', **({'scenes': 'bad.jsonl'} if option == 'scenes' else {})}
    status, errors = call(
        'train',
        toy_config,
        '--work-dir',
        tmp_path / 'work',
        '--debias',
        method,
        '--debias-options',
        *(f'{key}={path}' for key, path in files.items()),
    )
    assert status == 1 and len(errors) == 1 and 'bad.jsonl:1: ' in errors[0], errors
    assert not list(tmp_path.rglob('*.pth'))


def test_a_real_process_ends_with_one_line_and_nothing_else(toy_config, tmp_path):
    done = subprocess.run(
        [sys.executable, TOOLS / 'train.py', toy_config, '--debias', 'stilmix'],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, '')
    assert done.stderr.startswith("train.py: error: --debias: unknown method 'stilmix'")
    assert done.stderr.count('\n') == 1 and sorted(p.name for p in tmp_path.iterdir()) == ['toy.py']
