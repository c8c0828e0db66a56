"""Mixing a method into configs: what changes, what stays, what is refused."""

import numpy as np
import pytest
from mmengine.config import Config

from albar_mm.compat.load_config import load_config
from albar_mm.debias import checks
from albar_mm.debias.methods import METHODS, debias, difference, static_cost
from albar_mm.utils.errors import DebiasError
from tests.refused import refused

TSM = 'mmaction::recognition/tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb.py'
MVIT = 'mmaction::recognition/mvit/mvit-small-p244_32xb16-16x4x1-200e_kinetics400-rgb.py'
REPEATED = 'mmaction::recognition/videomae/vit-base-p16_videomae-k400-pre_16x4x1_kinetics-400.py'
POSE = 'mmaction::skeleton/posec3d/slowonly_r50_8xb16-u48-240e_gym-keypoint.py'
AUDIO = 'mmaction::recognition_audio/resnet/tsn_r18_8xb320-64x1x1-100e_kinetics400-audio-feature.py'
FLOW = 'mmaction::recognition/slowonly/slowonly_r50_8xb16-16x4x1-256e_kinetics400-flow.py'
OMNI = 'mmaction::recognition/omnisource/slowonly_r50_8xb16-8x8x1-256e_imagenet-kinetics400-rgb.py'
AVA = (
    'mmaction::detection/slowfast/slowfast_kinetics400-pretrained-r50_8xb16-4x16x1-20e_ava21-rgb.py'
)
BMN = 'mmaction::localization/bmn/bmn_2xb8-400x100-9e_activitynet-feature.py'
SDN = 'albar_mm::sdn/sdn_swin-tiny_k400-pre_2xb12-32x2x1-30e_hmdb51-rgb.py'
NORM = dict(mean=[1.0, 2.0, 3.0], std=[4.0, 5.0, 6.0])


def hmdb51(**model):
    """A small config that is no file: the shape of erm_hmdb51.py."""
    pipeline = [
        dict(type='DecordInit'),
        dict(type='SampleFrames', clip_len=8, frame_interval=2, num_clips=1),
        dict(type='DecordDecode'),
        dict(type='Resize', scale=(-1, 256)),
        dict(type='RandomResizedCrop'),
        dict(type='Resize', scale=(224, 224), keep_ratio=False),
        dict(type='Flip', flip_ratio=0.5),
        dict(type='FormatShape', input_format='NCTHW'),
        dict(type='PackActionInputs'),
    ]
    recognizer = dict(
        type='Recognizer3D',
        backbone=dict(type='ResNet3dSlowOnly', depth=18),
        cls_head=dict(type='I3DHead', in_channels=512, num_classes=51),
        data_preprocessor=dict(type='ActionDataPreprocessor', format_shape='NCTHW', **NORM),
    )
    recognizer.update(model)
    dataset = dict(type='VideoDataset', ann_file='data/hmdb51/train.txt', pipeline=pipeline)
    parts = dict(train_pipeline=pipeline, train_dataloader=dict(dataset=dataset))
    return Config(dict(model=recognizer, optim_wrapper=dict(lr=1), **parts))


@pytest.fixture(scope='module')
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('files')
    (folder / 'boxes.jsonl').write_text('{"video": "a.avi", "boxes": [[[0, 0, 9, 9, 0.9]]]}\n')
    (folder / 'scenes.jsonl').write_text('{"video": "a.avi", "scene": 6}\n')
    for classes in (51, 101):
        np.savez(
            folder / f'bank{classes}.npz',
            frames=np.zeros((2, 8, 8, 3), np.uint8),
            probability=np.array([0.5, 0.6], np.float32),
            num_classes=classes,
            info='{"window": [0, 1]}',
            source=np.array(['a.avi#0', 'a.avi#3']),
        )
    return folder


def options_of(method, files):
    boxes = dict(boxes=files / 'boxes.jsonl')
    return dict(sdn=dict(scenes=files / 'scenes.jsonl', **boxes), actorcutmix=boxes).get(method, {})


@pytest.mark.parametrize('method', METHODS)
def test_the_config_given_is_left_alone_and_the_rest_stays(method, files):
    cfg = hmdb51()
    before = cfg.pretty_text
    made = debias(cfg, method, **options_of(method, files))
    assert cfg.pretty_text == before
    assert made.optim_wrapper == cfg.optim_wrapper
    assert made.model.backbone == cfg.model.backbone and made.model.cls_head == cfg.model.cls_head
    assert 'albar_mm' in made.custom_imports['imports']
    assert difference(cfg, made) and difference(cfg, cfg) == ''
    # the variable that leaf configs share follows the data set's pipeline
    assert made.train_pipeline == made.train_dataloader.dataset.pipeline
    # all steps that were there are there, in order
    kinds = [step['type'] for step in made.train_pipeline]
    stock = iter(kinds)
    assert all(step['type'] in stock for step in cfg.train_pipeline)


@pytest.mark.parametrize(
    'method, kind, expected',
    [
        ('mixup', 'ClipMixupBlending', dict(alpha=0.2, prob=0.75)),
        ('videomix', 'VideoMixBlending', dict(alpha=1.0, prob=0.25)),
        ('be', 'BEBlending', dict(scale=0.3, prob=0.25)),
        ('actorcutmix', 'ActorCutMixBlending', dict(prob=0.25)),
        ('fame', 'FAMEBlending', dict(fg_fraction=0.5, prob=0.5, **NORM)),
        ('stillmix', 'StillMixBlending', dict(alpha=200.0, beta=200.0, prob=0.75, **NORM)),
    ],
)
def test_published_settings_of_hmdb51(method, kind, expected, files):
    model = debias(hmdb51(), method, **options_of(method, files)).model
    assert model.data_preprocessor.blending == dict(type=kind, num_classes=51, **expected)


@pytest.mark.parametrize(
    'options, prob',
    [
        (dict(), 0.75),
        (dict(pretraining='imagenet'), 0.5),
        (dict(data_set='ucf101'), 0.25),
        (dict(data_set='ucf101', pretraining='imagenet'), 0.75),
        (dict(prob=0.1), 0.1),
        (dict(data_set='kinetics400'), 0.25),
    ],
)
def test_settings_by_data_set_and_pretraining(options, prob):
    blending = debias(hmdb51(), 'stillmix', **options).model.data_preprocessor.blending
    assert blending.prob == prob
    kinetics = options.get('data_set') == 'kinetics400'
    assert (blending.alpha, blending.beta) == ((20, 60) if kinetics else (200, 200))
    cfg = hmdb51()
    cfg.model.cls_head.num_classes = 7  # other data get one probability for all
    assert debias(cfg, 'be').model.data_preprocessor.blending.prob == 0.5


@pytest.mark.parametrize('config, kind', [(TSM, 'ALBARRecognizer2D'), (MVIT, 'ALBARRecognizer3D')])
def test_albar_in_stock_configs(config, kind):
    cfg = debias(config, 'albar')
    assert cfg.model.type == kind
    assert cfg.model.data_preprocessor.type == 'StaticDataPreprocessor'
    assert [loss['weight'] for loss in cfg.model.static.losses] == [1.0, 4.0, 10.0]
    assert cfg.train_dataloader.dataset.pipeline[-1] == dict(type='StaticClip', frame='random')
    assert cfg.log_processor['mean_pattern'].endswith('|^static_')
    if config == MVIT:  # an own blending stays and comes second
        first, second = debias(MVIT, 'stillmix').model.data_preprocessor.blending.blendings
        assert first.type == 'StillMixBlending' and second.type == 'RandomBatchAugment'
        assert cfg.model.data_preprocessor.blending == second
        # a config that only tests has no pipeline to change
        assert debias(REPEATED, 'albar').model.type == kind


def test_boxes_scenes_and_bank(files):
    cfg = debias(hmdb51(), 'sdn', **options_of('sdn', files))
    assert cfg.model.type == 'SDNRecognizer3D' and cfg.model.sdn.num_scenes == 7
    kinds = [step.type for step in cfg.train_pipeline]
    assert kinds.index('LoadPersonBoxes') == kinds.index('DecordDecode') + 1
    assert kinds.index('PackPersonBoxes') < kinds.index('FormatShape')
    assert set(cfg.train_pipeline[-1].algorithm_keys) == {'person_boxes', 'scene_target'}
    pipelines = cfg, debias(hmdb51(), 'actorcutmix', boxes=files / 'boxes.jsonl')
    loads = [dict(each.train_pipeline[kinds.index('LoadPersonBoxes')]) for each in pipelines]
    assert [(load['min_score'], load['above']) for load in loads] == [(0.3, False), (0.4, True)]
    without = debias(hmdb51(), 'sdn', scenes=files / 'scenes.jsonl', mask=None)
    assert without.model.sdn.mask is None
    assert set(without.train_pipeline[-1].algorithm_keys) == {'scene_target'}
    cfg = hmdb51()
    cfg.train_dataloader.dataset.pipeline.insert(5, dict(type='ThreeCrop', crop_size=224))
    boxes = files / 'boxes.jsonl'  # ThreeCrop does not carry them
    refused('ThreeCrop', debias, cfg, 'actorcutmix', error=DebiasError, boxes=boxes)
    blending = debias(hmdb51(), 'stillmix', bank=files / 'bank51.npz').model.data_preprocessor
    assert blending.blending.bank == str(files / 'bank51.npz')
    bank, said = files / 'bank101.npz', r'bank101.npz was scored for 101 classes, .* has 51'
    refused(said, debias, hmdb51(), 'stillmix', error=DebiasError, bank=bank)


@pytest.mark.parametrize(
    'config, message',
    [
        (POSE, 'reads skeletons'),
        (AUDIO, 'audio'),
        (FLOW, 'optical flow'),
        (OMNI, 'images and videos'),
        (AVA, 'actions of persons'),
        (BMN, 'no recogniser'),
        (SDN, 'is a SDNRecognizer3D already'),
        ('albar_mm::albar_hmdb51.py', 'is a ALBARRecognizer3D already'),
    ],
)
def test_other_kinds_of_configs_are_refused(config, message):
    refused(message, debias, config, 'albar', error=DebiasError)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(cls_head=dict(type='I3DHead', num_classes=51, multi_class=True)), 'several labels'),
        (dict(cls_head=dict(num_classes=51, loss_cls=dict(type='BCELossWithLogits'))), 'BCELoss'),
        (dict(cls_head=dict(type='I3DHead')), 'num_classes is None'),
        (dict(type='MyRecognizer'), 'MyRecognizer is no recogniser of MMAction2'),
    ],
)
def test_models_that_no_method_fits(change, message):
    refused(message, debias, hmdb51(**change), 'albar', error=DebiasError)


def test_wrapped_models_and_the_same_blending_twice():
    once = debias(hmdb51(), 'mixup')
    refused('blending is a ClipMixupBlending already', debias, once, 'mixup', error=DebiasError)
    two = debias(once, 'be')
    kinds = [each.type for each in two.model.data_preprocessor.blending.blendings]
    assert kinds == ['BEBlending', 'ClipMixupBlending']
    refused('blending is a BEBlending already', debias, two, 'be', error=DebiasError)
    cfg = hmdb51()
    inner = cfg.train_dataloader.dataset
    both = dict(type='ConcatDataset', datasets=[inner, dict(inner, ann_file='hmdb51/b.txt')])
    cfg.train_dataloader.dataset = dict(type='RepeatDataset', times=2, dataset=both)
    made = debias(cfg, 'albar')
    for dataset in made.train_dataloader.dataset.dataset.datasets:
        assert dataset.pipeline[-1].type == 'StaticClip'
    cfg = hmdb51()
    cfg.model = dict(type='AnyDistiller', architecture=cfg.model, weight=1)
    made = debias(cfg, 'albar+stillmix')
    assert made.model.type == 'AnyDistiller'
    assert made.model.architecture.type == 'ALBARRecognizer3D'
    assert made.model.architecture.data_preprocessor.blending.type == 'StillMixBlending'


@pytest.mark.parametrize(
    'method, options, message',
    [
        ('stilmix', {}, r"unknown method 'stilmix' \(did you mean 'stillmix'\?\)"),
        ('mixup', dict(alfa=1), r"unknown option 'alfa' \(did you mean 'alpha'\?\)"),
        ('actorcutmix', {}, 'actorcutmix needs boxes=FILE.*detect_people.py'),
        ('actorcutmix', dict(boxes='nowhere.jsonl'), 'boxes=nowhere.jsonl: no such file'),
        ('sdn', {}, 'sdn needs scenes=FILE.*label_scenes.py'),
        ('stillmix', dict(bank='nowhere.npz'), 'bank=nowhere.npz: no such file'),
        ('be', dict(data_set='hmdb'), "data_set='hmdb': expected one of hmdb51"),
        ('be', dict(prob=2), 'BEBlending: .*prob'),
    ],
)
def test_bad_options(method, options, message):
    refused(message, debias, hmdb51(), method, error=DebiasError, **options)


def test_stillmix_without_a_bank_says_that_it_is_another_method(files, monkeypatch):
    said = []
    monkeypatch.setattr(checks, 'print_log', lambda text, *_: said.append(text))
    banks = dict(bank=None), dict(bank=files / 'bank51.npz')
    quiet = [debias(hmdb51(), 'stillmix', **bank) for bank in banks]
    published = debias(hmdb51(), 'albar+stillmix')
    assert said == []
    bare = debias(hmdb51(), 'stillmix')
    (text,) = said
    assert 'StillMix-random, not StillMix' in text and 'bank=FILE' in text
    assert [checks.lacks_bank(made.model) for made in (*quiet, published, bare)] == [
        True,
        False,
        False,
        True,
    ]
    inside = dict(type='ChainedBlending', blendings=[dict(type='StillMixBlending')])
    assert checks.lacks_bank(hmdb51(data_preprocessor=dict(blending=inside)).model)


def test_preset_of_the_static_pass_and_what_it_costs():
    given = load_config('albar_mm::erm_sprites.py')
    made = debias(given, 'albar', preset='fast')
    assert made.model.static.preset == 'fast'
    assert 'of 8 of 16 clips' in static_cost(made)
    assert static_cost(given) == ''
    with pytest.raises(DebiasError, match=r'static\.preset must be one of'):
        debias(given, 'albar', preset='slow')
