"""Every shipped config parses, builds all its parts, and keeps validation apart from test."""

import re
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmaction.registry import DATASETS, HOOKS, METRICS, MODELS
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope

from tests.video_files import write_video

FOLDER = Path(__file__).parents[2] / 'configs'
CONFIGS = sorted(FOLDER.glob('*.py'))
BIAS_CONFIGS = sorted((FOLDER / 'bias').glob('*.py'))
BIAS_BASES = sorted((FOLDER / '_base_' / 'datasets').glob('bias_*.py'))
NAMES = ['hmdb51', 'ucf101', 'kinetics400', 'jhmdb21', 'sprites']
FULL_SIZE = NAMES[:3]


def load(name):
    return Config.fromfile(FOLDER / f'{name}.py')


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    return str(write_video(tmp_path_factory.mktemp('video') / 'a.avi', 40))


def test_no_config_is_left_out_and_leaf_configs_are_short():
    wanted = {f'{method}_{name}' for method in ('erm', 'albar') for name in NAMES}
    assert wanted <= {path.stem for path in CONFIGS}
    tested = 'jhmdb21 jhmdb21_on_the_fly ucf101_boxes kinetics400_aras'.split()
    wanted = {f'{method}_{name}' for method in ('erm', 'albar') for name in tested}
    assert wanted == {path.stem for path in BIAS_CONFIGS}
    for path in FOLDER.rglob('*.py'):
        most = 50 if path.stem.startswith('tal_') else 40
        assert '_base_' in path.parts or path.read_text().count('\n') <= most, path


@pytest.mark.parametrize('path', CONFIGS, ids=lambda p: p.stem)
def test_builds_and_never_validates_on_a_test_list(path, video):
    """Datasets are built lazily, as the data is not there; pipelines run on a real file."""
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    albar = path.stem.startswith('albar')
    train, val, test = (cfg[f'{part}_dataloader'].dataset for part in ('train', 'val', 'test'))
    assert MODELS.build(cfg.model).cls_head.num_classes == test.num_classes
    assert ('static' in cfg.model) == albar
    assert len({train.ann_file, val.dataset.ann_file, test.iid.ann_file}) == 3
    assert cfg.val_evaluator.type == 'StaticContrastMetric'
    assert cfg.default_hooks.checkpoint.save_best == 'val/contrast'
    # Monitors are averaged over a window, but not over validations: MMEngine searches the pattern
    # in names without the leading 'train/' or 'val/'.
    averaged = re.compile(cfg.log_processor.mean_pattern)
    assert all(averaged.search(key) for key in ('static_ce', 'static_top1', 'loss_static_adv'))
    assert not any(averaged.search(key) for key in ('val/static_top1', 'val/top1', 'lr'))
    epochs = cfg.train_cfg.max_epochs
    warmup, cosine = cfg.param_scheduler
    assert (warmup.type, cosine.type) == ('LinearLR', 'CosineAnnealingLR')
    assert warmup.begin == 0 and warmup.end == cosine.begin and cosine.end == epochs
    assert cosine.T_max == pytest.approx(cosine.end - cosine.begin)
    assert 0 < cfg.train_cfg.val_begin <= epochs and cfg.train_cfg.val_interval <= epochs
    if not cfg.auto_scale_lr.enable:
        assert cfg.auto_scale_lr.base_batch_size == cfg.train_dataloader.batch_size
    shapes = []
    for part, settings in dict(train=train, val=val.dataset, test=test).items():
        dataset = DATASETS.build(dict(settings, lazy_init=True))
        packed = dataset.pipeline(dict(filename=video, label=0, start_index=0, modality='RGB'))
        shapes.append(tuple(packed['inputs'].shape))
        frame = packed['data_samples'].metainfo.get('static_frame')
        assert (frame is not None) == (part == 'train' and albar)
    DATASETS.build(dict(val, dataset=dict(val.dataset, lazy_init=True)))
    clip_len = next(t.clip_len for t in train.pipeline if t.type == 'SampleFrames')
    assert shapes == [(1, 3, clip_len, shapes[0][-1], shapes[0][-1])] * 3
    assert METRICS.build(cfg.val_evaluator) and METRICS.build(cfg.test_evaluator)
    assert all(isinstance(HOOKS.build(hook), Hook) for hook in cfg.custom_hooks)
    # a domain of another shape would be padded
    assert cfg.test_dataloader.batch_sampler.type == 'DomainBatchSampler'


@pytest.mark.parametrize('name', NAMES)
def test_albar_differs_from_its_baseline_only_in_the_static_pass(name):
    plain = load(f'erm_{name}').to_dict()
    albar = load(f'albar_{name}').to_dict()
    albar.pop('albar_static', None)
    kinds = {f'Static{kind}' for kind in ('AdversarialLoss', 'EntropyLoss', 'GradientPenalty')}
    assert {t['type'] for t in albar['model'].pop('static')['losses']} == kinds
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
        ('StaticAdversarialLoss', 1.0),
        ('StaticEntropyLoss', 4.0),
        ('StaticGradientPenalty', 10.0),
    ]
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


def bias_base(name):
    return Config.fromfile(FOLDER / '_base_' / 'datasets' / f'bias_{name}.py')


def through(pipeline, video):
    packed = Compose(pipeline)(dict(filename=video, label=0, start_index=0, modality='RGB'))
    return tuple(packed['inputs'].shape)


@pytest.mark.parametrize('path', BIAS_CONFIGS, ids=lambda p: p.stem)
def test_bias_configs_test_the_model_of_a_training_config(path, video):
    """They differ from it in what is tested alone, and show the model the same views."""
    named = re.fullmatch(r'(erm|albar)_([a-z]+\d+)(_\w+)?', path.stem)
    method, name, how = named.groups(default='')
    cfg, trained = Config.fromfile(path), load(f'{method}_{name}')
    init_default_scope(cfg.default_scope)
    same = 'model test_evaluator train_dataloader val_dataloader train_cfg custom_hooks'
    for part in same.split():
        assert cfg[part] == trained[part]
    test = cfg.test_dataloader.dataset
    on_the_fly = how == '_on_the_fly'
    assert test.type == ('OnTheFlyBenchmarkDataset' if on_the_fly else 'BiasBenchmarkDataset')
    assert test.iid == trained.test_dataloader.dataset.iid
    assert list(test.get('extra_iid', ())) == how.strip('_').split() * (how == '_aras')
    assert test.scuba == test.scufo and 'stripe' in test.scuba
    assert test.conflfg == ([] if how == '_aras' else ['stripe'])
    assert set(test.scuba) - {'stripe'} == set(cfg.bias_backgrounds)
    assert through(test.pipeline, video) == through(trained.test_pipeline, video)
    assert cfg.test_dataloader.batch_sampler.type == 'DomainBatchSampler'
    DATASETS.build(dict(test, lazy_init=True))


@pytest.mark.parametrize('path', BIAS_BASES, ids=lambda p: p.stem)
def test_bias_bases_go_beside_any_other(path):
    cfg = Config.fromfile(path)
    init_default_scope('mmaction')
    assert all(key.startswith('bias_') for key in cfg)
    loaders = {key: value for key, value in cfg.items() if key.endswith('_dataloader')}
    assert {'bias_dataloader', 'bias_on_the_fly_dataloader'} <= loaders.keys()
    for loader in loaders.values():
        assert loader.batch_sampler.type == 'DomainBatchSampler'
        DATASETS.build(dict(loader.dataset, lazy_init=True))
    exported, made = cfg.bias_dataloader.dataset, dict(cfg.bias_on_the_fly_dataloader.dataset)
    assert set(made.pop('backgrounds')) | {'stripe'} == set(exported.scuba)
    assert made.pop('videos') == exported.iid.data_prefix.video
    assert dict(exported, type=made['type']) == made


@pytest.mark.parametrize(
    ('name', 'dataset', 'classes', 'conflfg', 'further', 'root'),
    [
        ('hmdb51', 'HMDB51', 51, ['stripe'], [], 'hmdb51/bias'),
        ('ucf101', 'UCF101', 101, ['stripe'], [], 'ucf101/bias'),
        ('ucf101_boxes', 'UCF101-boxes', 101, ['stripe'], [], 'ucf101/bias_boxes'),
        ('k400', 'K400', 400, [], ['aras'], 'kinetics400/bias'),
    ],
)
def test_published_protocols(name, dataset, classes, conflfg, further, root):
    """Also what the training configs test."""
    test = bias_base(name).bias_dataloader.dataset
    trained = dict(k400='kinetics400').get(name, name)
    tested = [test]
    if trained in FULL_SIZE:
        tested.append(load(f'erm_{trained}').test_dataloader.dataset)
    for each in tested:
        found = each.dataset, each.num_classes, each.bias_root, each.conflfg
        assert found == (dataset, classes, f'data/{root}', conflfg)
        assert each.scuba == each.scufo == ['places365', 'vqgan', 'stripe']
    assert list(test.get('extra_iid', {})) == further
    clips = dict(type='BiasSampleFrames', clip_len=32, frame_interval=2, num_clips=1)
    assert test.pipeline[1] == dict(clips, test_mode=True, short='loop')


def test_views(video):
    cfg = bias_base('hmdb51')
    init_default_scope('mmaction')
    views = {'': 1, '_albar': 1, '_1x3': 3, '_4x3': 12, '_squeezed': 1}
    for name, number in views.items():
        shape = through(cfg[f'bias_pipeline{name}'], video)
        assert shape == (number, 3, 32, 224, 224), name
    stillmix = cfg.bias_stillmix_pipelines.items()
    found = {domain: through(steps, video)[0] for domain, steps in stillmix}
    assert found == dict(iid=12, scuba=3, scufo=3, conflfg=1)
    sample = cfg.bias_pipeline_albar[1]
    assert (sample.short, sample.start) == ('halve', 'first')


def test_published_sets_are_read_through_a_config(tmp_path):
    """The loaders of bias_hmdb51_published.py on sets of one item."""
    init_default_scope('mmaction')
    cfg = bias_base('hmdb51_published')
    write_video(tmp_path / 'videos' / 'a.avi', 40)
    labels, frames = tmp_path / 'test.txt', tmp_path / 'stripe'
    labels.write_text('a.avi 7\n')
    iid = dict(ann_file=str(labels), data_prefix=dict(video=str(tmp_path / 'videos')))
    picture = np.random.RandomState(0).randint(0, 255, (240, 320, 3), np.uint8)
    data = cv2.imencode('.jpg', picture)[1].tobytes()
    (frames / 'a__0').mkdir(parents=True)
    for number in range(1, 4):
        (frames / 'a__0' / f'frame{number:06}.jpg').write_bytes(data)
    (tmp_path / 'stripe.txt').write_text('a__0 3 7\n')
    files = dict(frames=str(frames), list=str(tmp_path / 'stripe.txt'))
    still = dict(cfg.bias_stillmix_dataloader.dataset, iid=iid, scuba=dict(stripe=files))
    zipped = tmp_path / 'HMDB51_SCUBA_Stripe' / 'a__0.zip'
    zipped.parent.mkdir()
    with zipfile.ZipFile(zipped, 'w') as archive:
        archive.writestr('000001.jpg', data)
    sets = dict(scuba=['stripe'], scufo=[], conflfg=[])
    albar = dict(cfg.bias_albar_dataloader.dataset, iid=iid, **sets)
    albar.update(bias_root=str(tmp_path), labels=str(labels))
    for settings, number in ((still, 3), (albar, 2)):
        dataset = DATASETS.build(settings)
        assert len(dataset) == number
        for index in range(number):
            assert dataset[index]['inputs'].shape == (1, 3, 32, 224, 224)
            assert dataset[index]['data_samples'].gt_label.item() == 7
