"""Person boxes through MMAction2's augmentations, against masks that go the same way."""

import copy
import random

import cv2
import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose

from albar_mm.annotations.person_boxes import read_person_boxes
from albar_mm.bias_sets.masks.folders import read_puppet_mask
from albar_mm.datasets.transforms import LoadPersonBoxes, PackPersonBoxes, with_person_boxes
from albar_mm.utils.files import write_json_lines

from ...bias_sets.masks.toy_masks import index_of
from ...refused import refused
from ...video_files import write_video

AUGMENT = [
    dict(type='Resize', scale=(-1, 256)),
    dict(type='RandomResizedCrop'),
    dict(type='Resize', scale=(224, 224), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
]
STOCK = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=4, frame_interval=2, num_clips=1),
    dict(type='DecordDecode'),
    *AUGMENT,
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]
WAYS = {
    'swin': AUGMENT,
    'tsn': [
        dict(type='Resize', scale=(-1, 96)),
        dict(type='MultiScaleCrop', input_size=64, scales=(1, 0.75), num_fixed_crops=13),
        dict(type='Resize', scale=(64, 64), keep_ratio=False),
        dict(type='Flip'),
    ],
    'slowfast': [
        dict(type='RandomRescale', scale_range=(70, 110)),
        dict(type='RandomCrop', size=64),
        dict(type='Flip', flip_ratio=1.0),
    ],
    'flips_first': [
        dict(type='Flip', flip_ratio=1.0),
        dict(type='RandomResizedCrop'),
        dict(type='Flip', flip_ratio=0.5),
        dict(type='Resize', scale=0.5),
    ],
    'centre': [
        dict(type='CenterCrop', crop_size=48),
        dict(type='RandomErasing', erase_prob=0.0),
        dict(type='ColorJitter', contrast=0.0, hue=0.0),
    ],
}


@pytest.fixture
def listed(tmp_path):
    """Writes a file of person boxes: of one video by its name, or of several."""

    def write(video, boxes, **others):
        rows = [dict(video=name, boxes=of) for name, of in {video: boxes, **others}.items()]
        write_json_lines(tmp_path / 'b.jsonl', rows)
        return tmp_path / 'b.jsonl'

    return write


def decoded(frames, **others):
    imgs = [np.zeros((60, 80, 3), np.uint8) for _ in frames]
    shapes = dict(original_shape=(60, 80), img_shape=(60, 80))
    video = dict(filename='/d/wave/clip.avi', modality='RGB')
    return dict(imgs=imgs, frame_inds=np.array(frames), **video, **shapes, **others)


def masks_of(boxes):
    """White where a box is; every box has an image of its own."""
    imgs = np.zeros((len(boxes), 60, 80, 3), np.uint8)
    for image, (x1, y1, x2, y2) in zip(imgs, boxes, strict=True):
        image[y1:y2, x1:x2] = 255
    return list(imgs)


def edges(image):
    rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
    return [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1] if len(rows) else None


@pytest.fixture
def nobody(listed):
    """A file that knows nobody in ``clip``."""
    return listed('clip', [[]])


@pytest.mark.parametrize('way', WAYS)
def test_boxes_end_where_drawn_masks_end(listed, way):
    """Each of 24 random boxes in a frame of its own, drawn and carried, within a pixel."""
    rng = np.random.default_rng(3)
    corners = rng.integers(0, (70, 50), (24, 2))
    sizes = rng.integers(3, 60, (24, 2))
    boxes = np.concatenate([corners, np.minimum(corners + sizes, (80, 60))], 1)
    boxes[0], boxes[1] = (0, 0, 80, 60), (0, 10, 20, 60)
    load = LoadPersonBoxes(listed('clip', boxes.tolist()))
    steps = Compose([load, *WAYS[way], PackPersonBoxes()])
    dimmed = way == 'centre'  # by ColorJitter
    compared = 0
    for seed in range(20):
        np.random.seed(seed)
        random.seed(seed)
        results = steps(dict(decoded(range(24)), imgs=masks_of(boxes)))
        found = {int(row[0]): row[1:].numpy() for row in results['person_boxes']}
        assert results['person_boxes'].dtype == torch.float32
        height, width = results['img_shape']
        for frame, image in enumerate(results['imgs']):
            white = edges(image[..., 0] > (0 if dimmed else 127))
            box = found.get(frame, np.zeros(4))
            if min(box[2:] - box[:2]) < 4:  # interpolation smears slivers
                assert white is None or min(white[2] - white[0], white[3] - white[1]) < 6
                continue
            compared += 1
            assert np.abs(box - white).max() <= 1.01, (seed, frame)
        assert found[0].tolist() == [0, 0, width, height]  # who fills the image still does
        assert not {'gt_bboxes', 'person_frames', 'keypoint', 'person_boxes_from'} & results.keys()
    assert compared > 200


def test_numbers_by_hand(listed):
    """Crop 20:60, 10:50, enlarged twice, mirrored; two people in frame 1, none in frame 0."""
    two = [[30, 20, 40, 30, 0.9], [0, 0, 80, 60, 0.41], [0, 0, 80, 60, 0.39]]
    boxes = [[], two, [[0, 0, 20, 60]], [25, 45, 70, 60]]

    class Crop(BaseTransform):
        def transform(self, results):
            from mmaction.datasets.transforms import RandomCrop

            box = np.array([20, 10, 60, 50])
            results['imgs'] = RandomCrop._crop_imgs(results['imgs'], box)
            results['keypoint'] = RandomCrop._crop_kps(results['keypoint'], box)
            return dict(RandomCrop(40)._all_box_crop(results, box), img_shape=(40, 40))

    carried = [Crop(), dict(type='Resize', scale=(80, 80)), dict(type='Flip', flip_ratio=1.0)]
    steps = Compose([LoadPersonBoxes(listed('wave/clip.avi', boxes)), *carried, PackPersonBoxes()])
    found = steps(decoded([1, 3, 1, 0, 2]))['person_boxes']
    first, whole = [40, 20, 60, 40], [0, 0, 80, 80]
    expected = [[0, *first], [0, *whole], [1, 0, 70, 70, 80], [2, *first], [2, *whole]]
    assert np.allclose(found, expected, atol=1e-4)


def test_nobody(nobody):
    for way in WAYS.values():
        steps = Compose([LoadPersonBoxes(nobody), *way, PackPersonBoxes()])
        found = steps(decoded([0, 1, 1, 0, 2]))['person_boxes']
        assert found.shape == (0, 5) and found.dtype == torch.float32


def test_frame_numbers(listed):
    """Raw frames count from start_index and begin at offset."""
    step = LoadPersonBoxes(listed('wave/clip', [[i, 0, i + 1, 1] for i in range(9)]))
    for others, first in (({}, 2), (dict(start_index=1), 1), (dict(start_index=1, offset=4), 5)):
        results = decoded([2, 4], **others)
        results['frame_dir'] = results.pop('filename').removesuffix('.avi')
        found = step(results)
        assert found['gt_bboxes'][:, 0].tolist() == [first, min(first + 2, 8)]
        assert found['gt_bboxes'].dtype == np.float32
        assert found['person_frames'].tolist() == [0, 1]
    assert step(decoded([[1], [8]]))['gt_bboxes'][:, 0].tolist() == [1, 8]
    refused('frame -1 was asked for; .* is start_index wrong', step, decoded([0], start_index=1))


def test_clips_to_the_image_and_refuses_other_images(listed):
    step = LoadPersonBoxes(listed('clip', [[-4, -4, 90, 90], [80, 0, 99, 9]]))
    assert step(decoded([0]))['gt_bboxes'].tolist() == [[0, 0, 80, 60]]
    outside = r'clip.avi: the box .* of frame 1 \(from 0\) lies outside of the image of 80x60 px'
    refused(rf'b.jsonl: video /d/wave/{outside}', step, decoded([0, 1]))


def test_missing_videos(listed):
    file = listed('other', [[]])
    told = 'clip.avi; detect them with tools/detect_people.py, or set miss'
    told = f'b.jsonl: no person boxes of video /d/wave/{told}'
    refused(told, LoadPersonBoxes(file), decoded([0]))
    step = LoadPersonBoxes(file, missing='none')
    assert step(decoded([0, 1]))['gt_bboxes'].shape == (0, 4)
    assert len(step._without) == 1 and step(decoded([0]))['person_frames'].shape == (0,)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(imgs=None), 'right after the decoding step: imgs and'),
        (dict(frame_inds=np.arange(2)), 'there are 1 images of 2 frames'),
        (dict(gt_bboxes=np.zeros((1, 4))), 'gt_bboxes is there already'),
        (dict(keypoint=np.zeros((1, 1, 1, 2))), 'keypoint is there already'),
        (dict(filename=None), 'needs filename or frame_dir'),
    ],
)
def test_wrong_place(nobody, change, message):
    step = LoadPersonBoxes(nobody)
    results = {k: v for k, v in {**decoded([0]), **change}.items() if v is not None}
    refused(message, step, results, error=ValueError)
    message = 'PackPersonBoxes needs LoadPersonBoxes before it'
    refused(message, PackPersonBoxes(), results, error=ValueError)


def test_wrong_arguments(nobody, tmp_path):
    refused('missing must be one of', LoadPersonBoxes, nobody, missing='drop', error=ValueError)
    refused('expected a finite number', LoadPersonBoxes, nobody, min_score=None, error=ValueError)
    refused('gone.jsonl: no such file of person boxes', LoadPersonBoxes, tmp_path / 'gone.jsonl')


class OnlyImages(BaseTransform):
    """Shrinks images, or makes three of one, and tells nobody."""

    def __init__(self, crops):
        self.crops = crops

    def transform(self, results):
        imgs = results['imgs']
        return dict(results, imgs=imgs * 3 if self.crops else [i[:9] for i in imgs])


@pytest.mark.parametrize(
    ('crops', 'message'),
    [(False, 'images are 80x9 px, but img_shape'), (True, 'there are 6 images of 2 frames')],
)
def test_steps_that_change_images_alone_are_noticed(nobody, crops, message):
    steps = Compose([LoadPersonBoxes(nobody), OnlyImages(crops), PackPersonBoxes()])
    message = f'changed images, but not the person boxes.*{message}'
    refused(message, steps, decoded([0, 0]), error=ValueError)


@pytest.mark.parametrize('decoder', ['Decord', 'OpenCV'])
@pytest.mark.parametrize('layout', ['NCTHW', 'NCHW'])
def test_from_the_video_to_the_data_sample(tmp_path, listed, decoder, layout):
    video = write_video(tmp_path / 'clip.mp4', step=20)
    boxes = [[[t, 0, t + 8, 64, 0.5], [0, 0, 9, 9, 0.1]] for t in range(12)]
    stock = copy.deepcopy(STOCK)
    stock[0]['type'], stock[2]['type'] = f'{decoder}Init', f'{decoder}Decode'
    stock[1].update(num_clips=2, test_mode=True)
    stock[3:7] = [dict(type='Resize', scale=(32, 32), keep_ratio=False)]
    stock[-2]['input_format'] = layout
    before = copy.deepcopy(stock)
    pipeline = with_person_boxes(stock, listed('clip.mp4', boxes))
    assert stock == before
    info = dict(filename=str(video), start_index=0, modality='RGB', label=1)
    results, plain = Compose(pipeline)(dict(info)), Compose(stock)(info)
    inputs, sample = results['inputs'], results['data_samples']
    assert torch.equal(inputs, plain['inputs'])
    assert sample.gt_label.tolist() == [1] and not hasattr(sample, 'gt_instances')
    inputs = inputs.transpose(1, 2).flatten(0, 1) if layout == 'NCTHW' else inputs
    found = sample.person_boxes
    assert found[:, 0].tolist() == list(range(8))
    shown = (inputs[:, 0].float().mean((1, 2)) / 20).round()  # frame t has brightness 20 t
    assert torch.equal(found[:, 1] * 2, shown) and (found[:, 4] == 32).all()


def test_through_the_loader_and_the_preprocessor(tmp_path, listed):
    """Clips with and without people in one batch; workers share what was read."""
    from mmaction.datasets import VideoDataset
    from mmaction.models import ActionDataPreprocessor
    from mmengine.dataset import pseudo_collate
    from torch.utils.data import DataLoader

    for name in 'ab':
        write_video(tmp_path / f'{name}.mp4')
    (tmp_path / 'list.txt').write_text('a.mp4 0\nb.mp4 1\n')
    steps = with_person_boxes(STOCK, listed('a.mp4', [[0, 0, 64, 64]] * 12, b=[[]] * 12))
    prefix = dict(video=str(tmp_path))
    dataset = VideoDataset(str(tmp_path / 'list.txt'), steps, data_prefix=prefix)
    batch = next(iter(DataLoader(dataset, 2, num_workers=1, collate_fn=pseudo_collate)))
    ready = ActionDataPreprocessor([128.0] * 3, [64.0] * 3, format_shape='NCTHW')(batch, True)
    first, second = ready['data_samples']
    assert torch.equal(first.person_boxes, torch.tensor([[t, 0, 0, 224, 224] for t in range(4)]))
    assert second.person_boxes.shape == (0, 5) and second.person_boxes.dtype == torch.float32


def test_raw_frames(tmp_path, listed):
    folder = tmp_path / 'frames' / 'wave' / 'clip'
    folder.mkdir(parents=True)
    for t in range(12):
        cv2.imwrite(str(folder / f'img_{t + 1:05}.png'), np.full((60, 80, 3), 10 * t, np.uint8))
    steps = [
        dict(type='SampleFrames', clip_len=1, frame_interval=1, num_clips=5),
        dict(type='RawFrameDecode'),
        dict(type='FormatShape', input_format='NCHW'),
        dict(type='PackActionInputs', algorithm_keys=['other']),
    ]
    boxes = [[t, 0, t + 8, 60] for t in range(12)]
    pipeline = with_person_boxes(steps, listed('wave/clip', boxes))
    assert pipeline[-1]['algorithm_keys'] == ('other', 'person_boxes')
    frames = dict(filename_tmpl='img_{:05}.png', total_frames=12, start_index=1)
    results = Compose(pipeline)(dict(frames, frame_dir=str(folder), modality='RGB', label=0))
    shown = results['inputs'][:, 0].float().mean((1, 2)) / 10
    assert np.allclose(results['data_samples'].person_boxes[:, 1], shown)


@pytest.mark.real_data
@pytest.mark.parametrize('number', [0, 40, 90])  # people that cover little of the image
def test_boxes_bound_real_masks(real_data, listed, number):
    """The box of a puppet mask and the mask itself, through the published augmentation."""
    root = real_data / 'hmdb51_jhmdb21'
    row = sorted(index_of(real_data, None), key=lambda row: float(row['mask_cover']))[number]
    name = f'{row["class"]}/{row["video"]}'
    video = str(root / 'videos' / f'{name}.avi')
    masks = read_puppet_mask(root / 'masks' / f'{name}.mat')
    boxes = [[[int(v) for v in edges(mask)]] if mask.any() else [] for mask in masks]
    file = listed(f'{name}.avi', boxes)
    wider = [*STOCK[:4], dict(STOCK[4], area_range=(0.5, 1.0)), *STOCK[5:]]
    assert read_person_boxes(file).of(video).num_frames == len(masks)

    class Swap(BaseTransform):
        """Puts the masks in place of the frames that were decoded."""

        def transform(self, results):
            frames = np.minimum(results['frame_inds'], len(masks) - 1)
            white = [np.repeat(masks[t][..., None], 3, 2).astype(np.uint8) * 255 for t in frames]
            assert results['imgs'][0].shape == white[0].shape
            return dict(results, imgs=white)

    pipelines = [Compose(with_person_boxes(steps, file)[:-2]) for steps in (STOCK, wider)]
    for pipeline in pipelines:
        pipeline.transforms.insert(3, Swap())
    seen = 0
    for seed in range(16):
        np.random.seed(seed)
        random.seed(seed)
        results = pipelines[seed % 2](dict(filename=video, start_index=0, modality='RGB', label=0))
        found = {int(r[0]): r[1:].numpy() for r in results['person_boxes']}
        for frame, image in enumerate(results['imgs']):
            white = edges(image[..., 0] >= 128)
            if white is None:
                continue
            box = found[frame]
            assert (box[:2] - 1 <= white[:2]).all() and (white[2:] <= box[2:] + 1).all()
            if min(white[:2]) > 0 and max(white[2:]) < 224:
                assert np.abs(box - white).max() <= 6  # smoothed tips of limbs
                seen += 1
    assert seen >= 3
