"""Two processes on CPU through ``torchrun tools/train.py --launcher pytorch``."""

import pickle
from pathlib import Path

import pytest
import torch

from albar_mm import compat
from tests.processes import torchrun

ROOT = Path(__file__).resolve().parents[2]


def printed_by(folder: Path, *args: object) -> str:
    """Run a tool in two processes; return all that it printed."""
    done = torchrun(folder, *args, '--launcher', 'pytorch')
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def configured(toy_config: Path, folder: Path):
    """A config whose step depends on the average gradient of the batch alone; also ``cfg.py``."""
    from albar_mm.engine import launch

    cfg = launch.load_config(toy_config)
    cfg.merge_from_dict(
        dict(
            train_cfg=dict(max_epochs=1),
            model=dict(backbone=dict(norm_eval=True)),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.05, _delete_=True)),
            train_dataloader=dict(sampler=dict(shuffle=False)),
            find_unused_parameters=True,
        )
    )
    cfg.dump(str(folder / 'cfg.py'))
    return cfg


def test_training_in_two_processes(toy_config, tmp_path):
    """Two batches of 2 in two processes give the weights of one batch of 4 in one process.

    DDP averages the gradients of the two halves; without batch statistics, dropout or shuffling
    that is the gradient of the whole batch. The accuracy joins the results of both processes.
    """
    from albar_mm.engine import launch

    cfg = configured(toy_config, tmp_path)
    printed = printed_by(
        tmp_path, ROOT / 'tools' / 'train.py', 'cfg.py', '--work-dir', 'two', '--seed', 1
    )
    assert 'No CUDA device: distributed training uses the gloo backend' in printed
    assert 'The learning rate was chosen for batches of 2, but 4' in printed
    cfg.train_dataloader.batch_size = 4
    one = launch.train(cfg, work_dir=tmp_path / 'one', seed=1, no_validate=True)
    two = compat.safe_load(tmp_path / 'two' / 'epoch_1.pth')['state_dict']
    for key, value in one.model.state_dict().items():
        torch.testing.assert_close(two[key], value, rtol=1e-4, atol=1e-5, msg=key)
    metrics = launch.test(cfg, tmp_path / 'two' / 'epoch_1.pth', work_dir=tmp_path / 'alone')
    assert f'acc/top1: {metrics["acc/top1"]:.4f}' in printed


@pytest.mark.slow
def test_testing_and_resuming_in_two_processes(toy_config, tmp_path):
    """``tools/test.py`` gives what one process gives, and a run resumes, under torchrun."""
    from albar_mm.engine import launch

    cfg = configured(toy_config, tmp_path)
    launch.train(cfg, work_dir=tmp_path / 'one', seed=1, no_validate=True)
    weights = tmp_path / 'one' / 'epoch_1.pth'
    printed = printed_by(
        tmp_path,
        ROOT / 'tools' / 'test.py',
        'cfg.py',
        weights,
        '--work-dir',
        'tested',
        '--dump',
        'tested.pkl',
    )
    metrics = launch.test(cfg, weights, work_dir=tmp_path / 'alone')
    assert f'acc/top1: {metrics["acc/top1"]:.4f}' in printed
    assert len(pickle.loads((tmp_path / 'tested.pkl').read_bytes())) == 8
    printed = printed_by(
        tmp_path,
        ROOT / 'tools' / 'train.py',
        'cfg.py',
        '--work-dir',
        'one',
        '--resume',
        '--seed',
        1,
        '--cfg-options',
        'train_cfg.max_epochs=2',
    )
    assert 'resumed epoch: 1' in printed and (tmp_path / 'one' / 'epoch_2.pth').is_file()
