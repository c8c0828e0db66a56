"""SDN's branches: values, masking, what a batch may hold, and that prediction is untouched."""

import copy

import pytest
import torch
import torch.nn.functional as F

from albar_mm.models.losses.functional import negative_entropy
from albar_mm.models.recognizers._sdn_parts import (
    BranchHead,
    last_linear,
    mask_negative_entropy,
    scene_targets,
)
from albar_mm.models.recognizers.options import OBJECTIVES, SDNOptions
from albar_mm.models.utils.person_masks import fill_people, person_masks
from tests import toy_recognizers as toys

from .sdn_toys import TSM, batch, boxes, build, losses

ALL = torch.ones(1, dtype=bool)
OURS = dict(objective='maximise_entropy')
KEYS_2D = dict(type='SDNRecognizer2D', backbone=TSM[0], cls_head=TSM[1])


def pooled(model, inputs):
    """Mean over space and time of the tanh backbone's map, written out."""
    return model.backbone(inputs.flatten(0, 1)).mean((2, 3, 4)).view(*inputs.shape[:2], -1).mean(1)


def test_mask_loss_is_the_mean_of_the_used_rows():
    logits = torch.randn(5, 4)
    used = torch.tensor([True, False, True, True, False])
    torch.testing.assert_close(mask_negative_entropy(logits, used), negative_entropy(logits[used]))
    extreme = mask_negative_entropy(torch.tensor([[200.0, 0.0]]), ALL)
    assert extreme.item() == 0  # p log p of an underflown p is 0, not NaN


@pytest.mark.parametrize('objective', [None, *OBJECTIVES])
def test_keys_and_sum(objective):
    mask = {} if objective is None else dict(objective=objective)
    model, ours = build(mask=mask), objective == 'maximise_entropy'
    found = losses(model, batch())
    total = model.parse_losses(found)[0]
    weighted = {'loss_cls', 'loss_scene', 'loss_mask', *(['loss_mask_head'] if ours else [])}
    raw = {'scene_top1', 'mask_entropy', 'mask_share', *(['mask_top1'] if ours else [])}
    assert set(found) == weighted | raw | {'top1_acc'}
    torch.testing.assert_close(total, sum(found[key] for key in weighted))
    assert not any('loss' in key or found[key].requires_grad for key in raw)
    assert found['loss_mask'].item() == pytest.approx(-found['mask_entropy'].item())
    heavy = losses(build(scene=dict(weight=2.0), mask=dict(weight=3.0, **mask)), batch())
    factors = dict(loss_cls=1, loss_scene=2, loss_mask=3, loss_mask_head=3)
    for key in weighted:
        assert heavy[key].item() == pytest.approx(factors[key] * found[key].item(), rel=1e-5)


def test_values_by_hand():
    """Both branches written out with the functional interface."""
    model = build(scene=dict(hidden_layers=1), mask=dict(hidden_layers=0, **OURS))
    data = batch(people=[boxes([0, 1, 2, 3]), boxes([0, 1]), boxes([1, 2, 3]), boxes([])])
    inputs = model.data_preprocessor(data, training=True)['inputs']
    found = losses(model, data)
    first, norm, _, last = model.sdn_scene_head.layers
    hidden = pooled(model, inputs) @ first.weight.T + first.bias
    hidden = (hidden - hidden.mean(0)) / (hidden.var(0, unbiased=False) + norm.eps).sqrt()
    logits = F.relu(hidden) @ last.weight.T + last.bias
    expected = -logits.log_softmax(1)[range(4), [0, 1, 2, 4]].mean()
    torch.testing.assert_close(found['loss_scene'], expected)

    masked = inputs.clone()  # samples 0 and 2: boxes on 4 and 3 of 4 frames; 1 has 50 %
    for b, frames in ((0, range(4)), (2, (1, 2, 3))):
        for t in frames:
            for c in range(3):
                masked[b, 0, c, t, 2:6, 1:5] = inputs[b, 0, c, t].mean()
    q = model.sdn_mask_head.layers[0](pooled(model, masked)[[0, 2]]).softmax(1)
    torch.testing.assert_close(found['loss_mask'], (q * q.log()).sum(1).mean())
    torch.testing.assert_close(found['loss_mask_head'], -q[[0, 1], [0, 2]].log().mean())
    assert found['mask_share'] == 0.5


@pytest.mark.parametrize(
    'people, used',
    [
        (boxes(range(6)), False),  # of ten frames, 70 % of which need a person
        (boxes(range(7)), True),
        (boxes(range(10)), True),
        (boxes(range(10), x1=8.0, x2=9.0), False),  # outside of the clip
    ],
)
def test_seventy_per_cent_of_the_frames(people, used):
    data = batch(people=[people] * 4, shape=(1, 3, 10, 8, 8))
    assert losses(build(scene=None), data)['mask_share'] == float(used)


def test_a_step_without_people_keeps_the_graph():
    model = build(mask=dict(min_person_frames=0.0, **OURS))
    found = losses(model, batch(people=[boxes([])] * 4))
    assert found['loss_mask'] == 0 and found['loss_mask_head'] == 0 and found['mask_share'] == 0
    model.parse_losses(found)[0].backward()
    assert all(p.grad is not None for p in model.parameters())
    assert all((p.grad == 0).all() for p in model.sdn_mask_head.parameters())


def test_mask_ratio():
    model = build(scene=None, mask=dict(mask_ratio=0.0))
    assert losses(model, batch())['mask_share'] == 0
    model = build(scene=None, mask=dict(mask_ratio=0.25))
    shares = [losses(model, batch(), seed)['mask_share'].item() for seed in range(60)]
    assert abs(sum(shares) / 60 - 0.25) < 0.11  # 240 draws: standard deviation 0.028


def test_soft_hard_and_unknown_scenes():
    model, ids = build(mask=None), [0, 1, 2, 4]
    hard = losses(model, batch(scenes=ids))
    one_hot = torch.eye(5)
    for scenes in (one_hot[ids], [torch.tensor(0), one_hot[1], torch.tensor(2), one_hot[4]]):
        soft = losses(model, batch(scenes=scenes))
        torch.testing.assert_close(hard['loss_scene'], soft['loss_scene'])
        assert hard['scene_top1'] == soft['scene_top1']
    model.sdn_scene_head = BranchHead(4, 5, 0, 'sdn.scene')  # no BatchNorm: samples by themselves
    alone = ([s if i == b else -1 for i in range(4)] for b, s in enumerate(ids))
    each = [losses(model, batch(scenes=scenes))['loss_scene'] for scenes in alone]
    together = losses(model, batch(scenes=ids))['loss_scene']
    torch.testing.assert_close(torch.stack(each).mean(), together)
    assert losses(model, batch(scenes=[-1] * 4))['loss_scene'] == 0


RESNET = dict(type='ResNet', depth=18)


@pytest.mark.parametrize(
    'backbone, head',
    [
        (None, None),
        TSM,
        (None, toys.head(4, type='X3DHead')),
        (RESNET, toys.head(512, type='TSNHead')),
        (RESNET, toys.head(512, type='TRNHead', num_segments=4)),
    ],
)
def test_features_are_means_over_views_and_segments(backbone, head):
    """What reaches the scene head, against one hook of the test's own on the last layer."""
    type = 'SDNRecognizer2D' if backbone else 'SDNRecognizer3D'
    model = build(type, copy.deepcopy(backbone), head)
    layer = getattr(model.cls_head, 'fc_cls', None) or model.cls_head.fc2
    assert last_linear(model.cls_head) is layer
    seen, rows = [], []
    model.sdn_scene_head.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    layer.register_forward_pre_hook(lambda _, args: rows.append(args[0]))
    found = losses(model, batch(shape=(4, 3, 32, 32) if backbone else (1, 3, 4, 8, 8)))
    assert torch.isfinite(model.parse_losses(found)[0])
    per_sample = rows[0].view(4, -1, layer.in_features)
    torch.testing.assert_close(seen[0], torch.stack([row.sum(0) / len(row) for row in per_sample]))


def test_half_precision_views_and_copies():
    model, clip = build(), torch.randn(2, 3, 3, 4, 8, 8)
    # views of a masked clip are averaged
    torch.testing.assert_close(model._masked_features(clip), pooled(model, clip))
    with torch.autocast('cpu', torch.float16):
        found = losses(model, batch())
    assert found['loss_scene'].dtype == found['loss_mask'].dtype == torch.float32
    model.parse_losses(found)[0].backward()
    assert copy.deepcopy(model).state_dict().keys() == model.state_dict().keys()


@pytest.mark.parametrize('kwargs, shape', [({}, (1, 3, 4, 8, 8)), (KEYS_2D, (4, 3, 32, 32))])
def test_prediction_and_keys_of_the_plain_recogniser(kwargs, shape):
    kwargs = copy.deepcopy(kwargs)
    ours = build(**kwargs).eval()
    plain = build(**{**kwargs, 'type': kwargs.get('type', 'SDNRecognizer3D')[3:]}, seed=1).eval()
    keys = list(ours.state_dict())
    extra = [key for key in keys if key.startswith(('sdn_scene_head.', 'sdn_mask_head.'))]
    assert [key for key in keys if key not in extra] == list(plain.state_dict()) and extra
    plain.load_state_dict({k: v for k, v in ours.state_dict().items() if k not in extra}, True)
    data = batch(scenes=None, people=[None] * 4, shape=shape)  # no fields are needed for it
    for a, b in zip(ours.test_step(copy.deepcopy(data)), plain.test_step(data), strict=True):
        assert torch.equal(a.pred_score, b.pred_score)
    inputs = torch.randn(2, *shape)
    assert torch.equal(ours(inputs, stage='head'), plain(inputs, stage='head'))


@pytest.mark.parametrize('norm, moved', [('batch', False), ('running', False), ('update', True)])
def test_masked_clips_and_running_statistics(norm, moved):
    """Only ``update`` lets the masked pass change what testing normalises with."""
    kwargs = dict(backbone=dict(toys.R3D), cls_head=toys.head(8), scene=None)
    both, plain = build(mask=dict(norm=norm), **kwargs), build(mask=dict(norm='running'), **kwargs)
    plain._mask_terms = lambda *_: {}
    for model in (both, plain):
        losses(model, batch(shape=(1, 3, 4, 16, 16)))
    states = [m.backbone.state_dict() for m in (both, plain)]
    same = all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert same != moved


@pytest.mark.parametrize('objective', OBJECTIVES)
def test_the_mask_head_counts_a_batch_once(objective):
    """One objective runs the head twice on it."""
    model = build(scene=None, mask=dict(objective=objective))
    data = batch()
    clip = model.data_preprocessor(data, training=True)['inputs']
    masks = person_masks([boxes(range(4))] * 4, 4, 8, 8, 'cpu')
    linear, norm = model.sdn_mask_head.layers[:2]
    expected = 0.1 * linear(pooled(model, fill_people(clip, masks))).mean(0)
    losses(model, data)
    assert norm.num_batches_tracked == 1
    torch.testing.assert_close(norm.running_mean, expected)


def test_batches_of_one():
    model = build(scene=dict(hidden_layers=2))
    one = dict(labels=[1], scenes=[2])
    with pytest.raises(ValueError, match='sdn.scene has BatchNorm layers, which need 2 or more'):
        losses(model, batch(**one))
    found = losses(model, batch())
    assert all(torch.isfinite(value).all() for value in found.values())
    found = losses(model, batch(**one))  # the rest at the end of an epoch
    model.parse_losses(found)[0].backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())
    plain = build(scene=dict(hidden_layers=0), mask=dict(hidden_layers=0))
    assert torch.isfinite(losses(plain, batch(**one))['loss_scene'])


def test_branch_head_is_the_stack_of_its_layers():
    head = BranchHead(6, 3, 2, 'sdn.scene')
    hidden = ['Linear', 'BatchNorm1d', 'ReLU']
    assert [type(m).__name__ for m in head.layers] == [*hidden, *hidden, 'Linear']
    head.eval()
    x = torch.randn(4, 6)
    expected = head.layers(x)
    torch.testing.assert_close(head(x), expected)
    lone = copy.deepcopy(head).train()
    lone.layers[1].num_batches_tracked += 1
    lone.layers[4].num_batches_tracked += 1
    torch.testing.assert_close(lone(x[:1]), expected[:1])


@pytest.mark.parametrize(
    'change, match',
    [
        (dict(scenes=None), 'sample 0 .* has no scene_target.*LoadSceneLabels.*scene=None'),
        (dict(people=[boxes([0]), *[None] * 3]), 'mask branch of SDN .* sample 1 .*no person_box'),
        (dict(scenes=[0, 5, 0, 0]), 'scene_target of sample 1 is 5; expected .* 0 to 4'),
        (dict(scenes=[0, 0, -2, 0]), 'scene_target of sample 2 is -2'),
        (dict(scenes=torch.full((4, 6), 1 / 6)), r'sample 0 has the shape \(6,\); .*num_scenes=5'),
        (dict(scenes=torch.full((4, 5), 0.3)), 'no distribution: smallest value 0.3, sum'),
        (dict(scenes=torch.tensor([[1.5, -0.5, 0, 0, 0]] * 4)), 'sample 0 is no distribution'),
        (dict(scenes=[torch.tensor([float('nan')] * 5)] * 4), 'sample 0 is no distribution'),
        (dict(scenes=[torch.eye(5)[0], 7, 1, 1]), 'scene_target of sample 1 is 7'),
        (dict(people=[boxes([0])] * 3 + [boxes([4])]), 'person_boxes of sample 3: .*from 0 to 3'),
    ],
)
def test_bad_fields(change, match):
    with pytest.raises(ValueError, match=match):
        losses(build(), batch(**change))


def test_scene_targets_of_other_integer_types():
    data = batch(scenes=[torch.tensor([2], dtype=torch.int32), 1, 0, -1])['data_samples']
    targets, known = scene_targets(data, 5, 'cpu')
    assert targets.tolist() == [2, 1, 0, -1] and targets.dtype == torch.int64
    assert known.tolist() == [True, True, True, False]


@pytest.mark.parametrize(
    'sdn, error, match',
    [
        (dict(num_scenes=None), ValueError, 'num_scenes .*scene_count.*whole number from 2'),
        (dict(num_scenes=1), ValueError, 'num_scenes'),
        (dict(scene=None, mask=None), ValueError, 'both None'),
        (dict(masks={}), ValueError, "unknown key 'masks'; known are num_scenes, scene"),
        (dict(scene=dict(mask_ratio=1.0)), ValueError, "sdn.scene has unknown key 'mask_"),
        (dict(scene=[1]), TypeError, 'sdn.scene must be a dict or None, got list'),
        (dict(scene=dict(alpha=-1)), ValueError, 'sdn.scene.alpha: expected .* from 0, got -1'),
        (dict(scene=dict(weight=0)), ValueError, 'sdn.scene.weight is 0: set sdn.scene='),
        (dict(mask=dict(mask_ratio=1.1)), ValueError, 'sdn.mask.mask_ratio: .*0 to 1'),
        (dict(mask=dict(min_person_frames=-1)), ValueError, 'sdn.mask.min_person_frames'),
        (dict(mask=dict(hidden_layers=1.5)), ValueError, 'sdn.mask.hidden_layers: .*whole'),
        (dict(mask=dict(objective='max')), ValueError, "one of 'as_released', 'maximise_entropy'"),
        (dict(mask=dict(norm='clip')), ValueError, "norm must be one of 'batch', 'runn"),
        ([5], TypeError, 'sdn must be a dict, got list'),
    ],
)
def test_illegal_options(sdn, error, match):
    with pytest.raises(error, match=match):
        SDNOptions.from_config(dict(num_scenes=5) | sdn if isinstance(sdn, dict) else sdn)


def test_one_branch_alone():
    scene, mask = build(mask=None), build(num_scenes=None, scene=None)
    assert not hasattr(scene, 'sdn_mask_head') and not hasattr(mask, 'sdn_scene_head')
    assert 'loss_mask' not in losses(scene, batch(people=[None] * 4))
    assert 'loss_scene' not in losses(mask, batch(scenes=None))
    with pytest.raises(ValueError, match='needs a head with a linear layer.*FeatureHead has none'):
        build(cls_head=dict(type='FeatureHead', spatial_type='avg'))


def test_blending_beside_the_mask_branch_is_warned_of(logged):
    blending = dict(type='MixupBlending', num_classes=3, alpha=1.0)
    model = build(mask=OURS, blending=blending)
    assert sum('masks the people of every clip out after MixupBlending' in m for m in logged) == 1
    found = losses(model, batch())  # soft labels reach the mask head
    assert torch.isfinite(found['loss_mask_head'])
    build(mask=None, blending=blending)
    assert sum('masks the people' in m for m in logged) == 1
