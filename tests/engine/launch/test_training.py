import errno
import json
import re

import pytest
import torch
from mmengine.runner import Runner

from albar_mm.compat.checkpoint import safe_load
from albar_mm.debias import checks as debias_checks
from albar_mm.engine import launch
from albar_mm.engine.launch.run import TRAINING_HOOKS


@pytest.fixture
def built(monkeypatch):
    """Configs that reached the runner; no training."""
    seen = []
    monkeypatch.setattr(Runner, 'train', lambda self: seen.append(self.cfg))
    return seen


def test_hooks_are_added_where_they_are_not_named(toy_config, tmp_path, built):
    launch.train(toy_config, work_dir=str(tmp_path / 'a'))
    assert [hook.type for hook in built[0].custom_hooks] == list(TRAINING_HOOKS)
    own = [dict(type='BadVideoHook', max_share=0.5), dict(type='ResultsHook')]
    launch.train(toy_config, work_dir=str(tmp_path / 'b'), cfg_options=dict(custom_hooks=own))
    hooks = built[1].custom_hooks
    assert sorted(hook.type for hook in hooks) == sorted([*TRAINING_HOOKS, 'ResultsHook'])
    assert hooks[0].max_share == 0.5


@pytest.mark.parametrize('diff_rank_seed', [False, True])
def test_the_sampler_gets_the_seed(toy_config, tmp_path, built, diff_rank_seed):
    launch.train(toy_config, work_dir=str(tmp_path / 'a'), seed=9, diff_rank_seed=diff_rank_seed)
    assert built[0].train_dataloader.sampler.seed == 9
    own = {'train_dataloader.sampler.seed': 4}
    launch.train(toy_config, work_dir=str(tmp_path / 'b'), seed=9, cfg_options=own)
    assert built[1].train_dataloader.sampler.seed == 4
    # a config that is given stays as it is, else the next seed's sampler would have this one
    cfg = launch.load_config(toy_config)
    before = cfg.pretty_text
    for seed in (3, 4):
        launch.train(cfg, work_dir=str(tmp_path / str(seed)), seed=seed)
    assert cfg.pretty_text == before
    assert [c.train_dataloader.sampler.seed for c in built[2:]] == [3, 4]


@pytest.mark.parametrize('text, said', [('', 'names nothing'), ('/gone/epoch_7.pth', 'epoch_7')])
def test_a_pointer_to_nowhere(toy_config, tmp_path, built, text, said):
    work = tmp_path / 'run'
    work.mkdir()
    (work / 'last_checkpoint').write_text(text)
    (work / 'epoch_3.pth').write_bytes(b'')
    with pytest.raises(launch.LaunchError) as caught:
        launch.train(toy_config, work_dir=str(work), resume=True)
    line = str(caught.value)
    assert said in line and '--resume <checkpoint>' in line and str(work / 'epoch_3.pth') in line
    (work / 'last_checkpoint').write_text(str(work / 'epoch_3.pth'))
    launch.train(toy_config, work_dir=str(work), resume=True)
    assert built[0].resume is True


def test_a_run_that_starts_anew_starts_from_the_weights_of_the_config(toy_config, tmp_path, built):
    (tmp_path / 'k400.pth').write_bytes(b'')
    weights = dict(load_from=str(tmp_path / 'k400.pth'))
    work = tmp_path / 'run'
    launch.train(toy_config, work_dir=str(work), resume='auto', cfg_options=weights)
    assert built[0].load_from == weights['load_from'] and not built[0].get('resume')
    work.mkdir(exist_ok=True)
    (work / 'epoch_3.pth').write_bytes(b'')
    (work / 'last_checkpoint').write_text(str(work / 'epoch_3.pth'))
    launch.train(toy_config, work_dir=str(work), resume='auto', cfg_options=weights)
    assert built[1].load_from is None and built[1].resume is True


@pytest.mark.parametrize(
    'code, said', [(errno.ENOSPC, 'the disk is full'), (errno.EACCES, 'permission denied')]
)
def test_failing_disks(toy_config, tmp_path, monkeypatch, code, said):
    def fails(self):
        raise OSError(code, 'reason')

    monkeypatch.setattr(Runner, 'train', fails)
    with pytest.raises(launch.LaunchError, match=f'{re.escape(str(tmp_path / "w"))}: {said}'):
        launch.train(toy_config, work_dir=str(tmp_path / 'w'))


def test_bad_video_in_validation_is_one_line(toy_config, toy_videos, tmp_path):
    (tmp_path / 'list.txt').write_text('gone.mp4 0\n')
    data = dict(type='RobustVideoDataset', test_mode=True, ann_file=str(tmp_path / 'list.txt'))
    options = {f'val_dataloader.dataset.{key}': value for key, value in data.items()}
    options['train_cfg.max_epochs'] = 1
    with pytest.raises(launch.LaunchError, match=r'^video .*gone.mp4 cannot be read: no such file'):
        launch.train(toy_config, work_dir=str(tmp_path / 'run'), cfg_options=options)


@pytest.mark.parametrize('validated', [True, False])
def test_which_weights_count_is_said_and_kept(toy_config, tmp_path, validated):
    """In the log of the training, and in what a test of its weights writes."""
    options = {
        'default_hooks.checkpoint': dict(type='CheckpointHook', save_best='acc/top1', rule='less'),
        'custom_hooks': [dict(type='ResultsHook')],
    }
    work = tmp_path / 'run'
    launch.train(toy_config, work_dir=str(work), no_validate=not validated, cfg_options=options)
    (log,) = work.glob('*/*.log')
    said = 'Nothing was chosen: the last weights of 2 epoch(s) count' in log.read_text()
    assert said is not validated
    wanted = {
        'epoch_1.pth': dict(epoch=1, epochs=2, chosen_by=None),
        'epoch_2.pth': dict(epoch=2, epochs=2, chosen_by=None),
    }
    if validated:
        (best,) = (path.name for path in work.glob('best_*.pth'))
        epoch = int(best[-5])
        wanted[best] = dict(epoch=epoch, epochs=2, chosen_by='acc_top1')
    for name, training in wanted.items():
        launch.test(work / 'toy.py', work / name, work_dir=str(tmp_path / name))
        results = json.loads((tmp_path / name / 'results.json').read_text())
        assert results['checkpoint']['training'] == training
    # weights without a history say nothing of it
    weights = safe_load(work / name)['state_dict']
    torch.save(dict(state_dict=weights), tmp_path / 'bare.pth')
    launch.test(work / 'toy.py', tmp_path / 'bare.pth', work_dir=str(tmp_path / 'bare'))
    results = json.loads((tmp_path / 'bare' / 'results.json').read_text())
    assert 'training' not in results['checkpoint']


def test_stillmix_without_a_bank_is_said_before_the_training(toy_config, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(Runner, 'train', lambda self: said.append('trained'))
    monkeypatch.setattr(debias_checks, 'print_log', lambda text, *_: said.append(text))
    blending = dict(type='StillMixBlending', num_classes=2, bank=None)
    bare = {'model.data_preprocessor.blending': blending}
    launch.train(toy_config, work_dir=str(tmp_path / 'a'), cfg_options=bare)
    launch.train(toy_config, work_dir=str(tmp_path / 'b'), debias='stillmix')
    launch.train(toy_config, work_dir=str(tmp_path / 'c'), debias='albar+stillmix')
    first, *rest = said
    assert 'StillMix-random' in first
    assert rest == ['trained', first, 'trained', 'trained']
