import hashlib
import json

import numpy as np
import pytest
from mmaction.registry import TRANSFORMS

from albar_mm.datasets.transforms import BiasSampleFrames


def sampler(short, **settings):
    settings = dict(clip_len=32, frame_interval=2, num_clips=1, test_mode=True) | settings
    return TRANSFORMS.build(dict(type='BiasSampleFrames', short=short, **settings))


def sampled(step, total, start_index=0):
    results = step.transform(dict(total_frames=total, start_index=start_index))
    assert results['frame_inds'].dtype == np.int32
    return results['frame_inds'].tolist()


def indices(total, short, start_index=0, **settings):
    return sampled(sampler(short, **settings), total, start_index)


EVEN = [*range(0, 40, 2)]


@pytest.mark.parametrize(
    'total, short, expected',
    [
        (40, 'loop', [*EVEN, *range(0, 24, 2)]),
        (40, 'clamp', [*EVEN, *[38] * 12]),
        (40, 'halve', [*range(32)]),
        (20, 'halve', [*range(20), *[19] * 12]),
        (63, 'loop', [*range(0, 64, 2)]),
        (63, 'clamp', [*range(0, 64, 2)]),
        (63, 'halve', [*range(32)]),
        (64, 'loop', [*range(0, 64, 2)]),
        (64, 'halve', [*range(0, 64, 2)]),
        (100, 'loop', [*range(18, 81, 2)]),
        (100, 'halve', [*range(18, 81, 2)]),
        (300, 'clamp', [*range(118, 181, 2)]),
        (1, 'loop', [0] * 32),
        (1, 'clamp', [0] * 32),
        (1, 'halve', [0] * 32),
    ],
)
def test_worked_indices(total, short, expected):
    assert indices(total, short) == expected


@pytest.mark.parametrize(
    'total, settings, expected',
    [
        *((total, dict(start='first'), [*range(0, 64, 2)]) for total in (100, 300, 64)),
        (20, dict(start_index=1), [*range(1, 21), *[20] * 12]),  # frames that count from one
        (20, dict(num_clips=3), 3 * [*range(20), *[19] * 12]),
        (20, dict(clip_len=8, frame_interval=3), [0, 1, 3, 4, 6, 7, 9, 10]),
        (20, dict(clip_len=24, frame_interval=1), [0, 0, 1, 1, 2, 2, 3, 3, *np.arange(8, 24) // 2]),
    ],
)
def test_halving_of_the_authors_code(total, settings, expected):
    assert indices(total, 'halve', **settings) == expected


def digest(rows):
    return hashlib.sha256(json.dumps(rows, separators=(',', ':')).encode()).hexdigest()[:16]


@pytest.mark.parametrize(
    'short, clip_len, interval, train, test',
    [
        ('halve', 32, 2, 'ecd2b12456135bf3', '779e5ef8df76c0b3'),
        ('halve', 16, 3, 'f4abc84e72b0d4d4', '8708b2e6279f61b1'),
        ('loop', 32, 2, 'f8c4844f491357ae', '08eb10a8d002bfcc'),
    ],
)
def test_every_clip_of_the_authors_code(monkeypatch, short, clip_len, interval, train, test):
    """Videos of 1 to 400 frames: the training clips of every start, and the test clip.

    Digests of what ALBAR's build_clip asked a video reader for ('halve'), and of the frames that
    SampleFrames of StillMix's MMAction 0.x returned ('loop').
    """
    drawn = dict(start=0, starts=1)

    def randint(high, size):
        drawn['starts'] = int(high)
        return np.full(size, drawn['start'])

    monkeypatch.setattr(np.random, 'randint', randint)
    sizes, clips = dict(clip_len=clip_len, frame_interval=interval), []
    step = sampler(short, test_mode=False, **sizes)
    for total in range(1, 401):
        drawn.update(start=0, starts=1)
        clips.append([sampled(step, total)])
        for start in range(1, drawn['starts']):
            drawn['start'] = start
            clips[-1].append(sampled(step, total))
    assert digest(clips) == train
    step = sampler(short, start='first' if short == 'halve' else 'centre', **sizes)
    assert digest([sampled(step, total) for total in range(1, 401)]) == test


def test_the_default_is_the_stock_sampler():
    for total in (5, 40, 100):
        stock = TRANSFORMS.build(
            dict(type='SampleFrames', clip_len=8, frame_interval=4, num_clips=2, test_mode=True)
        )
        expected = stock.transform(dict(total_frames=total, start_index=0))['frame_inds']
        assert indices(total, 'loop', clip_len=8, frame_interval=4, num_clips=2) == list(expected)


@pytest.mark.parametrize(
    'settings, said',
    [
        (dict(short='wrap'), 'must be one of'),
        (dict(start='last'), 'must be one of'),
        (dict(out_of_bound_opt='loop'), 'short, which replaces'),
        (dict(start='first'), 'one clip with test_mode'),
        (dict(short='halve', target_fps=15), 'strides and starts of its own'),
        (dict(short='halve', test_mode=True, twice_sample=True), 'strides and starts of its own'),
    ],
)
def test_settings_that_contradict_each_other(settings, said):
    with pytest.raises(ValueError, match=said):
        BiasSampleFrames(**(dict(clip_len=8) | settings))
    with pytest.raises(ValueError, match='has no frames'):
        indices(0, 'loop')
