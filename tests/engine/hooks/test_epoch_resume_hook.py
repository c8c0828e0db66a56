import logging

import pytest
import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook

from albar_mm.compat import safe_load
from albar_mm.engine import launch

SAVE_BEST = {'default_hooks.checkpoint.save_best': 'acc/top1'}


@HOOKS.register_module(name='ToyValidationLog', force=True)
class ValidationLog(Hook):
    """Notes validated epochs; raises before that of epoch ``stop``."""

    epochs = []

    def __init__(self, stop=None):
        self.stop = stop

    def before_val_epoch(self, runner):
        if runner.epoch == self.stop:
            raise KeyboardInterrupt
        self.epochs.append(runner.epoch)


def train(toy_config, work_dir, options=None, stop=None, **kwargs):
    cfg = launch.load_config(toy_config, options)
    cfg.custom_hooks = [dict(type='ToyValidationLog', stop=stop)]
    ValidationLog.epochs.clear()
    return launch.train(cfg, work_dir=str(work_dir / 'run'), **kwargs)


def test_only_whole_epochs_are_resumed(toy_config, tmp_path):
    """Epochs of four steps; an epoch's last step is whole although MMEngine counts it as begun."""
    options = {'default_hooks.checkpoint.by_epoch': False}
    with pytest.raises(launch.LaunchError, match=r'CheckpointHook\(by_epoch=False\) under Epoch'):
        train(toy_config, tmp_path, options)
    train(toy_config, tmp_path, {'train_cfg.max_epochs': 1}, no_validate=True)
    checkpoint = safe_load(tmp_path / 'run' / 'epoch_1.pth')
    assert (checkpoint['meta']['epoch'], checkpoint['meta']['iter']) == (1, 4)
    assert train(toy_config, tmp_path, resume=True, no_validate=True).iter == 8
    checkpoint['meta'].update(epoch=0, iter=3)
    torch.save(checkpoint, tmp_path / 'changed.pth')
    text = 'changed.pth was written after 3 steps, not at the end of .* epochs of 4 steps'
    with pytest.raises(launch.LaunchError, match=text):
        train(toy_config, tmp_path / 'again', resume=str(tmp_path / 'changed.pth'))


def test_the_lost_validation_is_made_up_for(toy_config, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(toy_config, tmp_path, SAVE_BEST, stop=1)
    assert not list((tmp_path / 'run').glob('best_*.pth'))
    runner = train(toy_config, tmp_path, SAVE_BEST, resume=True)
    assert ValidationLog.epochs == [1, 2] and runner.iter == 8
    whole = train(toy_config, tmp_path / 'whole', SAVE_BEST)
    one, two = (run.message_hub.get_scalar('val/acc/top1').data[0] for run in (runner, whole))
    assert one.tolist() == two.tolist()
    # the first epoch was validated before its checkpoint was written again with the best score
    train(toy_config, tmp_path / 'whole', SAVE_BEST, resume=str(tmp_path / 'whole/run/epoch_1.pth'))
    assert ValidationLog.epochs == [2]
    (best,) = (tmp_path / 'run').glob('best_*.pth')
    with pytest.raises(launch.LaunchError, match='best_.* holds no optimiser state'):
        train(toy_config, tmp_path, SAVE_BEST, resume=str(best))


def test_other_epochs_and_pending_gradients_are_pointed_out(toy_config, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(logging.Logger, 'warning', lambda self, text, *args: said.append(str(text)))
    train(toy_config, tmp_path, {'train_cfg.max_epochs': 1}, no_validate=True)
    options = {'train_dataloader.batch_size': 4, 'auto_scale_lr.base_batch_size': 4}
    options['optim_wrapper.accumulative_counts'] = 3
    runner = train(toy_config, tmp_path, options, resume=True, no_validate=True)
    assert any('had 4 steps and now have 2' in text for text in said)
    assert any('2 steps ends within 3 accumulated steps' in text for text in said)
    assert runner.epoch == 2
