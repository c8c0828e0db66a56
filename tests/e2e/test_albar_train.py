"""ALBAR through the real Runner on clips made in memory."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS, TRANSFORMS
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.runner import CheckpointLoader
from torch.utils.data import Dataset

from tests import toy_recognizers as toys

from .runs import loader, runner, training

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
    """Eight frames; a still colour and the direction of motion both tell the class."""

    def __init__(self, pipeline):
        self.pipeline = Compose([TRANSFORMS.build(cfg) for cfg in pipeline])
        self.metainfo = {}

    def __len__(self):
        return 24

    def __getitem__(self, index):
        rng = np.random.RandomState(index)
        label = index % 2
        clip = 0.1 * rng.randn(1, 3, 8, 16, 16).astype(np.float32)
        clip[0, 2 * label] += 1
        row, column = rng.randint(0, 12), rng.randint(0, 16)
        for t in range(8):
            columns = (column + (4 * label - 2) * t + np.arange(4)) % 16
            clip[0, 1, t, row : row + 4, columns] += 2
        return self.pipeline(dict(imgs=clip, label=label))


def settings(type='ALBARRecognizer3D', static=None, dropout=0.0):
    model = dict(
        type=type,
        backbone=BACKBONE,
        data_preprocessor=STATS,
        cls_head=dict(toys.head(8, num_classes=2, average_clips='prob'), dropout_ratio=dropout),
    )
    return model if static is None else dict(model, static=static)


def run(work_dir, epochs=1, hooks=(), more=None, **model):
    pipeline = [dict(type='PackActionInputs'), dict(type='StaticClip')]
    clips = dict(type='ToySquares', pipeline=pipeline)
    made = runner(
        work_dir,
        model=settings(**model),
        log_processor=LOG,
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=0.02)),
        custom_hooks=list(hooks),
        randomness=dict(seed=0),
        **{
            'train_dataloader': loader(clips, 6, shuffle=True, drop_last=True),
            **training(epochs),
            **(more or {}),
        },
    )
    made.train()
    return made


def weights(runner):
    return torch.cat([p.detach().flatten() for p in runner.model.parameters()])


def test_log_averages_raw_values_and_sums_weighted_ones(tmp_path):
    hub = run(tmp_path).message_hub
    raw = ('static_ce', 'static_entropy', 'static_top1', 'static_penalty')
    losses = ('loss_cls', 'loss_static_adv', 'loss_static_ent', 'loss_static_gp')
    scalars = {key: hub.get_scalar(f'train/{key}').data[0] for key in ('loss', *losses, *raw)}
    total = sum(scalars[key] for key in losses)
    np.testing.assert_allclose(scalars['loss'], total, rtol=1e-5, atol=1e-5)
    (path,) = tmp_path.rglob('scalars.json')
    logged = list(map(json.loads, path.read_text().splitlines()))
    assert len(logged) == 4  # iterations
    for key in raw:
        assert logged[3][key] == pytest.approx(np.mean(scalars[key]), rel=1e-5), key


def test_same_seed_same_weights_and_resume_continues(tmp_path):
    schedules = [dict(loss='gp', weight=10.0, end=8)]
    hooks = [dict(type='StaticWeightHook', by_epoch=False, schedules=schedules)]

    def weight_of_gp(run):
        return run.message_hub.get_scalar('train/static_weight_gp').data[0]

    straight = run(tmp_path / 'a', epochs=2, hooks=hooks)
    again = run(tmp_path / 'b', epochs=2, hooks=hooks)
    assert torch.equal(weights(straight), weights(again))
    assert weight_of_gp(straight) == pytest.approx([10 * i / 8 for i in range(8)])

    run(tmp_path / 'c', epochs=1, hooks=hooks)
    more = dict(resume=True, load_from=str(tmp_path / 'c' / 'epoch_1.pth'))
    resumed = run(tmp_path / 'c', epochs=2, hooks=hooks, more=more)
    assert resumed.iter == straight.iter
    assert weight_of_gp(resumed)[-4:] == pytest.approx(weight_of_gp(straight)[-4:])


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
    trained = run(tmp_path / 'train', dropout=0.5)
    checkpoint = CheckpointLoader.load_checkpoint(str(tmp_path / 'train' / 'epoch_1.pth'))
    torch.save(dict(checkpoint['state_dict']), tmp_path / 'state.pth')
    stock = settings(type='Recognizer3D', dropout=0.5)
    stock['data_preprocessor'] = dict(STATS, type='ActionDataPreprocessor')
    Config(dict(default_scope='mmaction', model=stock)).dump(tmp_path / 'stock.py')
    clips = toys.clips(3, (1, 3, 8, 16, 16))
    torch.save(clips, tmp_path / 'clips.pth')
    (tmp_path / 'stock_predict.py').write_text(STOCK)
    names = 'stock_predict.py stock.py state.pth clips.pth scores.pth'.split()
    done = subprocess.run([sys.executable, *names], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert 'All keys matched' in done.stdout

    model = trained.model.eval()
    ours = model.test_step(dict(inputs=list(clips), data_samples=toys.samples([0, 0, 0])))
    expected = torch.stack([sample.pred_score for sample in ours])
    scores = torch.load(tmp_path / 'scores.pth', weights_only=True)
    torch.testing.assert_close(scores, expected, rtol=1e-6, atol=1e-6)


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
    plain = run(tmp_path / 'plain', epochs=12, static=dict(losses=[]))
    assert accuracies(plain, static=True) >= 0.9
    ours = run(tmp_path / 'albar', epochs=12)
    assert accuracies(ours, static=True) < 0.5
    assert accuracies(ours, static=False) >= 0.9
