"""A run that dies at any moment leaves a whole checkpoint that ``last_checkpoint`` names."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.hooks import CheckpointHook
from mmengine.logging import MessageHub, MMLogger

import albar_mm  # noqa: F401  (applies the mends)


class Died(BaseException):
    """Stands for the moment at which a process is killed."""


class Run(SimpleNamespace):
    """As much of a runner as CheckpointHook looks at."""

    def __init__(self, folder):
        super().__init__(
            work_dir=str(folder),
            epoch=0,
            iter=0,
            dies=False,
            logger=MMLogger.get_current_instance(),
            message_hub=MessageHub(f'files_{folder}'),
        )

    def save_checkpoint(self, out_dir, filename, *args, **kwargs):
        if self.dies:
            raise Died
        (Path(out_dir) / filename).write_text('whole')


def files(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def saving(tmp_path):
    run = Run(tmp_path)
    hook = CheckpointHook(interval=1, max_keep_ckpts=1, save_best='acc', rule='greater')
    hook.before_train(run)
    return run, hook


def epoch(run, hook, score=None):
    run.message_hub.update_info('x', 0)
    hook.after_train_epoch(run)
    run.epoch += 1
    if score is not None:
        hook.after_val_epoch(run, dict(acc=score))


def test_the_only_checkpoint_goes_when_the_next_is_there(saving, tmp_path):
    run, hook = saving
    epoch(run, hook)
    run.dies = True
    with pytest.raises(Died):
        epoch(run, hook)
    assert files(tmp_path) == ['epoch_1.pth', 'last_checkpoint']
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'epoch_1.pth')


def test_old_ones_are_removed(saving, tmp_path):
    run, hook = saving
    for score in (1, 2, 2, 3):
        epoch(run, hook, score)
    assert files(tmp_path) == ['best_acc_epoch_4.pth', 'epoch_4.pth', 'last_checkpoint']
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'epoch_4.pth')


def test_the_best_goes_when_the_better_is_there(saving, tmp_path):
    run, hook = saving
    epoch(run, hook, 1)
    epoch(run, hook)
    run.dies = True
    with pytest.raises(Died):
        hook.after_val_epoch(run, dict(acc=2))
    assert 'best_acc_epoch_1.pth' in files(tmp_path)
    # a resumed run validates that epoch again, to the same name: it must not remove what it wrote
    run.dies = False
    hook.best_ckpt_path = str(tmp_path / 'best_acc_epoch_2.pth')
    (tmp_path / 'best_acc_epoch_2.pth').write_text('of the killed run')
    hook.after_val_epoch(run, dict(acc=3))
    assert (tmp_path / 'best_acc_epoch_2.pth').read_text() == 'whole'


def test_last_checkpoint_is_never_empty(saving, tmp_path, monkeypatch):
    import os

    run, hook = saving
    epoch(run, hook)

    def killed(*args):
        raise Died

    monkeypatch.setattr(os, 'replace', killed)
    with pytest.raises(Died):
        epoch(run, hook)
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'epoch_1.pth')
