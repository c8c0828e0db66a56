"""SAM 2's calls, against a stand-in for its package: which are made, in which order, with what.

The stand-in takes what is used of ``sam2.sam2_video_predictor.SAM2VideoPredictor``, by its names.
"""

import json
import pickle
import sys
import types
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import pytest
import torch

from albar_mm.annotations.tubes import Tube
from albar_mm.bias_sets.masks import sam2
from albar_mm.bias_sets.masks.boxes import BoxMasks
from albar_mm.bias_sets.masks.refine import WithinBoxes
from albar_mm.bias_sets.masks.sam2 import Sam2Masks, prompt_frames

from ...refused import refused
from .toy_masks import video_of, write_boxes

HEIGHT, WIDTH, FRAMES = 40, 60, 9


class Predictor:
    """Finds a pixel at the corner of the last prompt and one that tells the frame by its grey."""

    def __init__(self, lost=()):
        self.calls, self.lost, self.shape = [], lost, (HEIGHT, WIDTH)

    def init_state(self, video_path, offload_video_to_cpu=False):
        assert offload_video_to_cpu
        files = sorted(Path(video_path).iterdir(), key=lambda path: int(path.stem))
        assert [path.name for path in files] == [f'{n:05d}.jpg' for n in range(len(files))]
        images = [cv2.imread(str(path)) for path in files]
        self.folder = Path(video_path)
        self.calls.append(('init_state', [int(image[0, 0, 2]) for image in images]))
        return dict(images=images, prompts={}, tracked=False)

    def add_new_points_or_box(self, inference_state, frame_idx, obj_id, box=None):
        assert not inference_state['tracked'] and torch.is_inference_mode_enabled()
        assert box.dtype == np.float32 and box.shape == (4,)
        inference_state['prompts'][frame_idx] = obj_id, box
        self.calls.append(('box', frame_idx, [int(value) for value in box]))
        return frame_idx, [obj_id], None

    def propagate_in_video(
        self, inference_state, start_frame_idx=None, max_frame_num_to_track=None, reverse=False
    ):
        inference_state['tracked'] = True
        count = len(inference_state['images'])
        assert start_frame_idx in inference_state['prompts']
        self.calls.append(('track', start_frame_idx, max_frame_num_to_track, reverse))
        obj_id, box = inference_state['prompts'][start_frame_idx]
        for step in range(max_frame_num_to_track + 1):
            index = start_frame_idx + (-step if reverse else step)
            if not 0 <= index < count:
                break
            logits = torch.full((1, 1, *self.shape), -3.0)
            if index not in self.lost:
                logits[0, 0, int(box[1]), int(box[0])] = 3.0
                logits[0, 0, -1, index] = 0.1
                logits[0, 0, -2, index] = 0.0  # undecided is background
            yield index, [obj_id], logits


@pytest.fixture
def package(monkeypatch):
    """The module ``sam2`` with a builder that hands out one predictor."""
    built = types.SimpleNamespace(predictor=Predictor(), arguments=[])

    def build_sam2_video_predictor(config_file, ckpt_path=None, device='cuda', mode='eval'):
        built.arguments.append((config_file, Path(ckpt_path).name, device, mode))
        return built.predictor

    module = types.ModuleType('sam2.build_sam')
    module.build_sam2_video_predictor = build_sam2_video_predictor
    monkeypatch.setitem(sys.modules, 'sam2', types.ModuleType('sam2'))
    monkeypatch.setitem(sys.modules, 'sam2.build_sam', module)
    sam2._load.cache_clear()
    yield built
    sam2._load.cache_clear()


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / 'sam2.1_hiera_tiny.pt'
    path.write_bytes(b'weights')
    return path


def grey_video():
    """Frame t has the grey value 20 * t."""
    frames = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    frames += (20 * np.arange(FRAMES, dtype=np.uint8))[:, None, None, None]
    return video_of(frames)


def boxes_of(frames, x=3, y=5, side=10):
    """Rows of one actor; the box grows towards frame 5."""
    return [('clip', f + 1, x, y, x + side + 2 * (f == 5), y + side) for f in frames]


def actor(tmp_path, frames, **where):
    return BoxMasks(write_boxes(tmp_path / 'b.txt', *boxes_of(frames, **where)))


def greys(frames):
    return pytest.approx([20 * frame for frame in frames], abs=2)


def test_one_actor_from_the_first_box_on(tmp_path, package, checkpoint):
    boxes = actor(tmp_path, range(2, 7))
    made = Sam2Masks(checkpoint, boxes, device='cpu').result(grey_video())
    calls = package.predictor.calls
    prompted = [('box', 0, [3, 5, 13, 15]), ('track', 0, 4, False)]
    assert calls == [('init_state', greys(range(2, 7))), *prompted]
    config = 'configs/sam2.1/sam2.1_hiera_t.yaml'
    assert package.arguments == [(config, checkpoint.name, 'cpu', 'eval')]
    expected = np.zeros((FRAMES, HEIGHT, WIDTH), bool)
    for frame in range(2, 7):
        expected[frame, 5, 3] = expected[frame, -1, frame - 2] = True
    assert np.array_equal(made.masks, expected)
    assert made.notes == dict(tubes=1, prompts=1, lost_frames=0)
    assert not package.predictor.folder.exists()


def test_two_actors_are_united_each_in_its_own_frames(tmp_path, package, checkpoint):
    rows = boxes_of(range(0, 4)) + boxes_of(range(3, 9), x=40, y=20)
    source = Sam2Masks(checkpoint, BoxMasks(write_boxes(tmp_path / 'b.txt', *rows)), device='cpu')
    masks = source.masks(grey_video())
    assert np.flatnonzero(masks[:, 5, 3]).tolist() == [0, 1, 2, 3]
    assert np.flatnonzero(masks[:, 20, 40]).tolist() == [3, 4, 5, 6, 7, 8]
    kinds = [call[0] for call in package.predictor.calls]
    assert kinds == ['init_state', 'box', 'track'] * 2 and len(package.arguments) == 1


def gapped(tmp_path):
    """A tube without boxes in frames 3 and 4, as only a pickle can hold one."""
    rows = np.array([[f + 1, 3, 5, 13 + 2 * (f == 5), 15] for f in (1, 2, 5, 6, 7)], np.float64)
    content = {'labels': ['wave'], 'gttubes': {'wave/clip': {0: [rows]}}}
    (tmp_path / 'b.pkl').write_bytes(pickle.dumps(content))
    return BoxMasks(tmp_path / 'b.pkl')


def test_from_the_largest_box_in_both_directions(tmp_path, package, checkpoint):
    source = Sam2Masks(checkpoint, gapped(tmp_path), prompt='largest', device='cpu')
    masks = source.masks(grey_video())
    prompted = [('box', 4, [3, 5, 15, 15]), ('track', 4, 2, False), ('track', 4, 4, True)]
    assert package.predictor.calls == [('init_state', greys(range(1, 8))), *prompted]
    # frames without a box are tracked through, but have no mask
    assert np.flatnonzero(masks.any((1, 2))).tolist() == [1, 2, 5, 6, 7]


def test_further_prompts_come_before_tracking(tmp_path, package, checkpoint):
    Sam2Masks(checkpoint, gapped(tmp_path), every=2, device='cpu').masks(grey_video())
    calls = [call[:2] for call in package.predictor.calls[1:]]
    assert calls == [('box', 0), ('box', 4), ('box', 6), ('track', 0)]


@pytest.mark.parametrize(
    ('prompt', 'every', 'expected'),
    [
        ('first', 0, [10]),
        ('largest', 0, [14]),
        ('first', 3, [10, 14, 16, 19]),
        ('largest', 2, [14, 10, 11, 16, 18]),
        ('first', 1, [10, 11, 14, 15, 16, 17, 18, 19]),
        ('first', 50, [10]),
    ],
)
def test_prompt_frames_by_hand(prompt, every, expected):
    frames = np.array([10, 11, 14, 15, 16, 17, 18, 19])
    boxes = np.array([[0, 0, 5, 5 + 9 * (f == 14)] for f in frames])
    assert prompt_frames(Tube(frames, boxes), prompt, every) == expected


def test_lost_frames_are_counted_and_within_puts_the_box_there(tmp_path, package, checkpoint):
    package.predictor.lost = (1, 3)
    boxes = actor(tmp_path, range(2, 7), side=4)
    source = Sam2Masks(checkpoint, boxes, device='cpu')
    assert source.result(grey_video()).notes['lost_frames'] == 2
    made = WithinBoxes(source, boxes, padding=0).result(grey_video())
    assert made.notes['box_fallbacks'] == 2 and made.notes['lost_frames'] == 2
    assert made.masks.sum((1, 2)).tolist() == [0, 0, 1, 16, 1, 24, 1, 0, 0]


def test_masks_of_another_size(tmp_path, package, checkpoint):
    package.predictor.shape = (HEIGHT, WIDTH + 4)
    boxes = actor(tmp_path, range(3))
    message = 'video clip: .*tiny.pt: SAM 2 gave a mask of shape'
    refused(message, Sam2Masks(checkpoint, boxes, device='cpu').masks, grey_video())


def test_settings(tmp_path, package, checkpoint):
    source = Sam2Masks(checkpoint, BoxMasks(tmp_path / 'b.txt'))
    settings = source.settings()
    assert json.loads(json.dumps(settings)) == settings and str(tmp_path) not in str(settings)
    assert settings['name'] == source.name == 'sam2(sam2.1_hiera_tiny,text_boxes)'
    assert settings['config'] == 'configs/sam2.1/sam2.1_hiera_t.yaml'
    assert Sam2Masks(checkpoint, source.boxes, device='cpu').settings() == settings
    assert Sam2Masks(checkpoint, source.boxes, every=5).settings() != settings
    assert pickle.loads(pickle.dumps(source)) == source
    checkpoint.write_bytes(b'other weights')
    assert source.settings()['sha256'] != settings['sha256']


def test_the_package_is_missing(tmp_path, monkeypatch, checkpoint):
    for name in [name for name in sys.modules if name.partition('.')[0] == 'sam2']:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, 'path', [])
    monkeypatch.setattr(sys, 'meta_path', [*sys.meta_path[:2]])
    sam2._load.cache_clear()
    source = Sam2Masks(checkpoint, actor(tmp_path, range(3)), device='cpu')
    for use in (source.check, lambda: source.masks(grey_video())):
        refused(r"No module named 'sam2'.*pip install .*sam2.git", use)


def test_a_checkpoint_that_is_none(tmp_path, package, checkpoint, monkeypatch):
    fail = mock.Mock(side_effect=RuntimeError('invalid\nheader'))
    monkeypatch.setattr(sys.modules['sam2.build_sam'], 'build_sam2_video_predictor', fail)
    boxes = actor(tmp_path, range(3))
    message = 'tiny.pt: SAM 2 cannot be made of it with config=conf.* on cpu: RuntimeError: inval'
    refused(message, Sam2Masks(checkpoint, boxes, device='cpu').masks, grey_video())
    checkpoint.unlink()
    refused('tiny.pt: no such model file', Sam2Masks(checkpoint, boxes).check)


def test_impossible_options(tmp_path, checkpoint):
    boxes = BoxMasks(tmp_path / 'b.txt')
    message = "prompt='last': expected first or largest"
    refused(message, Sam2Masks, checkpoint, boxes, prompt='last')
    refused('every=-1: expected a number of frames, or 0', Sam2Masks, checkpoint, boxes, every=-1)
    message = 'own.pt: not named as a published .*; add config='
    refused(message, Sam2Masks, tmp_path / 'own.pt', boxes)
    assert Sam2Masks(tmp_path / 'own.pt', boxes, config='my.yaml').name == 'sam2(own,text_boxes)'
    refused('sam2 is prompted with person boxes', Sam2Masks, checkpoint, None)
