"""ALBAR through the real Runner on clips made in memory."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS, TRANSFORMS
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.runner import CheckpointLoader, Runner
from torch.utils.data import Dataset

from tests import toy_recognizers as toys

BACKBONE = dict(toys.R3D)
STATS = dict(type='StaticDataPreprocessor', mean=[0.0] * 3, std=[1.0] * 3, format_shape='NCTHW')
LOG = dict(
    type='LogProcessor',
    window_size=4,
    by_epoch=True,
    mean_pattern=r'.*(loss|time|data_time|grad_norm).*|^static_',
)


@DATASETS.register_module(force=True)
class ToySquares(Dataset):
    """Eight frames; the class is told by a still colour and (or) by the direction of motion."""

    def __init__(self, pipeline, size=24, colour=True, motion=True):
        self.pipeline = Compose([TRANSFORMS.build(cfg) for cfg in pipeline])
        self.size, self.colour, self.motion = size, colour, motion
        self.metainfo = {}

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        rng = np.random.RandomState(index)
        label = index % 2
        clip = 0.1 * rng.randn(1, 3, 8, 16, 16).astype(np.float32)
        if self.colour:
            clip[0, 2 * label] += 1
        row, column = rng.randint(0, 12), rng.randint(0, 16)
        direction = (1 if label else -1) if self.motion else rng.choice([-1, 1])
        for t in range(8):
            columns = (column + 2 * direction * t + np.arange(4)) % 16
            clip[0, 1, t, row : row + 4, columns] += 2
        return self.pipeline(dict(imgs=clip, label=label))


def config(
    work_dir,
    epochs=1,
    type='ALBARRecognizer3D',
    static=None,
    dataset=None,
    lr=0.02,
    hooks=(),
    dropout=0.0,
):
    pipeline = [dict(type='PackActionInputs'), dict(type='StaticClip')]
    model = dict(
        type=type,
        backbone=BACKBONE,
        data_preprocessor=STATS,
        cls_head=dict(toys.head(8, num_classes=2, average_clips='prob'), dropout_ratio=dropout),
    )
    if static is not None:
        model['static'] = static
    return Config(
        dict(
            default_scope='mmaction',
            work_dir=str(work_dir),
            model=model,
            log_processor=LOG,
            custom_imports=dict(imports=['albar_mm'], allow_failed_imports=False),
            train_dataloader=dict(
                batch_size=6,
                num_workers=0,
                drop_last=True,
                sampler=dict(type='DefaultSampler', shuffle=True),
                dataset=dict(type='ToySquares', pipeline=pipeline, **(dataset or {})),
            ),
            train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=epochs),
            optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=lr)),
            default_hooks=dict(
                logger=dict(type='LoggerHook', interval=2),
                checkpoint=dict(type='CheckpointHook', interval=1),
            ),
            custom_hooks=list(hooks),
            randomness=dict(seed=0),
            log_level='ERROR',
        )
    )


_counter = iter(range(10**6))


def run(cfg, **changes):
    cfg.merge_from_dict(dict(experiment_name=f'albar_toy_{next(_counter)}', **changes))
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def weights(runner):
    return torch.cat([p.detach().flatten() for p in runner.model.parameters()])


def test_log_averages_raw_values_and_sums_weighted_ones(tmp_path):
    runner = run(config(tmp_path))
    scalars = {
        key: runner.message_hub.get_scalar(f'train/{key}').data[0]
        for key in (
            'loss',
            'loss_cls',
            'loss_static_adv',
            'loss_static_ent',
            'loss_static_gp',
            'static_ce',
            'static_entropy',
            'static_top1',
            'static_penalty',
        )
    }
    total = sum(scalars[key] for key in scalars if key.startswith('loss_'))
    np.testing.assert_allclose(scalars['loss'], total, rtol=1e-5, atol=1e-5)

    lines = [
        json.loads(line)
        for path in tmp_path.rglob('scalars.json')
        for line in path.read_text().splitlines()
    ]
    logged = [line for line in lines if 'static_ce' in line]
    assert len(logged) == 2  # four iterations, every second one
    for key in ('static_ce', 'static_entropy', 'static_top1', 'static_penalty'):
        assert logged[1][key] == pytest.approx(np.mean(scalars[key]), rel=1e-5), key


def test_same_seed_same_weights_and_resume_continues(tmp_path):
    hook = dict(
        type='StaticWeightHook', by_epoch=False, schedules=[dict(loss='gp', weight=10.0, end=8)]
    )
    straight = run(config(tmp_path / 'a', epochs=2, hooks=[hook]))
    again = run(config(tmp_path / 'b', epochs=2, hooks=[hook]))
    assert torch.equal(weights(straight), weights(again))
    gp = straight.message_hub.get_scalar('train/static_weight_gp').data[0]
    assert gp == pytest.approx([10 * i / 8 for i in range(8)])

    run(config(tmp_path / 'c', epochs=1, hooks=[hook]))
    cfg = config(tmp_path / 'c', epochs=2, hooks=[hook])
    resumed = run(cfg, resume=True, load_from=str(tmp_path / 'c' / 'epoch_1.pth'))
    assert resumed.iter == straight.iter
    assert resumed.message_hub.get_scalar('train/static_weight_gp').data[0][-4:] == pytest.approx(
        gp[-4:]
    )


STOCK = """
import sys, types
# The released wheel lacks this folder, and importing mmaction.models asks for a class in it.
for name in ('drn', 'drn.drn'):
    sys.modules['mmaction.models.localizers.' + name] = types.ModuleType(name)
sys.modules['mmaction.models.localizers.drn.drn'].DRN = type('DRN', (), {})
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmaction.utils import register_all_modules
from mmengine.config import Config
register_all_modules()
config, checkpoint, clips, out = sys.argv[1:]
model = MODELS.build(Config.fromfile(config).model)
state = torch.load(checkpoint, map_location='cpu', weights_only=True)
print(model.load_state_dict(state, strict=True))
model.eval()
data = dict(inputs=list(torch.load(clips, weights_only=True)),
            data_samples=[ActionDataSample() for _ in range(3)])
torch.save(torch.stack([s.pred_score for s in model.test_step(data)]), out)
assert not any(name.split('.')[0] == 'albar_mm' for name in sys.modules)
"""


def test_checkpoint_is_one_of_the_stock_recogniser(tmp_path):
    """Strict loading and equal predictions in a process that never imports albar_mm."""
    runner = run(config(tmp_path / 'train', dropout=0.5))
    checkpoint = CheckpointLoader.load_checkpoint(str(tmp_path / 'train' / 'epoch_1.pth'))
    torch.save(dict(checkpoint['state_dict']), tmp_path / 'state.pth')
    stock = config(tmp_path, type='Recognizer3D', dropout=0.5)
    stock.pop('custom_imports')
    stock.model.data_preprocessor.type = 'ActionDataPreprocessor'
    stock.dump(tmp_path / 'stock.py')
    clips = toys.clips(3, (1, 3, 8, 16, 16))
    torch.save(clips, tmp_path / 'clips.pth')
    (tmp_path / 'stock_predict.py').write_text(STOCK)
    paths = [
        str(tmp_path / name)
        for name in ('stock_predict.py', 'stock.py', 'state.pth', 'clips.pth', 'scores.pth')
    ]
    done = subprocess.run([sys.executable, *paths], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert 'All keys matched' in done.stdout

    model = runner.model.eval()
    ours = model.test_step(dict(inputs=list(clips), data_samples=toys.samples([0, 0, 0])))
    expected = torch.stack([sample.pred_score for sample in ours])
    torch.testing.assert_close(
        torch.load(Path(paths[-1]), weights_only=True), expected, rtol=1e-6, atol=1e-6
    )


def accuracies(runner, static):
    """Top-1 on the training clips, or on static clips made of their first frames."""
    model, hits = runner.model.eval(), []
    for data in runner.train_dataloader:
        if static:
            data['inputs'] = [x[:, :, :1].repeat(1, 1, 8, 1, 1) for x in data['inputs']]
        hits += [int(s.pred_label) == int(s.gt_label) for s in model.test_step(data)]
    return np.mean(hits)


def test_static_accuracy_falls_below_chance_while_motion_is_learnt(tmp_path):
    """Both cues tell the class; plain training uses the colour, ALBAR must not."""
    plain = run(config(tmp_path / 'plain', epochs=12, static=dict(losses=[])))
    assert accuracies(plain, static=True) >= 0.9
    ours = run(config(tmp_path / 'albar', epochs=12))
    assert accuracies(ours, static=True) < 0.5
    assert accuracies(ours, static=False) >= 0.9
