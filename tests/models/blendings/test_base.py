"""What all blendings have in common."""

import pytest
import torch
from mmaction.registry import MODELS

from albar_mm.models.blendings.base import ClipBlending, Drawn

from . import blend_batches as batches
from .blend_batches import K, clips, labels_of, make, samples

METHODS, MIXING, PRESERVING = batches.METHODS, batches.MIXING, batches.PRESERVING


class AddOne(ClipBlending):
    """Adds 1 to a clip: shows which samples were drawn."""

    def draw(self, clips, rows, data_samples):
        return Drawn(rows, lambda row, out: torch.add(clips[row], 1, out=out))


def blend(kind, inputs, data_samples=None, seed=0, **kwargs):
    data_samples = samples(inputs) if data_samples is None else data_samples
    method = make(kind, **kwargs)
    torch.manual_seed(seed)
    out, returned = method(inputs, data_samples)
    assert returned is data_samples
    return out, labels_of(data_samples)


def test_a_sample_is_drawn_where_u_is_below_prob_and_keeps_its_place():
    inputs = torch.arange(64.0).view(64, 1, 1, 1, 1, 1).expand(64, 1, 3, 1, 1, 1)
    torch.manual_seed(3)
    expected = torch.rand(64) < 0.4
    torch.manual_seed(3)
    change = AddOne(K, prob=0.4)(inputs, samples(inputs))[0] - inputs
    assert torch.equal(change, expected.view(64, 1, 1, 1, 1, 1).expand_as(inputs).float())


@pytest.mark.parametrize('kind', METHODS)
def test_prob_zero_returns_the_input_and_one_hot_labels(kind):
    inputs, data = clips(4), samples(clips(4))
    objects = [sample.gt_label for sample in data]
    out, labels = blend(kind, inputs, data, prob=0.0)
    assert out is inputs
    if kind in MIXING:
        assert labels.dtype == torch.float32 and torch.equal(labels, torch.eye(K)[:4])
    else:
        assert all(a is sample.gt_label for a, sample in zip(objects, data, strict=True))


@pytest.mark.parametrize('kind', METHODS)
def test_between_zero_and_one_the_rest_is_untouched(kind):
    inputs = clips(16)
    torch.manual_seed(1)
    drawn = torch.rand(16) < 0.5
    out, labels = blend(kind, inputs, seed=1, prob=0.5)
    same = (out == inputs).flatten(1).all(1)
    assert 0 < drawn.sum() < 16 and same[~drawn].all() and not same[drawn].all()
    if kind in MIXING:
        one_hot = torch.eye(K)[torch.arange(16) % K]
        assert torch.equal(labels[same], one_hot[same])


@pytest.mark.parametrize('kind', METHODS)
@pytest.mark.parametrize('batch', [1, 2, 5])
@pytest.mark.parametrize('views', [1, 2])
def test_input_is_not_written_to_and_rows_are_probabilities(kind, batch, views):
    inputs = clips(batch, views)
    before = inputs.clone()
    out, labels = blend(kind, inputs)
    assert torch.equal(inputs, before)
    assert out.shape == inputs.shape and out.dtype == inputs.dtype and out.isfinite().all()
    if kind in MIXING:
        assert labels.shape == (batch, K) and labels.dtype == torch.float32
        torch.testing.assert_close(labels.sum(1), torch.ones(batch))
    else:
        assert labels.dtype == torch.int64 and labels.shape == (batch, 1)
    if batch == 1 and kind != 'BEBlending':
        assert out is inputs


@pytest.mark.parametrize('kind', PRESERVING)
@pytest.mark.parametrize('soft', [False, True])
def test_label_objects_survive(kind, soft):
    inputs = clips(5)
    data = samples(inputs, torch.full((5, K), 1 / K).unbind() if soft else None)
    objects = [sample.gt_label for sample in data]
    out, _ = blend(kind, inputs, data)
    assert out is not inputs
    assert all(a is sample.gt_label for a, sample in zip(objects, data, strict=True))


@pytest.mark.parametrize('kind', METHODS)
def test_a_seed_fixes_the_result(kind):
    inputs = clips(6)
    first, labels = blend(kind, inputs, seed=7, prob=0.7)
    again, same_labels = blend(kind, inputs, seed=7, prob=0.7)
    assert torch.equal(first, again) and torch.equal(labels, same_labels)
    if kind != 'ActorCutMixBlending':  # all but the choice of samples is fixed there
        assert not torch.equal(first, blend(kind, inputs, seed=8, prob=0.7)[0])


@pytest.mark.parametrize('kind', METHODS)
def test_2d_is_3d_with_segments_as_frames(kind):
    video = clips(5, frames=6)
    images = video[:, 0].transpose(1, 2).contiguous()
    out, labels = blend(kind, video, seed=2, prob=0.8)
    flat, flat_labels = blend(kind, images, seed=2, prob=0.8)
    assert flat.shape == images.shape
    assert torch.equal(flat, out[:, 0].transpose(1, 2))
    assert torch.equal(labels, flat_labels)


@pytest.mark.parametrize('kind', METHODS)
@pytest.mark.parametrize(
    'dtype, tolerance', [(torch.float64, 1e-5), (torch.float16, 4e-3), (torch.bfloat16, 4e-2)]
)
def test_other_float_types(kind, dtype, tolerance):
    inputs = clips(4, dtype=dtype)
    out, labels = blend(kind, inputs)
    expected, expected_labels = blend(kind, inputs.float())
    assert out.dtype == dtype
    torch.testing.assert_close(out.float(), expected, rtol=tolerance, atol=tolerance)
    assert torch.equal(labels, expected_labels)


@pytest.mark.parametrize('kind', MIXING)
def test_soft_labels_are_mixed_like_hard_ones(kind):
    inputs = clips(5)
    hard = blend(kind, inputs)[1]
    soft = torch.eye(K)[torch.arange(5) % K]
    assert torch.equal(hard, blend(kind, inputs, samples(inputs, soft.unbind()))[1])
    assert torch.equal(hard, blend(kind, inputs, samples(inputs, soft.long().unbind()))[1])


@pytest.mark.parametrize('kind', METHODS)
def test_in_a_data_preprocessor_only_training_blends(kind):
    norm = dict(mean=batches.MEAN, std=batches.STD)
    blending = dict(type=kind, num_classes=K, **norm if kind == 'FAMEBlending' else {})
    preprocessor = MODELS.build(
        dict(type='ActionDataPreprocessor', format_shape='NCTHW', blending=blending, **norm)
    )
    raw = torch.randint(256, (4, 1, 3, 4, 24, 24), dtype=torch.uint8)

    def run(training):
        torch.manual_seed(0)
        data = dict(inputs=list(raw), data_samples=samples(raw))
        out = preprocessor(data, training=training)
        return out['inputs'], labels_of(out['data_samples'])

    plain, plain_labels = run(False)
    mixed, mixed_labels = run(True)
    assert not torch.equal(plain, mixed)
    expected, expected_labels = blend(kind, plain)
    assert torch.equal(mixed, expected) and torch.equal(mixed_labels, expected_labels)
    assert plain_labels.dtype == torch.int64


def test_works_inside_mmactions_random_choice():
    from mmaction.models.utils import BaseMiniBatchBlending  # after albar_mm, which mends mmaction

    assert all(isinstance(make(kind), BaseMiniBatchBlending) for kind in METHODS)
    augments = [dict(type='BEBlending', num_classes=K)]
    chosen = MODELS.build(dict(type='RandomBatchAugment', probs=[1.0], augments=augments))
    inputs, data = clips(3), samples(clips(3))
    torch.manual_seed(0)
    out, _ = chosen(inputs, data)
    assert torch.equal(out, blend('BEBlending', inputs)[0])
    assert torch.equal(labels_of(data), torch.eye(K)[:3])


@pytest.mark.parametrize(
    'kind, given, message',
    [
        *((kind, dict(prob=1.1), 'prob: expected a finite number from 0 to 1') for kind in METHODS),
        ('BEBlending', dict(num_classes=0), 'num_classes: expected a whole number from 1, got 0'),
        ('BEBlending', dict(scale=0), 'scale: expected a finite number above 0 to 1, got 0'),
        ('ClipMixupBlending', dict(alpha=0), 'alpha: expected a finite number above 0, got 0'),
        ('StillMixBlending', dict(alpha=0), 'alpha: expected a finite number above 0'),
        ('StillMixBlending', dict(beta=-1), 'beta: expected a finite number above 0'),
        ('VideoMixBlending', dict(alpha=None), 'alpha: expected a finite number above 0'),
        ('VideoMixBlending', dict(mode='cuboid'), "mode must be one of 'spatial', 'temporal', 's"),
        ('FAMEBlending', dict(hue_mode='hsv'), "hue_mode must be one of 'kornia_literal', 'hue01'"),
        ('FAMEBlending', dict(fg_fraction=1.2), 'fg_fraction: .* above 0 to 1, got 1.2'),
        ('FAMEBlending', dict(mean=[1, 2]), 'mean must be 3 numbers'),
        ('FAMEBlending', dict(std='abc'), 'std must be 3 numbers'),
        ('FAMEBlending', dict(std=[1, 2, 0]), r'std\[2\]: expected a finite number above 0'),
    ],
)
def test_illegal_arguments(kind, given, message):
    with pytest.raises(ValueError, match=rf'{kind}\.{message}'):
        make(kind, **given)


@pytest.mark.parametrize(
    'labels, message',
    [
        ([0, K], f'gt_label of sample 1 of the batch is {K}: labels go from 0 to {K - 1}'),
        ([-1, 0], 'gt_label of sample 0 of the batch is -1'),
        ([torch.full((K + 1,), 1 / (K + 1))] * 2, rf'one class index.*got \({K + 1},\)'),
        ([torch.tensor([0]), torch.full((K,), 1 / K)], rf'got \(1,\), \({K},\)'),
        ([torch.ones(K)] * 2, 'several labels'),
        ([torch.eye(K)[0], torch.tensor([2.0, -1, 0, 0, 0])], 'sample 1 .* least entry -1'),
        ([torch.full((K,), float('nan'))] * 2, 'class probabilities'),
        ([torch.tensor([0.5])] * 2, r'shape \(1,\) must be a whole number'),
    ],
)
@pytest.mark.parametrize('prob', [0.0, 1.0])
def test_labels_that_do_not_fit(labels, message, prob):
    inputs = clips(2)
    with pytest.raises(ValueError, match=message):
        make('BEBlending', prob=prob)(inputs, samples(inputs, labels))


@pytest.mark.parametrize(
    'inputs, count, message',
    [
        (clips(2), 2, 'BEBlending: sample 1 of the batch has no gt_label'),
        (torch.zeros(2, 3, 4, 4), 2, 'needs float images of shape'),
        (torch.zeros(2, 1, 3, 2, 4, 4).byte(), 2, 'needs float images of shape'),
        (clips(2), 3, '2 clips, but 3 data samples'),
    ],
)
def test_batches_that_do_not_fit(inputs, count, message):
    data = samples(clips(count))
    if 'gt_label' in message:
        del data[1].gt_label
    with pytest.raises(ValueError, match=message):
        make('BEBlending')(inputs, data)
