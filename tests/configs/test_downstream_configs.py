"""Configs of the transfers: they build, take features of any width, and never choose by tests."""

import json
from pathlib import Path

import pytest
import torch
from mmaction.registry import DATASETS, METRICS, MODELS
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import BaseDataElement

from albar_mm.engine.launch import load_config
from downstream.anomaly.jobs import config_for
from downstream.tal.dataset import SegmentFeatureDataset
from downstream.tal.jobs import config_for as segment_config_for
from downstream.tal.metric import TemporalMAP
from tests.downstream.anomaly.toy import CHANNELS, write_oracle
from tests.downstream.tal import toy as segments

FOLDER = Path(__file__).parents[2] / 'configs' / 'downstream'
DETECTORS = sorted(path.name for path in FOLDER.glob('anomaly_*.py'))
LOCALISERS = sorted(path.name for path in FOLDER.glob('tal_*.py'))
AS_PUBLISHED = [name for name in DETECTORS if name.endswith('_ucfcrime.py')]
PUBLISHED = ['tal_actionformer_thumos14.py', 'tal_tridet_thumos14.py']
#: Shortest sequence that six levels of ActionFormer with its window of 19 can have.
SHORT = {'tal_actionformer_thumos14.py': 576, 'tal_tridet_thumos14.py': 64}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return write_oracle(tmp_path_factory.mktemp('oracle'), videos=4)


@pytest.mark.parametrize('name', DETECTORS)
def test_detectors_step_on_features_of_any_width(name, folder):
    """Parts, what chooses a checkpoint, and what config_for writes: width, how made."""
    init_default_scope('mmaction')
    cfg = load_config(FOLDER / name)
    train, test = (cfg[f'{part}_dataloader'].dataset for part in ('train', 'test'))
    assert test.ann_file != train.ann_file and 'part' not in test
    best = cfg.default_hooks.checkpoint.get('save_best')
    if name in AS_PUBLISHED:  # all training videos, and the last weights
        assert 'part' not in train and best is None
        assert all(cfg.get(f'val_{key}') is None for key in ('dataloader', 'cfg', 'evaluator'))
    else:
        val = cfg.val_dataloader.dataset
        assert (train.part, val.part) == ('train', 'val') and best == 'val/video_auc'
        assert all(train[option] == val[option] for option in ('ann_file', 'store', 'val_share'))
    cfg = config_for(FOLDER / name, folder / 'store', 'train.txt', 'test.txt')
    assert cfg.feature_settings['sampling']['stride'] == 8
    loaders = (cfg.train_dataloader, cfg.get('val_dataloader'))
    assert all(loader is None or loader.dataset.ann_file == 'train.txt' for loader in loaders)
    model = MODELS.build(cfg.model)
    samples = [BaseDataElement(gt_label=torch.tensor(label)) for label in (0, 1)]
    losses = model(torch.randn(2, 1, 32, CHANNELS), samples, mode='loss')
    sum(losses.values()).backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@pytest.mark.parametrize('name', ['ucfcrime', 'by_score', 'sprites', 'cctv'])
def test_which_snippets_stand_for_a_video(name):
    init_default_scope('mmaction')
    cfg = load_config(FOLDER / f'anomaly_mgfn_{name}.py')
    head, optimizer = MODELS.build(cfg.model.head), cfg.optim_wrapper.optimizer
    published = ('magnitude', 0.7, 1e-3)
    wanted = published if name == 'ucfcrime' else ('score', 0.0, 3e-4)
    assert (head.select, head.dropout, optimizer.lr) == wanted
    found = head.k, head.sparsity, optimizer.type, optimizer.weight_decay
    assert found == (3, 'normal', 'Adam', 5e-4)


@pytest.fixture(scope='module')
def actions(tmp_path_factory):
    return segments.write_oracle(tmp_path_factory.mktemp('actions'), 5, 2)


@pytest.mark.parametrize('name', LOCALISERS)
def test_localisers_step_on_features_of_any_width(name, actions):
    """The data sets, a step as the runner does it, and detections that the metric takes."""
    init_default_scope('mmaction')
    short = ('model.data_preprocessor.max_len', 'train_dataloader.dataset.max_len')
    options = dict.fromkeys(short, SHORT[name]) if name in SHORT else {}
    files = actions / 'store', str(actions / 'segments.json')
    cfg = segment_config_for(FOLDER / name, *files, options=options)
    assert cfg.feature_settings['sampling']['stride'] == 4 and cfg.classes == ['bow', 'dive', 'hop']
    parts = [part for part in ('train', 'val', 'test') if cfg.get(f'{part}_dataloader')]
    data = {part: DATASETS.build(cfg[f'{part}_dataloader'].dataset) for part in parts}
    assert {type(each) for each in data.values()} == {SegmentFeatureDataset}
    assert isinstance(METRICS.build(cfg.test_evaluator), TemporalMAP)
    model = MODELS.build(cfg.model)
    optim = build_optim_wrapper(model, cfg.optim_wrapper)
    before = [parameter.detach().clone() for parameter in model.head.parameters()]
    losses = model.train_step(pseudo_collate([data['train'][index] for index in range(2)]), optim)
    assert all(torch.isfinite(value) for value in losses.values())
    assert any((new != old).any() for new, old in zip(model.head.parameters(), before, strict=True))
    model.train(False)
    with torch.no_grad():
        (found,) = model.test_step(pseudo_collate([data['test'][0]]))
    assert 0 <= found.pred_segments.min() <= found.pred_segments.max() <= found.duration_s
    assert set(found.pred_labels.tolist()) <= {0, 1, 2}


@pytest.mark.parametrize('name', LOCALISERS)
def test_parts_of_localisers(name):
    """Test videos choose nothing: the last epoch counts, or held-out training videos choose."""
    cfg = load_config(FOLDER / name)
    train, test = (cfg[f'{part}_dataloader'].dataset for part in ('train', 'test'))
    assert (train.subset, test.subset) == ('validation', 'test')  # as all train on THUMOS14
    assert train.max_len == cfg.model.data_preprocessor.max_len and 'max_len' not in test
    assert cfg.model.data_preprocessor.max_len % cfg.model.data_preprocessor.divisor == 0
    assert 'part' not in test and 'leave_out' not in test
    best = cfg.default_hooks.checkpoint.get('save_best')
    if name in PUBLISHED:
        assert best is None and cfg.get('val_dataloader') is None and 'part' not in train
    else:
        val = cfg.val_dataloader.dataset
        assert best == 'val/mAP' and cfg.val_evaluator.prefix == 'val'
        assert (train.part, val.part, val.subset) == ('train', 'val', 'validation')
        for option in ('ann_file', 'store', 'val_share', 'val_seed'):
            assert train.get(option) == val.get(option)
        assert (train.ann_file, train.store) == (test.ann_file, test.store)


#: Settings of TriDet, ActionFormer as published for THUMOS14.
VALUES = {
    'optim_wrapper.optimizer.type': ('AdamW', 'AdamW'),
    'optim_wrapper.optimizer.lr': (1e-4, 1e-4),
    'optim_wrapper.optimizer.weight_decay': (0.025, 0.05),
    'optim_wrapper.clip_grad.max_norm': (1.0, 1.0),
    'train_cfg.max_epochs': (40, 35),
    'param_scheduler.0.end': (20, 5),
    'param_scheduler.1.begin': (20, 5),
    'param_scheduler.1.end': (40, 35),
    'param_scheduler.1.T_max': (20, 30),
    'param_scheduler.1.eta_min': (1e-8, 1e-8),
    'custom_hooks.0.momentum': (1 - 0.999, 1 - 0.999),
    'train_dataloader.batch_size': (2, 2),
    'train_dataloader.drop_last': (True, True),
    'test_dataloader.batch_size': (1, 1),
    'train_dataloader.dataset.max_len': (2304, 2304),
    'train_dataloader.dataset.crop_ratio': ([0.9, 1.0], [0.9, 1.0]),
    'model.data_preprocessor.divisor': (32, 576),
    'model.data_preprocessor.noise': (0.0005, 0.0),
    'model.test_cfg.max_segments': (2000, 200),
    'model.test_cfg.max_per_level': (2000, 2000),
    'model.test_cfg.min_score': (0.001, 0.001),
    'model.test_cfg.sigma': (0.5, 0.5),
    'model.test_cfg.method': ('soft', 'soft'),
}


@pytest.mark.parametrize('name', PUBLISHED)
def test_published_values(name):
    cfg = load_config(FOLDER / name)
    for path, values in VALUES.items():
        found = cfg
        for key in path.split('.'):
            found = found[int(key) if isinstance(found, list) else key]
        wanted = values['tridet' not in name]
        assert json.loads(json.dumps(found)) == pytest.approx(wanted), path


@pytest.mark.parametrize('name', PUBLISHED)
def test_published_networks(name):
    """What the built detector does, whichever of it the config or a default says."""
    init_default_scope('mmaction')
    cfg = load_config(FOLDER / name)
    tridet = 'tridet' in name
    for channels, total in ((2048, (29_251_612, 15_989_604)), (768, (None, 14_023_524))):
        cfg.model.projection.in_channels = channels
        model = MODELS.build(cfg.model)
        count = sum(parameter.numel() for parameter in model.parameters())
        assert total[tridet] in (None, count)
    last = model.post_processing
    assert (last.min_length, last.suppressed_below, last.per_class) == (0.05, 0.001, True)
    train = dict(cfg.train_dataloader.dataset)
    assert (train.get('margin', 0), train.get('keep_share', 0.5)) == (0 if tridet else 2, 0.5)
    # weights of convolutions and linear layers alone decay
    decay = cfg.optim_wrapper.optimizer.weight_decay
    groups = build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups
    found = {id(each): group['weight_decay'] for group in groups for each in group['params']}
    kinds = torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Linear
    layers = {id(part.weight) for part in model.modules() if isinstance(part, kinds)}
    for key, parameter in model.named_parameters():
        assert found[id(parameter)] == (decay if id(parameter) in layers else 0), key


def test_the_encoder_of_surveillance_clips():
    init_default_scope('mmaction')
    cfg = load_config(FOLDER / 'encoder_cctv.py')
    assert MODELS.build(cfg.model).cls_head.num_classes == 2
    assert cfg.val_dataloader is None
    assert cfg.train_dataloader.dataset.ann_file.endswith('clips_train.txt')
    assert cfg.test_dataloader.dataset.iid.ann_file.endswith('clips_test.txt')
