import pytest
import torch
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope

import albar_mm  # noqa: F401
from tests import toy_recognizers as toys
from tests.refused import refused

STATS = dict(mean=[1.0, 2.0, 3.0], std=[2.0, 2.0, 2.0])
MIXUP = dict(type='MixupBlending', num_classes=3, alpha=1.0)


def build(type='StaticDataPreprocessor', layout='NCTHW', **kwargs):
    init_default_scope('mmaction')
    return MODELS.build(dict(type=type, format_shape=layout, **STATS, **kwargs))


@pytest.mark.parametrize(
    'layout, shape, axis', [('NCTHW', (1, 3, 4, 8, 8), 3), ('NCHW', (4, 3, 8, 8), 1)]
)
def test_frame_is_normalised_and_unblended(layout, shape, axis):
    torch.manual_seed(0)
    labels, frames = [0, 2, 1, 0], [1, 3, 0, 2]
    mean = torch.tensor(STATS['mean']).view((3, 1, 1, 1) if layout == 'NCTHW' else (3, 1, 1))
    plain = [(clip - mean) / 2 for clip in toys.clips(4, shape)]
    out = build(layout=layout, blending=MIXUP)(toys.batch(labels, frames, shape=shape), True)
    assert out['static_target'].tolist() == labels
    for b, frame in enumerate(frames):
        torch.testing.assert_close(out['static_inputs'][b], plain[b].narrow(axis - 1, frame, 1))
    # The clips themselves and their labels are blended.
    assert not torch.allclose(out['inputs'], torch.stack(plain))
    assert out['data_samples'][0].gt_label.shape == (3,)


def test_clip_and_labels_are_those_of_the_parent_class():
    outs = []
    for type in ('ActionDataPreprocessor', 'StaticDataPreprocessor'):
        torch.manual_seed(0)
        data = toys.batch([0, 1, 2], frames=[0, 0, 0])
        outs.append(build(type, blending=MIXUP)(data, training=True))
    torch.testing.assert_close(outs[0]['inputs'], outs[1]['inputs'])
    for a, b in zip(outs[0]['data_samples'], outs[1]['data_samples'], strict=True):
        assert torch.equal(a.gt_label, b.gt_label)


def test_in_place_blending_does_not_reach_the_frame():
    torch.manual_seed(1)
    cutmix = dict(type='CutmixBlending', num_classes=3, alpha=1.0)
    expected = build()(toys.batch([0, 1], frames=[2, 2]), training=True)['static_inputs']
    for _ in range(5):
        out = build(blending=cutmix)(toys.batch([0, 1], frames=[2, 2]), training=True)
        torch.testing.assert_close(out['static_inputs'], expected)


def test_at_test_time_and_where_nobody_asks_for_it():
    out = build(blending=MIXUP)(toys.batch([0, 1]), training=False)
    parent = build('ActionDataPreprocessor')(toys.batch([0, 1]), training=False)
    assert set(out) == {'inputs', 'data_samples'}
    torch.testing.assert_close(out['inputs'], parent['inputs'])
    preprocessor = build()
    preprocessor.emit_static = False
    assert 'static_inputs' not in preprocessor(toys.batch([0]), training=True)
    model = toys.build('Recognizer3D', data_preprocessor=toys.preprocessor())
    _, losses = toys.total_loss(model, toys.batch([0, 1]))  # ignores the further keys
    assert set(losses) == {'loss_cls', 'top1_acc'}


@pytest.mark.parametrize('frame, expected', [('first', 0), ('middle', 2), ('last', 3), (9, 3)])
def test_own_frame_choice_for_batches_without_index(frame, expected):
    out = build(frame=frame)(toys.batch([0, 1]), training=True)
    torch.testing.assert_close(out['static_inputs'][:, :, :, 0], out['inputs'][:, :, :, expected])


def test_refusals():
    refused('MIX2d3d', build, layout='MIX2d3d', error=ValueError)
    refused('StaticDataPreprocessor.frame', build, frame='any', error=ValueError)
    with pytest.raises(TypeError, match='one batch at a time'):
        build()((toys.batch([0]), toys.batch([1])), training=True)
    data = toys.batch([0])
    data['data_samples'][0].set_gt_label(torch.tensor([1, 1, 0]))
    refused('multi-label', build(), data, training=True, error=ValueError)
