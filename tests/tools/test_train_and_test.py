"""``tools/train.py`` and ``tools/test.py``: what a user meets at the command line."""

import logging
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.runner import Runner

from albar_mm.compat.config import get_installed_path
from albar_mm.debias import METHODS
from albar_mm.engine import launch
from albar_mm.engine.launch import testing
from albar_mm.utils.errors import WriteError
from tests.in_process import TOOLS, tool
from tests.toy import write_toy_config


@pytest.fixture(scope='module')
def trained(tmp_path_factory, toy_videos):
    """Work folder of one short training."""
    folder = tmp_path_factory.mktemp('trained')
    config = write_toy_config(folder / 'toy.py', toy_videos)
    options = dict(train_cfg=dict(max_epochs=1))
    launch.train(config, work_dir=folder / 'work', cfg_options=options, seed=3)
    return folder / 'work'


@pytest.mark.parametrize('name', sorted(path.stem for path in TOOLS.glob('[!_]*.py')))
def test_help_from_any_folder(name, tmp_path):
    """Shows examples at once: nothing heavy is imported, nothing needs to be installed."""
    env = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
    command = [sys.executable, '-X', 'importtime', TOOLS / f'{name}.py', '--help']
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0 and 'examples:' in done.stdout and '--debug' in done.stdout
    assert not re.search(r'\| +(torch|numpy|mmengine|albar_mm)$', done.stderr, re.MULTILINE)


def test_flags_are_those_of_mmaction2():
    """Every flag of the released tools is known here."""
    upstream = Path(get_installed_path('mmaction2')) / '.mim' / 'tools'
    for name in ('train', 'test'):
        theirs, ours, shared = (
            set(re.findall(r"'(--[\w-]+)'", path.read_text()))
            for path in (upstream / f'{name}.py', TOOLS / f'{name}.py', TOOLS / '_command.py')
        )
        assert len(theirs) >= 8 and theirs <= ours | shared


def test_train_then_test_with_the_dumped_config(trained, call, tmp_path):
    """The config in the work folder is enough to test, also after a resumed run."""
    again = ['--work-dir', trained, '--resume', '--no-validate']
    longer = ['--cfg-options', 'train_cfg.max_epochs=2']
    assert call('train', trained / 'toy.py', *again, *longer) == (0, [])
    dumped = launch.load_config(trained / 'toy.py')
    assert dumped.resume is True and dumped.randomness.seed == 3
    dump, show = tmp_path / 'pred.pkl', tmp_path / 'show'
    options = ['--work-dir', tmp_path / 'out', '--dump', dump, '--show-dir', show, '--interval', 3]
    gone = ['--cfg-options', 'train_dataloader.dataset.ann_file=gone.txt']
    assert call('test', trained / 'toy.py', trained / 'epoch_2.pth', *options, *gone) == (0, [])
    predictions = pickle.loads(dump.read_bytes())
    assert len(predictions) == 8
    assert all(abs(float(p['pred_score'].sum()) - 1) < 1e-5 for p in predictions)
    assert sorted(p.name for p in show.iterdir()) == ['000000.png', '000003.png', '000006.png']
    accuracy = sum(int(p['pred_score'].argmax()) == int(p['gt_label']) for p in predictions) / 8
    metrics = launch.test(trained / 'toy.py', trained / 'epoch_2.pth', work_dir=tmp_path / 'again')
    assert metrics['acc/top1'] == pytest.approx(accuracy)


@pytest.mark.parametrize(
    ('args', 'wanted'),
    [
        ('gone.py', r'config gone.py: no such file; the current folder is /'),
        ('albar_mm::gone', r'config albar_mm::gone: no file gone.py in /'),
        ('albar_mm::albar_sprite', r"did you mean '.*/albar_sprites.py'"),
        ('erm_sprite.py', r"erm_sprite.py: no such file .did you mean 'albar_mm::erm_sprites.py'"),
        ('{} --cfg-options nonsense', r'--cfg-options nonsense: expected key=value'),
        (
            "{} --cfg-options a.b={{'c':[1,2]}}",
            r"--cfg-options a.b={'c':\[1,2\]}: .* entry by entry, as a.b.<entry>=<value>$",
        ),
        ('{} --cfg-options a.b=[1,(2]', r'--cfg-options a.b=\[1,\(2\]: expected a number, a text'),
        ('{} --resume gone.pth', r'checkpoint gone.pth: no such file'),
        ('{} --launcher pytorch', r'start it with torchrun'),
        (
            '{} --cfg-options train_dataloader.dataset.ann_file=gone.txt',
            r'dataset.ann_file: annotation file /.*gone.txt: no such file: add --cfg-options',
        ),
        (
            '{} --cfg-options train_dataloader.dataset.data_prefix.video=gone',
            r'dataset.data_prefix.video: data folder /.*gone: no such folder: add --cfg-options',
        ),
        (
            '{} --cfg-options load_from=gone.pth',
            r'load_from: checkpoint gone.pth: no such file: add --cfg-options load_from=<path>',
        ),
        (
            '{} --cfg-options load_from=data/weights/swin3d_t_k400.pth',
            r'no such file: python tools/convert_checkpoint.py swin3d-torchvision <swin3d_t-7615a',
        ),
        (
            '{} --cfg-options load_from=http://127.0.0.1:9/w.pth',
            r'load_from: http://127.0.0.1:9/w.pth cannot be downloaded \(Connection refused\): '
            r'.* \(--cfg-options load_from=<file>; load_from=None begins at random\)$',
        ),
        (
            '{} --cfg-options model.backbone.init_cfg.type=Pretrained '
            'model.backbone.init_cfg.checkpoint=http://127.0.0.1:9/w.pth',
            r'model.backbone.init_cfg.checkpoint: http://127.0.0.1:9/w.pth cannot be downloaded'
            r'.* model.backbone.init_cfg=None begins at random\)$',
        ),
        ('{} --cfg-options model.type=Nobody', r'Nobody is not in .*--debug shows'),
    ],
)
def test_training_errors_are_one_line(call, toy_config, args, wanted):
    status, lines = call('train', *args.format(toy_config).split())
    assert status == 1 and len(lines) == 1
    assert re.search(wanted, lines[0]) and lines[0].startswith('train.py: error: ')


def test_testing_errors_are_one_line(call, toy_config, trained, tmp_path):
    torch.save(dict(state_dict=dict(other=torch.ones(1))), tmp_path / 'other.pth')
    (tmp_path / 'broken.pth').write_bytes(b'not a checkpoint')
    (tmp_path / 'wrong.py').write_text('a = = 1\n')
    weights = trained / 'epoch_1.pth'
    for args, wanted in (
        ((toy_config, 'gone.pth'), 'checkpoint gone.pth: no such file'),
        (
            (toy_config, 'http://127.0.0.1:9/w.pth'),
            'w.pth cannot be downloaded (Connection refused): fetch it where there is a network, '
            'and name the file in place of the address',
        ),
        ((toy_config, 'broken.pth'), 'broken.pth cannot be read as a PyTorch checkpoint'),
        ((toy_config, 'other.pth'), '102 of its 102 tensors did not arrive'),
        ((toy_config, weights, '--dump', 'p.txt'), '--dump p.txt: the name must end in .pkl'),
        (('wrong.py', weights), 'wrong.py: SyntaxError'),
        ((toy_config, weights, '--dump', '/proc/no/p.pkl'), '/proc/no/p.pkl: cannot be written'),
        ((toy_config, weights, '--show-dir', '/proc/no'), '/proc/no: cannot be written'),
    ):
        status, lines = call('test', *args)
        assert status == 1 and len(lines) == 1 and wanted in lines[0], lines
    _, lines = call('test', toy_config, weights, '--cfg-options', 'model.cls_head.num_classes=3')
    assert '2 of its 102 tensors did not arrive, as cls_head' in lines[0]


def test_results_outlive_a_dump_that_fails(call, toy_config, trained, tmp_path, monkeypatch):
    def full(path, data):
        raise WriteError(f'{path}: cannot be written: the disk is full')

    monkeypatch.setattr(testing, 'write_bytes', full)
    (tmp_path / 'toy2.py').write_text(
        f"_base_ = {str(toy_config)!r}\ncustom_hooks = [dict(type='ResultsHook')]\n"
    )
    options = ['--dump', tmp_path / 'p.pkl', '--work-dir', tmp_path / 'out']
    status, (line,) = call('test', tmp_path / 'toy2.py', trained / 'epoch_1.pth', *options)
    assert status == 1 and 'p.pkl: cannot be written: the disk is full' in line
    assert 'acc/top1' in (tmp_path / 'out/results.json').read_text()


LAZY = """
from mmengine.config import read_base
with read_base():
    from .base import *
from albar_mm.evaluation.results import ResultsHook
from mmaction.datasets import VideoDataset
from mmaction.datasets.transforms import (
    DecordDecode, DecordInit, FormatShape, PackActionInputs, Resize, SampleFrames)
from mmaction.evaluation import AccMetric
from mmaction.models import ActionDataPreprocessor, I3DHead, Recognizer3D, ResNet3d
from mmengine.runner import EpochBasedTrainLoop
from torch.optim import AdamW
"""


@pytest.mark.parametrize('method', ['', *METHODS])
def test_configs_in_pure_python(call, toy_config, tmp_path, method):
    """``read_base()`` and classes for types: each method; one training, its test and results."""
    own = {'actorcutmix', 'sdn'}  # of files; what they change is the same for all configs
    written = re.sub(
        r"type='(\w+)'", lambda m: f'type={m[1]}' if m[1] in LAZY else m[0], toy_config.read_text()
    )
    (tmp_path / 'base.py').write_text("default_scope = 'mmaction'\n")
    hooks = 'custom_hooks = [dict(type=ResultsHook)]\n'
    (tmp_path / 'lazy.py').write_text(LAZY + written + hooks)
    words = ['--debias', method] * bool(method)
    if method not in own:
        assert call('train', tmp_path / 'lazy.py', *words, '--print-config') == (0, [])
    if method in ('', 'albar'):
        work, once = tmp_path / 'w', ['--cfg-options', 'train_cfg.max_epochs=1']
        assert call('train', tmp_path / 'lazy.py', *words, '--work-dir', work, *once) == (0, [])
        tested = ('test', tmp_path / 'lazy.py', work / 'epoch_1.pth', '--work-dir', work)
        assert call(*tested) == (0, []) and (work / 'results.json').is_file()


def test_debug_shows_the_trace(call, toy_config, capfd):
    tool('train').main(['gone.py', '--debug'])
    assert 'Traceback (most recent call last)' in capfd.readouterr().err


def test_interruption_says_how_to_go_on(call, toy_config, tmp_path, monkeypatch):
    def interrupted(self):
        (Path(self.work_dir) / 'last_checkpoint').write_text('epoch_1.pth')
        raise KeyboardInterrupt

    monkeypatch.setattr(Runner, 'train', interrupted)
    status, lines = call('train', toy_config, '--work-dir', tmp_path / 'w')
    assert status == 130
    assert lines == [
        f'train.py: interrupted: finished checkpoints are in {tmp_path / "w"}; add --resume to the '
        'command to go on'
    ]


def test_options_reach_the_runner(toy_config, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(Runner, 'train', lambda self: seen.append(self))
    options = ['train_dataloader.batch_size=4', 'optim_wrapper.optimizer.lr=0.5']
    flags = dict.fromkeys(('no_validate', 'auto_scale_lr', 'amp', 'deterministic'), True)
    launch.train(toy_config, work_dir=tmp_path / 'a', seed=7, cfg_options=options, **flags)
    torch.use_deterministic_algorithms(False)
    cfg = seen[0].cfg
    assert cfg.randomness == dict(seed=7, diff_rank_seed=False, deterministic=True)
    assert cfg.auto_scale_lr.enable and cfg.val_dataloader is None
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper' and cfg.optim_wrapper.optimizer.lr == 0.5
    assert seen[0].seed == 7


def test_batch_size_warning(toy_config, tmp_path, monkeypatch):
    warnings = []
    monkeypatch.setattr(Runner, 'train', lambda self: None)
    monkeypatch.setattr(logging.Logger, 'warning', lambda self, text, *_: warnings.append(text))
    for batch, scaled, expected in ((2, False, 0), (6, False, 1), (6, True, 0)):
        warnings.clear()
        options = {'train_dataloader.batch_size': batch}
        work = tmp_path / 'w'
        launch.train(toy_config, work_dir=work, auto_scale_lr=scaled, cfg_options=options)
        said = [text for text in warnings if 'learning rate was chosen' in str(text)]
        assert len(said) == expected
    cfg = launch.load_config(toy_config)
    cfg.pop('auto_scale_lr')
    with pytest.raises(launch.LaunchError, match='base_batch_size'):
        launch.train(cfg, auto_scale_lr=True)
