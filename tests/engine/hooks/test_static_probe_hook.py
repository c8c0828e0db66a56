"""Static bias watched during training, without touching the training."""

import json
import math
import os
import random

import numpy as np
import pytest
import torch
from mmaction.registry import HOOKS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.runner import Runner
from torch import nn

from albar_mm.engine.hooks import StaticProbeHook
from albar_mm.engine.hooks.static_probe_hook import StaticProbe, undisturbed
from tests.processes import in_processes


@pytest.fixture
def config(toy_config, tmp_path):
    """Toy config with everything random that a training may have; validated by contrast."""

    def make(name, model='ALBARRecognizer3D', hook=None, **changes):
        cfg = Config.fromfile(str(toy_config))
        quiet = dict(experiment_name=name, randomness=dict(seed=3), log_level='ERROR')
        cfg.merge_from_dict(dict(work_dir=str(tmp_path / name), **quiet, **changes))
        cfg.model.cls_head.dropout_ratio = 0.5
        cfg.model.type = model
        if model.startswith('ALBAR'):
            cfg.model.data_preprocessor.type = 'StaticDataPreprocessor'
        held_out = dict(cfg.val_dataloader.dataset, test_mode=True)
        cfg.val_dataloader.dataset = dict(type='StaticPairDataset', dataset=held_out)
        cfg.val_evaluator = dict(type='StaticContrastMetric')
        steps = [*cfg.pipeline[:-2], dict(type='Flip', flip_ratio=0.5), *cfg.pipeline[-2:]]
        cfg.train_dataloader.dataset.pipeline = [*steps, dict(type='StaticClip')]
        if hook is not None:
            cfg.custom_hooks = [dict(type='StaticProbeHook', **hook)]
        return cfg

    return make


def trained(cfg):
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def scalars(runner):
    with open(os.path.join(runner.log_dir, 'vis_data', 'scalars.json')) as lines:
        return [json.loads(line) for line in lines]


def probes(runner):
    return [line for line in scalars(runner) if 'static_probe/top1' in line]


def on_its_own_dataset(cfg, max_epochs, **hook):
    """The hook gets a plain video dataset; nothing is validated."""
    own = dict(cfg.test_dataloader.dataset, test_mode=True)
    cfg.custom_hooks = [dict(type='StaticProbeHook', dataset=own, **hook)]
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=max_epochs)
    return cfg


def everything(runner):
    """All tensors that a checkpoint of the run holds, and the random states after it."""
    state = dict(runner.model.state_dict())
    for index, entry in runner.optim_wrapper.optimizer.state_dict()['state'].items():
        state |= {f'optimizer.{index}.{key}': torch.as_tensor(v) for key, v in entry.items()}
    state['torch'] = torch.get_rng_state()
    state['numpy'] = torch.from_numpy(np.random.get_state()[1].astype(np.int64))
    state['python'] = torch.tensor(random.getstate()[1])
    state['modes'] = torch.tensor([module.training for module in runner.model.modules()])
    return state


@pytest.mark.parametrize('model, workers', [('Recognizer3D', 1), ('ALBARRecognizer3D', 0)])
def test_training_is_bit_for_bit_the_one_without_the_hook(config, model, workers):
    """BatchNorm, dropout, random flips, random static frames; probed after every iteration."""
    hook = dict(interval=1, by_epoch=False, num_videos=3, num_workers=workers)
    plain, probed = trained(config('plain', model)), trained(config('probed', model, hook))
    assert [line['step'] for line in probes(probed)] == list(range(9))
    assert not probes(plain)
    expected, found = everything(plain), everything(probed)
    assert expected.keys() == found.keys() and any('running_var' in key for key in expected)
    different = [key for key in expected if not torch.equal(expected[key], found[key])]
    assert different == []


def test_values_are_those_of_the_validation(config):
    """The last probe against MMEngine's own validation."""
    cfg = config('values', hook=dict(num_videos=None))
    cfg.model.cls_head.average_clips = None
    cfg.train_cfg.val_interval = 2
    # With a single view, validation reads the logits and the probe the probabilities.
    runner = trained(cfg)
    assert runner.model.cls_head.average_clips is None
    validated = next(line for line in scalars(runner) if 'val/contrast' in line)
    first, _, last = probes(runner)
    assert (first['step'], last['step']) == (0, 8)
    assert last['static_probe/top1'] == validated['val/static_top1']
    assert last['static_probe/clip_top1'] == validated['val/top1']
    assert last['static_probe/contrast'] == validated['val/contrast']


class Held(torch.utils.data.Dataset):
    """Stands for a StaticPairDataset: sample 2 i is clip i, sample 2 i + 1 its static clip."""

    def __init__(self, labels):
        self.labels = labels

    def __len__(self):
        return 2 * len(self.labels)

    def __getitem__(self, index):
        video, view = divmod(index, 2)
        sample = ActionDataSample().set_gt_label(self.labels[video])
        sample.set_metainfo(dict(domain=('clip', 'static')[view], pair_id=f'v{video}'))
        return dict(inputs=torch.tensor(index), data_samples=sample)


class Oracle(nn.Module):
    """A recogniser whose scores are written down."""

    def __init__(self, scores):
        super().__init__()
        self.scores = nn.Parameter(torch.tensor(scores))
        self.seen = []

    def val_step(self, data):
        assert not self.training and not torch.is_grad_enabled()
        self.seen += [int(index) for index in data['inputs']]
        torch.rand(3), np.random.rand(), random.random()
        pairs = zip(data['inputs'], data['data_samples'], strict=True)
        return [sample.set_pred_score(self.scores[index]) for index, sample in pairs]


LABELS = [0, 0, 1]
SCORES = [
    *([0.9, 0.1], [0.5, 0.5]),  # clip right, static right (a tie counts as class 0)
    *([0.8, 0.2], [0.25, 0.75]),  # clip right, static wrong
    *([0.7, 0.3], [1.0, 0.0]),  # both wrong, and sure of it
]


def probe(model=None, num_videos=None, seed=0, batch_size=2):
    model = model or Oracle(SCORES)
    return StaticProbe(Held(LABELS), num_videos, batch_size, 0, seed).measure(model)


def test_worked_by_hand_on_videos_drawn_once_and_never_split():
    scores, broken = probe()
    assert broken == 0
    # entropies: ln 2, 0.562335, 0; cross-entropies: ln 2, ln 4, -ln(smallest normal float32)
    entropy, cross = math.log(2) + 0.562335, math.log(2) + math.log(4) + 87.336545
    expected = dict(top1=100 / 3, clip_top1=200 / 3, contrast=100 / 3)
    expected |= dict(entropy=entropy / 3, cross_entropy=cross / 3)
    assert scores == pytest.approx(expected, rel=1e-5)

    def seen(seed):
        model = Oracle(SCORES)
        probe(model, num_videos=2, seed=seed)
        return tuple(model.seen)

    sets = {seed: seen(seed) for seed in range(8)}
    assert sets[3] == seen(3) and len(set(sets.values())) == 3
    assert all(s[::2] == tuple(i - 1 for i in s[1::2]) for s in sets.values())
    assert probe(num_videos=99)[0] == probe()[0]


def test_random_state_and_modes_of_layers_are_left_alone():
    model = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2))
    model[1].eval()  # frozen, as with norm_eval=True
    before = (torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate())
    with pytest.raises(ZeroDivisionError), undisturbed(model, torch.device('cpu')):
        torch.rand(3), np.random.rand(), random.random()
        assert not model.training and not torch.is_grad_enabled()
        raise ZeroDivisionError
    assert [m.training for m in model.modules()] == [True, True, False]
    assert torch.is_grad_enabled() and torch.equal(before[0], torch.get_rng_state())
    assert (before[1] == np.random.get_state()[1]).all() and before[2] == random.getstate()


def test_scores_that_are_not_finite_are_counted_and_nothing_is_written(config):
    broken = [row[:] for row in SCORES]
    broken[3] = broken[4] = [math.nan, 1.0]
    assert probe(Oracle(broken)) == ({}, 2)
    with pytest.raises(ValueError, match='v0 has scores in .* that sum to 1.9'):
        probe(Oracle([[1.9, 0.0]] * 6))
    diverging = on_its_own_dataset(config('diverging', 'Recognizer3D'), max_epochs=1)
    diverging.optim_wrapper.optimizer.lr = 1e30
    assert [line['step'] for line in probes(trained(diverging))] == [0]


def test_a_dataset_of_its_own_intervals_in_epochs_and_no_second_start(config, tmp_path):
    cfg = config('own', 'Recognizer3D')
    runner = trained(on_its_own_dataset(cfg, max_epochs=3, interval=2))
    assert [line['step'] for line in probes(runner)] == [0, 8, 12]  # epoch 2, and the end
    weights = str(tmp_path / 'own' / 'epoch_2.pth')
    cfg = config('own', 'Recognizer3D', resume=True, load_from=weights)
    cfg.experiment_name = 'resumed'
    cfg = on_its_own_dataset(cfg, max_epochs=3, at_start=True)
    assert [line['step'] for line in probes(trained(cfg))] == [12]
    cfg = on_its_own_dataset(config('late', 'Recognizer3D'), max_epochs=1, at_start=False)
    assert [line['step'] for line in probes(trained(cfg))] == [4]
    names = {f'static_probe/{n}' for n in 'top1 entropy cross_entropy clip_top1 contrast'.split()}
    assert all(line.keys() == names | {'step'} for line in probes(runner))


def test_bad_settings(config):
    with pytest.raises(ValueError, match='StaticProbeHook.interval: .* from 1, got 0'):
        HOOKS.build(dict(type='StaticProbeHook', interval=0))
    with pytest.raises(ValueError, match='StaticProbeHook.num_videos: .* got 2.5'):
        StaticProbeHook(num_videos=2.5)
    cfg = config('bad', 'Recognizer3D', {})
    cfg.val_dataloader.dataset = cfg.test_dataloader.dataset
    with pytest.raises(ValueError, match='now: is a VideoDataset.* in StaticPairDataset'):
        trained(cfg)
    cfg = config('iterations', 'Recognizer3D', {})
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=2)
    with pytest.raises(ValueError, match='set by_epoch=False'):
        trained(cfg)


def probed_and_seen():
    model = Oracle(SCORES)
    return probe(model), model.seen


def test_two_processes_share_an_odd_number_of_videos(tmp_path):
    outcomes = in_processes(probed_and_seen, tmp_path)
    assert sorted(outcomes[0][1] + outcomes[1][1]) == list(range(6))  # each sample once
    for (scores, broken), _ in outcomes:
        assert broken == 0 and scores == pytest.approx(probe()[0], rel=1e-12)
