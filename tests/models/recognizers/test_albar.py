import copy

import pytest
import torch

from tests import toy_recognizers as toys

from .sdn_toys import TSM

ADV = dict(type='StaticAdversarialLoss')
ENT = dict(type='StaticEntropyLoss')
GP = dict(type='StaticGradientPenalty')
MIXUP = dict(type='MixupBlending', num_classes=3, alpha=1.0)


def step_losses(model, labels=(0, 1), frames=(1, 2), **kwargs):
    return toys.total_loss(model, toys.batch(list(labels), list(frames), **kwargs))


def test_total_is_the_sum_of_the_weighted_terms_only():
    model = toys.build()
    static = model.static
    assert (static.frame, static.source, static.norm) == ('random', 'unblended', 'batch')
    assert {t.name: t.weight for t in model.static_losses} == dict(adv=1.0, ent=4.0, gp=10.0)
    total, losses = step_losses(model)
    weighted = ['loss_cls', 'loss_static_adv', 'loss_static_ent', 'loss_static_gp']
    raw = ['static_ce', 'static_entropy', 'static_top1', 'static_penalty']
    assert set(weighted + raw + ['top1_acc']) == set(losses)
    torch.testing.assert_close(total, sum(losses[key] for key in weighted))
    assert not any(losses[key].requires_grad for key in raw)
    for key, source, factor in zip(weighted[1:], raw[:2] + raw[3:], (-1, -4, 10), strict=True):
        assert losses[key].item() == pytest.approx(factor * losses[source].item())
    # the motion pass is as without static terms: weights are summed, not mixed
    plain = step_losses(toys.build(static=None))[1]
    torch.testing.assert_close(losses['loss_cls'], plain['loss_cls'], rtol=0, atol=0)


def test_static_top1_counts_hits_of_the_static_clip():
    model = toys.build()
    prepared = model.data_preprocessor(toys.batch([0, 1, 2], [0, 1, 2]), training=True)
    static = prepared['static_inputs'].repeat(1, 1, 1, 4, 1, 1)
    predicted = model(static, mode='tensor', stage='head').argmax(1)
    hits = (predicted == torch.tensor([0, 1, 2])).float().mean()
    assert model(**prepared, mode='loss')['static_top1'] == hits


@pytest.mark.parametrize(
    'type, layout, shape, parts',
    [
        ('Recognizer3D', 'NCTHW', (1, 3, 4, 8, 8), (None, None)),
        ('Recognizer2D', 'NCHW', (4, 3, 32, 32), TSM),
    ],
)
@pytest.mark.parametrize('static', [None, dict(losses=[]), dict(losses=[dict(ADV, weight=0)])])
def test_without_terms_it_is_the_plain_recogniser(type, layout, shape, parts, static):
    stock = toys.preprocessor('ActionDataPreprocessor', layout)
    plain = toys.build(type, *copy.deepcopy(parts), data_preprocessor=stock)
    ours = toys.build('ALBAR' + type, *copy.deepcopy(parts), static=static)
    expected, plain_losses = step_losses(plain, shape=shape)
    total, losses = step_losses(ours, shape=shape)
    assert set(losses) == set(plain_losses)
    assert torch.equal(total, expected)


def test_state_dict_and_prediction_are_those_of_the_plain_recogniser():
    stock = toys.preprocessor('ActionDataPreprocessor')
    plain = toys.build('Recognizer3D', data_preprocessor=stock).eval()
    ours = toys.build(seed=1).eval()
    assert list(ours.state_dict()) == list(plain.state_dict())
    ours.load_state_dict(plain.state_dict(), strict=True)
    scores = [[s.pred_score for s in m.test_step(toys.batch([0, 1]))] for m in (plain, ours)]
    assert torch.equal(*map(torch.stack, scores))


def test_same_seed_same_training():
    def train():
        model = toys.build()
        wrapper = toys.sgd(model, lr=0.02)
        for i in range(3):
            data = toys.batch([0, 1], seed=i)  # no index: drawn on the device
            model.train_step(data, wrapper)
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    assert torch.equal(train(), train())


def test_unblended_frame_and_label_are_used_by_default():
    mixing = toys.preprocessor(blending=MIXUP)
    blended = toys.build(static=dict(losses=[ADV]), data_preprocessor=mixing)
    plain = toys.build(static=dict(losses=[ADV]))
    assert step_losses(blended)[1]['static_ce'] == step_losses(plain)[1]['static_ce']


def test_blended_source_uses_mixed_frames_and_soft_labels():
    preprocessor = toys.preprocessor(blending=MIXUP)
    static = dict(losses=[ADV], source='blended')
    model = toys.build(static=static, data_preprocessor=preprocessor)
    prepared = model.data_preprocessor(toys.batch([0, 1], [1, 2]), training=True)
    assert 'static_inputs' not in prepared
    frames = torch.stack([prepared['inputs'][0, :, :, 1:2], prepared['inputs'][1, :, :, 2:3]])
    soft = torch.stack([s.gt_label for s in prepared['data_samples']])
    logits = model(frames.repeat(1, 1, 1, 4, 1, 1), mode='tensor', stage='head')
    expected = -(soft * logits.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(model(**prepared, mode='loss')['static_ce'], expected.detach())


def test_a_foreign_preprocessor_falls_back_and_warns_once_where_it_blends(logged):
    stock = toys.build(data_preprocessor=toys.preprocessor('ActionDataPreprocessor'))
    assert torch.equal(step_losses(stock)[0], step_losses(toys.build())[0])
    assert not any('unblended' in line for line in logged)
    mixing = toys.preprocessor('ActionDataPreprocessor', blending=MIXUP)
    model = toys.build(data_preprocessor=mixing)
    for _ in range(2):
        total, losses = step_losses(model)
        assert torch.isfinite(total) and 'loss_static_adv' in losses
    assert sum('does not hand on unblended frames' in line for line in logged) == 1


def test_frame_of_the_recogniser_reaches_the_preprocessor():
    model = toys.build(static=dict(frame='last'))
    out = model.data_preprocessor(toys.batch([0]), training=True)
    torch.testing.assert_close(out['static_inputs'][..., 0, :, :], out['inputs'][..., 3, :, :])
    with pytest.raises(ValueError, match='set only static.frame'):
        toys.build(static=dict(frame='first'), data_preprocessor=toys.preprocessor(frame='last'))


def test_2d_recogniser_repeats_one_segment():
    model = toys.build('ALBARRecognizer2D', *copy.deepcopy(TSM), static=dict(losses=[ENT]))
    prepared = model.data_preprocessor(toys.batch([0, 1], [1, 3], shape=(4, 3, 32, 32)), True)
    assert prepared['static_inputs'].shape == (2, 1, 3, 32, 32)
    logits = model(prepared['static_inputs'].repeat(1, 4, 1, 1, 1), mode='tensor', stage='head')
    expected = -(logits.softmax(1) * logits.log_softmax(1)).sum(1).mean()
    torch.testing.assert_close(
        model(**prepared, mode='loss')['static_entropy'], expected.detach(), rtol=1e-4, atol=1e-5
    )


def test_logits_are_averaged_over_views():
    model = toys.build(static=dict(losses=[ADV]))
    clip = toys.clips(2, (3, 3, 4, 8, 8))
    views = [model._clip_logits(clip[:, n : n + 1]) for n in range(3)]
    torch.testing.assert_close(model._clip_logits(clip), torch.stack(views).mean(0))


@pytest.mark.parametrize(
    'static, error, match',
    [
        (dict(frame='center'), ValueError, 'static.frame'),
        (dict(source='mixed'), ValueError, "static.source must be one of 'unblended', 'blended'"),
        (dict(norm='eval'), ValueError, 'static.norm'),
        (dict(loses=[]), ValueError, "unknown key 'loses'"),
        (dict(losses=ADV), TypeError, 'static.losses must be a list'),
        (dict(losses=[ADV, dict(weight=1)]), ValueError, r'static.losses\[1\]'),
        (dict(losses=[dict(type='CrossEntropyLoss')]), ValueError, 'must be a static loss'),
        (dict(losses=[ADV, ADV]), ValueError, "two terms named 'adv'"),
        (dict(losses=[dict(ENT, weight=-1)]), ValueError, 'weight'),
        ([ADV], TypeError, 'static must be a dict'),
        (dict(losses=[ADV, dict(type='No')]), ValueError, r"\[1\].type: there is no 'No'; use one"),
        (dict(losses=[dict(ADV, weigth=2.0)]), ValueError, r"static.losses\[0\]: .*'weigth'"),
    ],
)
def test_illegal_options(static, error, match):
    before = copy.deepcopy(static)
    with pytest.raises(error, match=match):
        toys.build(static=static)
    assert static == before


def test_a_type_may_be_listed_twice_under_two_names():
    static = dict(frame='first', losses=[ADV, dict(ADV, name='capped', cap='chance'), GP])
    before = copy.deepcopy(static)
    model = toys.build(static=static)
    assert {'loss_static_adv', 'loss_static_capped'} <= set(step_losses(model)[1])
    assert static == before
