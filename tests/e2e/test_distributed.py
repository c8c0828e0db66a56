"""The tools in two processes on the CPU: what they train, test and resume is that of one."""

import pickle

import pytest
import torch

from albar_mm import compat
from albar_mm.engine import launch
from tests.processes import tool_in_processes


def printed_by(folder, *words):
    """Run a tool in two processes; what each printed, one after the other."""
    done = tool_in_processes(*words, folder=folder)
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


@pytest.fixture
def cfg(toy_config, tmp_path):
    """A config whose step depends on the average gradient of the batch alone; also ``cfg.py``."""
    options = dict(
        train_cfg=dict(max_epochs=1),
        model=dict(backbone=dict(norm_eval=True)),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.05, _delete_=True)),
        train_dataloader=dict(sampler=dict(shuffle=False)),
        find_unused_parameters=True,
    )
    made = launch.load_config(toy_config, options)
    made.dump(str(tmp_path / 'cfg.py'))
    return made


def test_training_in_two_processes(cfg, tmp_path):
    """Two batches of 2 in two processes give the weights of one batch of 4 in one process.

    DDP averages the gradients of the two halves; without batch statistics, dropout or shuffling
    that is the gradient of the whole batch. The accuracy joins the results of both processes.
    """
    printed = printed_by(tmp_path, 'train', 'cfg.py', '--work-dir', 'two', '--seed', 1)
    assert 'No CUDA device: distributed training uses the gloo backend' in printed
    assert 'The learning rate was chosen for batches of 2, but 4' in printed
    cfg.train_dataloader.batch_size = 4
    one = launch.train(cfg, work_dir=tmp_path / 'one', seed=1, no_validate=True)
    two = compat.safe_load(tmp_path / 'two' / 'epoch_1.pth')['state_dict']
    for key, value in one.model.state_dict().items():
        torch.testing.assert_close(two[key], value, rtol=1e-4, atol=1e-5, msg=key)
    metrics = launch.test(cfg, tmp_path / 'two' / 'epoch_1.pth', work_dir=tmp_path / 'alone')
    assert f'acc/top1: {metrics["acc/top1"]:.4f}' in printed


def test_testing_and_resuming_in_two_processes(cfg, tmp_path):
    """``tools/test.py`` gives what one process gives, and a run resumes."""
    launch.train(cfg, work_dir=tmp_path / 'one', seed=1, no_validate=True)
    weights = tmp_path / 'one' / 'epoch_1.pth'
    words = ('cfg.py', weights, '--work-dir', 'tested', '--dump', 'tested.pkl')
    printed = printed_by(tmp_path, 'test', *words)
    metrics = launch.test(cfg, weights, work_dir=tmp_path / 'alone')
    assert f'acc/top1: {metrics["acc/top1"]:.4f}' in printed
    assert len(pickle.loads((tmp_path / 'tested.pkl').read_bytes())) == 8
    words = ('cfg.py', '--work-dir', 'one', '--resume', '--seed', 1)
    printed = printed_by(tmp_path, 'train', *words, '--cfg-options', 'train_cfg.max_epochs=2')
    assert 'resumed epoch: 1' in printed and (tmp_path / 'one' / 'epoch_2.pth').is_file()
