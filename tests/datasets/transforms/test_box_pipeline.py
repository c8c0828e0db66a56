"""Which pipelines carry person boxes."""

from pathlib import Path

import pytest
from mmaction.registry import TRANSFORMS
from mmengine.config import Config

from albar_mm.datasets.transforms import check_box_pipeline, with_person_boxes

from ...refused import refused
from .test_person_boxes import AUGMENT, STOCK, OnlyImages


def test_with_person_boxes(tmp_path):
    made = with_person_boxes(STOCK, 'people.jsonl', 0.3, 'none')
    load = dict(
        type='LoadPersonBoxes', file='people.jsonl', min_score=0.3, missing='none', above=False
    )
    pack = dict(STOCK[-1], algorithm_keys=('person_boxes',))
    assert made == [*STOCK[:3], load, *AUGMENT, dict(type='PackPersonBoxes'), STOCK[-2], pack]
    check_box_pipeline(made)
    assert with_person_boxes(made, 'people.jsonl', 0.3, 'none') == made
    with pytest.raises(ValueError, match='LoadPersonBoxes with other settings already'):
        with_person_boxes(made, 'people.jsonl')


def replaced(index, *steps):
    return [*STOCK[:index], *steps, *STOCK[index + 1 :]]


def chosen(type, *steps):
    return dict(type=type, transforms=list(steps))


@TRANSFORMS.register_module()
class OwnStepThatCarries(OnlyImages):
    carries_person_boxes = True


@TRANSFORMS.register_module()
class OwnStep(OnlyImages):
    pass


def wrapper(kind, op):
    return dict(type=f'{kind}Wrapper', op=op)


@pytest.mark.parametrize(
    ('pipeline', 'message'),
    [
        (replaced(6, dict(type='ThreeCrop', crop_size=224)), 'ThreeCrop makes three images of one'),
        (replaced(6, dict(type='mmaction.TenCrop', crop_size=224)), 'TenCrop makes ten images'),
        (
            replaced(6, wrapper('PytorchVideo', 'RandAugment')),
            r"Wrapper\(op='RandAugment'\) does not carry boxes; take it out",
        ),
        (replaced(6, dict(type='ImgAug', transforms='default')), 'ImgAug may move pixels'),
        (replaced(6, wrapper('TorchVision', 'RandomRotation')), 'op=.RandomRotation'),
        (replaced(6, chosen('RandomApply', dict(type='OwnStep'))), 'OwnStep is not kn'),
        (replaced(6, chosen('RandomChoice', [dict(type='Flip')], [dict(type='No')])), 'No is not'),
        (replaced(6, dict(type='Flip', direction='vertical')), 'vertical'),
        (replaced(6, dict(type='Flip', lazy=True), dict(type='Fuse')), r'Flip\(lazy=True\)'),
        (replaced(6, dict(type=OwnStep)), 'OwnStep'),
        (replaced(2, dict(type='PyAVDecode', mode='efficient')), 'gives other frames than it is'),
        (STOCK[:2] + STOCK[3:], r'expected one decoding step \(DecordDecode, .* got 0'),
        (STOCK[:-2], 'expected one FormatShape'),
        (STOCK[-2:] + STOCK[:-2], 'FormatShape stands before DecordDecode'),
        ([*STOCK, dict(scale=3)], 'expected steps as config dicts with a type'),
        (STOCK[:-1], 'expected one PackActionInputs'),
        (replaced(7, dict(type='FormatShape', input_format='NPTCHW')), "input_format='NPTCHW'"),
    ],
)
def test_pipelines_that_cannot(pipeline, message):
    refused(message, with_person_boxes, pipeline, 'people.jsonl', error=ValueError)
    if message not in ('expected one PackActionInputs', "input_format='NPTCHW'"):
        refused(message, check_box_pipeline, pipeline, error=ValueError)


def test_pipelines_that_can():
    for step in (
        chosen('RandomApply', dict(type='ColorJitter')),
        dict(type='OwnStepThatCarries', crops=False),
        wrapper('TorchVision', 'ColorJitter'),
        dict(type='LoadSceneLabels'),
    ):
        check_box_pipeline(replaced(6, step))
    made = with_person_boxes(STOCK, 'people.jsonl')
    for pipeline, message in (
        ([*made[:6], made[8], *made[6:8], *made[9:]], 'PackPersonBoxes must .* before FormatShape'),
        ([*made[:3], *made[4:6], made[3], *made[6:]], 'LoadPersonBoxes must .* after DecordDecode'),
        ([*made[:8], *made[9:]], 'expected one PackPersonBoxes'),
    ):
        refused(message, check_box_pipeline, pipeline, error=ValueError)


@pytest.mark.parametrize(
    ('config', 'carries'),
    [
        ('tsn/tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e_kinetics400-rgb', True),
        ('tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_sthv2-rgb', True),
        ('slowfast/slowfast_r50_8xb8-4x16x1-256e_kinetics400-rgb', True),
        ('swin/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb', True),
        ('uniformerv2/uniformerv2-base-p16-res224_clip_8xb32-u8_kinetics700-rgb', False),
        *((f'erm_{name}', True) for name in 'hmdb51 ucf101 kinetics400 jhmdb21 sprites'.split()),
    ],
)
def test_training_pipelines_of_mmaction_and_of_this_project(config, carries):
    import mmaction

    folder = Path(mmaction.__file__).parent / '.mim' / 'configs' / 'recognition'
    folder = folder if '/' in config else Path(__file__).parents[3] / 'configs'
    pipeline = Config.fromfile(folder / f'{config}.py').train_dataloader.dataset.pipeline
    if carries:
        assert len(with_person_boxes(pipeline, 'b.jsonl')) == len(pipeline) + 2
    else:
        with pytest.raises(ValueError, match='RandAugment.* does not carry boxes'):
            with_person_boxes(pipeline, 'b.jsonl')
