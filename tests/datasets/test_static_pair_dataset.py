import numpy as np
import pytest
import torch
from mmaction.registry import DATASETS

from albar_mm.datasets import StaticPairDataset

from ..evaluation.tiny_benchmark import NUM_FRAMES, ramp, test_pipeline
from ..video_files import write_frames


@pytest.fixture(scope='module')
def inner(tmp_path_factory):
    """Config of a VideoDataset with three short videos."""
    root = tmp_path_factory.mktemp('val')
    names = ['sub/a.avi', 'sub/b.avi', 'c.avi']
    for label, name in enumerate(names):
        write_frames(root / name, ramp(label % 2))
    (root / 'val.txt').write_text(''.join(f'{n} {i % 2}\n' for i, n in enumerate(names)))
    files = dict(ann_file=str(root / 'val.txt'), data_prefix=dict(video=str(root)))
    return dict(type='VideoDataset', pipeline=test_pipeline(), test_mode=True, **files)


def build(inner, **arguments):
    return DATASETS.build(dict(type='StaticPairDataset', dataset=inner, **arguments))


def test_each_video_comes_as_clip_and_static_clip(inner):
    dataset, plain = build(inner), DATASETS.build(inner)
    assert len(dataset) == 6
    for index in range(3):
        clip, static = dataset[2 * index], dataset[2 * index + 1]
        assert torch.equal(clip['inputs'], plain[index]['inputs'])
        middle = clip['inputs'][:, :, NUM_FRAMES // 2]
        assert static['inputs'].shape == clip['inputs'].shape
        assert all(torch.equal(static['inputs'][:, :, t], middle) for t in range(NUM_FRAMES))
        assert clip['data_samples'].domain == 'clip'
        assert static['data_samples'].domain == 'static'
        for packed in (clip, static):
            assert packed['data_samples'].pair_id == ['sub/a.avi', 'sub/b.avi', 'c.avi'][index]
            assert packed['data_samples'].gt_label.item() == index % 2
        assert static['data_samples'].static_frame == NUM_FRAMES // 2
        assert 'static_frame' not in clip['data_samples']


@pytest.mark.parametrize('frame, expected', [('first', 0), ('last', 7), (2, 2), (99, 7)])
def test_frame_choice(inner, frame, expected):
    dataset = build(inner, frame=frame)
    clip, static = dataset[0]['inputs'], dataset[1]['inputs']
    assert torch.equal(static[:, :, 5], clip[:, :, expected])


def test_random_frame_is_fixed_per_video_and_seed(inner):
    def positions(seed):
        dataset = build(inner, frame='random', seed=seed)
        return [dataset[i]['data_samples'].static_frame for i in (1, 3, 5)]

    drawn = [positions(seed) for seed in (0, 0, 1)]
    assert np.ptp(drawn[0]) and drawn[0] == drawn[1] != drawn[2]
    assert all(0 <= frame < NUM_FRAMES for frame in drawn[0])


def test_a_pair_is_decoded_once(inner, monkeypatch):
    plain = DATASETS.build(inner)
    opened = []
    prepare = plain.prepare_data
    monkeypatch.setattr(plain, 'prepare_data', lambda i: opened.append(i) or prepare(i))
    dataset = StaticPairDataset(plain)
    for index in range(len(dataset)):
        dataset[index]
    assert opened == [0, 1, 2]


def test_inputs_of_2d_recognisers(inner):
    pipeline = test_pipeline()
    pipeline[-2] = dict(type='FormatShape', input_format='NCHW')
    dataset = build(dict(inner, pipeline=pipeline))
    clip, static = dataset[0]['inputs'], dataset[1]['inputs']
    assert clip.shape[:2] == (NUM_FRAMES, 3)
    assert torch.equal(static, clip[4:5].repeat(NUM_FRAMES, 1, 1, 1))
    two_views = build(dict(inner, pipeline=pipeline), num_views=2)[1]['inputs']
    assert torch.equal(two_views[:4], clip[2:3].repeat(4, 1, 1, 1))
    assert torch.equal(two_views[4:], clip[6:7].repeat(4, 1, 1, 1))
    with pytest.raises(ValueError, match='8 frames do not split into 3 views'):
        build(dict(inner, pipeline=pipeline), num_views=3)[1]


def test_iteration_ends(inner):
    assert len(list(build(inner))) == 6


@pytest.mark.parametrize(
    'changes, arguments, match',
    [
        (dict(test_mode=False), {}, 'test_mode=True'),
        ({}, dict(frame='centre'), "StaticPairDataset.frame must be one of .*got 'centre'"),
        ({}, dict(frame=-1), 'got -1'),
    ],
)
def test_bad_settings(inner, changes, arguments, match):
    with pytest.raises(ValueError, match=match):
        build(dict(inner, **changes), **arguments)


def test_random_sampling_is_refused(inner):
    pipeline = test_pipeline()
    pipeline[1] = dict(type='SampleFrames', clip_len=4, frame_interval=1, num_clips=1)
    with pytest.raises(ValueError, match='SampleFrames samples frames at random'):
        build(dict(inner, pipeline=pipeline))


def test_a_video_listed_twice_is_refused(inner, tmp_path):
    (tmp_path / 'val.txt').write_text('c.avi 0\nc.avi 0\n')
    dataset = build(dict(inner, ann_file=str(tmp_path / 'val.txt')))
    with pytest.raises(ValueError, match=r'val.txt lists 1 video\(s\) more than once: c.avi'):
        dataset.full_init()
