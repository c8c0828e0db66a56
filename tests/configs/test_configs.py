"""Every shipped config parses, builds all its parts, and keeps validation apart from test."""

import re
from pathlib import Path

import pytest
from mmaction.registry import DATASETS, HOOKS, METRICS, MODELS
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope

from tests.datasets.preparation.official import write_video

FOLDER = Path(__file__).parents[2] / 'configs'
CONFIGS = sorted(FOLDER.glob('*.py'))
NAMES = ['hmdb51', 'ucf101', 'kinetics400', 'jhmdb21', 'sprites']
FULL_SIZE = NAMES[:3]


def load(name):
    return Config.fromfile(FOLDER / f'{name}.py')


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    return str(write_video(tmp_path_factory.mktemp('video') / 'a.avi', 40))


def test_no_config_is_left_out():
    assert {f'{method}_{name}' for method in ('erm', 'albar') for name in NAMES} <= {
        path.stem for path in CONFIGS}


@pytest.mark.parametrize('path', CONFIGS, ids=lambda p: p.stem)
def test_builds_and_never_validates_on_a_test_list(path):
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    model = MODELS.build(cfg.model)
    assert model.cls_head.num_classes == cfg.test_dataloader.dataset.num_classes
    assert ('static' in cfg.model) == path.stem.startswith('albar')
    lists = {cfg.train_dataloader.dataset.ann_file, cfg.val_dataloader.dataset.dataset.ann_file,
             cfg.test_dataloader.dataset.iid.ann_file}
    assert len(lists) == 3
    assert cfg.val_evaluator.type == 'StaticContrastMetric'
    assert cfg.default_hooks.checkpoint.save_best == 'val/contrast'
    assert len(path.read_text().splitlines()) <= 40


@pytest.mark.parametrize('path', CONFIGS, ids=lambda p: p.stem)
def test_datasets_pipelines_metrics_and_hooks(path, video):
    """Datasets are built lazily, as the data is not there; pipelines run on a real file."""
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    train, val, test = (cfg[f'{part}_dataloader'].dataset for part in ('train', 'val', 'test'))
    built = [DATASETS.build(dict(train, lazy_init=True)),
             DATASETS.build(dict(val, dataset=dict(val.dataset, lazy_init=True))).dataset,
             DATASETS.build(dict(test, lazy_init=True))]
    shapes = []
    for dataset in built:
        packed = dataset.pipeline(
            dict(filename=video, label=0, start_index=0, modality='RGB'))
        shapes.append(tuple(packed['inputs'].shape))
        frame = packed['data_samples'].metainfo.get('static_frame')
        assert (frame is not None) == (dataset is built[0] and path.stem.startswith('albar'))
    clip_len = next(t.clip_len for t in train.pipeline if t.type == 'SampleFrames')
    assert shapes == [(1, 3, clip_len, shapes[0][-1], shapes[0][-1])] * 3
    for name in ('val_evaluator', 'test_evaluator'):
        assert METRICS.build(cfg[name])
    assert all(isinstance(HOOKS.build(hook), Hook) for hook in cfg.custom_hooks)
    # a domain of another shape would be padded
    assert cfg.test_dataloader.batch_sampler.type == 'DomainBatchSampler'


@pytest.mark.parametrize('path', CONFIGS, ids=lambda p: p.stem)
def test_monitors_are_averaged_over_a_window_but_not_over_validations(path):
    """MMEngine searches the pattern in names without the leading 'train/' or 'val/'."""
    averaged = re.compile(Config.fromfile(path).log_processor.mean_pattern)
    assert all(averaged.search(key) for key in ('static_ce', 'static_top1', 'loss_static_adv'))
    assert not any(averaged.search(key) for key in ('val/static_top1', 'val/top1', 'lr'))


@pytest.mark.parametrize('path', CONFIGS, ids=lambda p: p.stem)
def test_schedule_is_consistent(path):
    cfg = Config.fromfile(path)
    epochs = cfg.train_cfg.max_epochs
    warmup, cosine = cfg.param_scheduler
    assert (warmup.type, cosine.type) == ('LinearLR', 'CosineAnnealingLR')
    assert warmup.begin == 0 and warmup.end == cosine.begin and cosine.end == epochs
    assert cosine.T_max == pytest.approx(cosine.end - cosine.begin)
    assert 0 < cfg.train_cfg.val_begin <= epochs and cfg.train_cfg.val_interval <= epochs
    if not cfg.auto_scale_lr.enable:
        assert cfg.auto_scale_lr.base_batch_size == cfg.train_dataloader.batch_size


@pytest.mark.parametrize('name', NAMES)
def test_albar_differs_from_its_baseline_only_in_the_static_pass(name):
    plain = load(f'erm_{name}').to_dict()
    albar = load(f'albar_{name}').to_dict()
    albar.pop('albar_static', None)
    assert {t['type'] for t in albar['model'].pop('static')['losses']} == {
        'StaticAdversarialLoss', 'StaticEntropyLoss', 'StaticGradientPenalty'}
    assert albar['model'].pop('type') == 'ALBARRecognizer3D'
    assert albar['model']['data_preprocessor'].pop('type') == 'StaticDataPreprocessor'
    plain['model'].pop('type')
    plain['model']['data_preprocessor'].pop('type')
    for pipeline in (albar['train_dataloader']['dataset']['pipeline'], albar['train_pipeline']):
        assert pipeline.pop() == dict(type='StaticClip', frame='random')
    assert albar == plain


@pytest.mark.parametrize('name', FULL_SIZE)
def test_full_size_configs_are_in_the_papers_setting(name):
    cfg = load(f'albar_{name}')
    assert [(t.type, t.weight) for t in cfg.model.static.losses] == [
        ('StaticAdversarialLoss', 1.), ('StaticEntropyLoss', 4.), ('StaticGradientPenalty', 10.)]
    assert cfg.model.static.losses[2].reduction == 'official'
    assert cfg.model.static.losses[0].get('cap') is None
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.weight_decay) == ('AdamW', 1e-4, 0.01)
    assert (cfg.auto_scale_lr.enable, cfg.auto_scale_lr.base_batch_size) == (True, 64)
    assert (cfg.train_cfg.max_epochs, cfg.param_scheduler[0].end) == (50, 5)
    assert cfg.train_dataloader.batch_size == 8
    sample = next(t for t in cfg.train_pipeline if t.type == 'SampleFrames')
    assert (sample.clip_len, sample.frame_interval) == (32, 2)
    assert cfg.train_pipeline[5].scale == (224, 224)
    assert cfg.model.cls_head.dropout_ratio == 0


def test_where_full_size_training_starts_from():
    for name in ('hmdb51', 'ucf101'):
        cfg = load(f'erm_{name}')
        assert 'kinetics400' in cfg.load_from and cfg.model.backbone.pretrained2d is False
    cfg = load('erm_kinetics400')  # weights trained on its own training clips would be no start
    assert not cfg.get('load_from')
    assert cfg.model.backbone.pretrained2d is True and cfg.model.backbone.pretrained


@pytest.mark.parametrize(('name', 'dataset', 'classes', 'conflfg'), [
    ('hmdb51', 'HMDB51', 51, ['stripe']), ('ucf101', 'UCF101', 101, ['stripe']),
    ('kinetics400', 'K400', 400, [])])  # fmt: skip
def test_ood_sets(name, dataset, classes, conflfg):
    test = load(f'erm_{name}').test_dataloader.dataset
    assert (test.dataset, test.num_classes) == (dataset, classes)
    assert test.bias_root == f'data/{name}/bias'
    assert test.scuba == test.scufo == ['places365', 'vqgan', 'stripe']
    assert test.conflfg == conflfg
