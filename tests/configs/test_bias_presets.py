"""Every preset is built with its defaults, and every config that reads bias sets tests on them."""

import copy
import json

import pytest
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from albar_mm.annotations.manifest import read_rows
from albar_mm.bias_sets.presets import PRESETS
from albar_mm.datasets import BiasBenchmarkDataset
from albar_mm.utils.errors import DatasetError
from albar_mm.video.source_video import frame_cache

from .. import toy_recognizers
from .test_configs import FOLDER
from .tiny_bias_sets import BUILDS, FPS, FRAMES, VIDEOS, write_everything

tested: set[str] = set()
"""Loaders that passed; most configs of a data set share theirs."""


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """A working folder with the data of every preset, and the status of each build."""
    root = tmp_path_factory.mktemp('bias_presets')
    return root, write_everything(root)


@pytest.fixture
def here(data, monkeypatch):
    monkeypatch.chdir(data[0])
    frame_cache.cache_clear()


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmaction')


def is_base(path):
    """Whether other configs are made of it."""
    return '_base_' in path.parts


CONFIGS = [
    path
    for path in sorted(FOLDER.rglob('*.py'))
    if not is_base(path) or (path.parent.name == 'datasets' and path.stem.startswith('bias_'))
]


def asked_sets(dataset):
    """The OOD sets that a config asks for, ``domain/background``; nothing is read."""
    if not issubclass(DATASETS.get(dataset.type), BiasBenchmarkDataset):
        return set()
    made = DATASETS.build(dict(dataset, lazy_init=True))
    return {f'{domain}/{name}' for domain, names in made.backgrounds.items() for name in names}


def loaders(path):
    """Test loaders of a config that ask for an OOD set, by their names."""
    cfg = Config.fromfile(path)
    keys = [key for key in cfg if key.endswith('_dataloader')]
    found = {key: cfg.get(key) for key in (keys if is_base(path) else ['test_dataloader'])}
    return {key: loader for key, loader in found.items() if loader and asked_sets(loader.dataset)}


def smaller(settings):
    """The same pipelines on clips of four frames and an eighth of the size, in this process."""
    if isinstance(settings, dict):
        for key, value in settings.items():
            if key == 'clip_len':
                settings[key] = min(value, 4)
            elif key in ('scale', 'crop_size'):
                sizes = value if isinstance(value, (tuple, list)) else (value,)
                small = tuple(size if size < 0 else max(16, size // 8) for size in sizes)
                settings[key] = small if isinstance(value, (tuple, list)) else small[0]
            elif key in ('num_workers', 'batch_size'):
                settings[key] = 0 if key == 'num_workers' else 64
            else:
                smaller(value)
    elif isinstance(settings, (tuple, list)):
        for value in settings:
            smaller(value)
    return settings


def tiny_model(dataset):
    """Of frames or of clips, whatever the pipelines give."""
    still = 'NCHW' in repr(dataset.pipeline)
    backbone = dict(type='ToyTanhBackbone', channels=2)
    if still:
        backbone = dict(type='ResNet', depth=18, num_stages=1, out_indices=(0,), strides=(1,))
        backbone |= dict(dilations=(1,), pretrained=None)
    layout, classes = 'NCHW' if still else 'NCTHW', dataset.num_classes
    head = toy_recognizers.head(64 if still else 2, classes, 'TSNHead' if still else 'I3DHead')
    return toy_recognizers.build(
        'Recognizer2D' if still else 'Recognizer3D',
        backbone,
        dict(head, average_clips='prob'),
        data_preprocessor=toy_recognizers.preprocessor('ActionDataPreprocessor', layout),
    ).eval()


def scores_of(loader):
    """Test a tiny model on all that a loader reads."""
    made = Runner.build_dataloader(loader)
    model, evaluator = tiny_model(made.dataset), Evaluator(dict(type='BiasMetric'))
    evaluator.dataset_meta = made.dataset.metainfo
    for batch in made:
        evaluator.process(model.test_step(batch), batch)
    return evaluator.evaluate(len(made.dataset)), made.dataset


def test_every_preset_is_built(data):
    """Complete, in the folder and under the name that are its own, with the published number."""
    root, statuses = data
    assert BUILDS.keys() == PRESETS.keys() and set(statuses.values()) == {0}
    for name, preset in PRESETS.items():
        described = json.loads((root / preset.root / 'benchmark.json').read_text())
        number = preset.per_video * len(VIDEOS[preset.source or name])
        assert set(described['items'].values()) == {number}
        assert {folder.split('_')[0] for folder in described['items']} == {preset.dataset}
        kept = FRAMES // 2 if name == 'kinetics400' else FRAMES
        for folder in described['items']:
            rows = read_rows(root / preset.root / folder)
            assert {(row['frames'], row['fps']) for row in rows} == {(kept, FPS * kept / FRAMES)}


def test_no_config_is_left_out():
    """By name, what must be found; more may be."""
    found = {path.stem: loaders(path) for path in CONFIGS if is_base(path)}
    both = {'bias_dataloader', 'bias_on_the_fly_dataloader'}
    names = 'hmdb51 hmdb51_published jhmdb21 k400 ucf101 ucf101_boxes'.split()
    assert {f'bias_{name}' for name in names} <= found.keys()
    assert all(both <= of_base.keys() for of_base in found.values())
    published = {'bias_stillmix_dataloader', 'bias_albar_dataloader'}
    assert found['bias_hmdb51_published'].keys() == both | published
    leaves = {path.stem for path in CONFIGS if not is_base(path) and loaders(path)}
    assert leaves > {'albar_hmdb51', 'erm_kinetics400', 'albar_jhmdb21_on_the_fly', 'albar_sprites'}


@pytest.mark.parametrize('path', CONFIGS, ids=lambda p: str(p.relative_to(FOLDER).with_suffix('')))
def test_a_config_tests_on_what_the_presets_write(here, path):
    for key, loader in loaders(path).items():
        if repr(loader) in tested:
            continue
        scores, dataset = scores_of(smaller(copy.deepcopy(loader)))
        sizes, asked = dataset.metainfo['sets'], asked_sets(loader.dataset)
        further = {f'iid/{name}' for name in loader.dataset.get('extra_iid', {})}
        assert sizes.keys() == asked | further | {'iid/original'} and min(sizes.values()) >= 2, key
        averages = {f'{domain}/avg' for domain in ('scuba', 'scufo', 'contrasted')}
        wanted = {'conflfg/top1' if each == 'conflfg/stripe' else each for each in asked}
        wanted |= {f'{each.partition("/")[2]}/top1' for each in further}
        assert {'iid/top1', *averages, *wanted} <= scores.keys(), key
        assert all(0 <= score <= 100 for score in scores.values()), key
        tested.add(repr(loader))


@pytest.mark.parametrize('key', ['bias_dataloader', 'bias_on_the_fly_dataloader'])
def test_a_folder_that_no_preset_writes_is_noticed(here, key):
    """As the config of UCF101's boxes once named it."""
    (path,) = (path for path in CONFIGS if path.stem == 'bias_ucf101_boxes')
    dataset = smaller(copy.deepcopy(loaders(path)[key].dataset))
    dataset.dataset = 'UCF101'
    with pytest.raises(DatasetError, match='UCF101_SCUBA_'):
        DATASETS.build(dataset)
