import numpy as np
import pytest
from mmaction.registry import TRANSFORMS
from mmengine.registry import init_default_scope

import albar_mm  # noqa: F401


def run(frame, imgs, label=1):
    init_default_scope('mmaction')
    results = dict(imgs=imgs, label=label)
    for cfg in (dict(type='PackActionInputs'), dict(type='StaticClip', frame=frame)):
        results = TRANSFORMS.build(cfg)(results)
    return results


CLIP_3D = np.zeros((2, 3, 8, 4, 4), np.float32)  # N C T H W
CLIP_2D = np.zeros((8, 3, 4, 4), np.float32)  # N C H W


@pytest.mark.parametrize('imgs', [CLIP_3D, CLIP_2D], ids=['3d', '2d'])
@pytest.mark.parametrize(
    'frame, expected', [('first', 0), ('middle', 4), ('last', 7), (5, 5), (16, 7)]
)
def test_fixed_frame(imgs, frame, expected):
    results = run(frame, imgs)
    assert results['data_samples'].metainfo['static_frame'] == expected
    assert results['inputs'].shape == imgs.shape  # only an index travels
    assert results['data_samples'].gt_label.tolist() == [1]


def test_random_covers_all_frames_and_follows_numpys_seed():
    np.random.seed(3)
    first = [run('random', CLIP_3D)['data_samples'].static_frame for _ in range(100)]
    np.random.seed(3)
    second = [run('random', CLIP_3D)['data_samples'].static_frame for _ in range(100)]
    assert first == second
    assert set(first) == set(range(8))
    assert all(type(index) is int for index in first)


def test_what_is_refused():
    init_default_scope('mmaction')
    with pytest.raises(KeyError, match='after PackActionInputs'):
        TRANSFORMS.build(dict(type='StaticClip'))(dict(imgs=CLIP_3D, label=0))
    with pytest.raises(ValueError, match='StaticClip needs inputs of shape'):
        run('random', CLIP_3D[0, 0])
    with pytest.raises(ValueError, match='StaticClip.frame'):
        TRANSFORMS.build(dict(type='StaticClip', frame='centre'))
