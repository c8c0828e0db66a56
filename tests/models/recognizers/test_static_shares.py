"""Less static work with the same gradient: shares of the batch, some steps only, differences."""

from itertools import permutations

import pytest
import torch
from mmengine.logging import MessageHub

from albar_mm.models.recognizers.options import StaticOptions
from albar_mm.models.utils.rows import rows_of
from tests import toy_recognizers as toys

LABELS, FRAMES = [0, 2, 1, 2], [1, 3, 0, 2]
GP = dict(type='StaticGradientPenalty', weight=10.0)
LOSSES = [dict(type='StaticAdversarialLoss'), dict(type='StaticEntropyLoss'), GP]


def gradient_of(model):
    model.zero_grad()
    total, losses = toys.total_loss(model, toys.batch(LABELS, FRAMES))
    total.backward()
    return total.detach(), toys.gradients(model), losses


def close(found, expected, atol=1e-5, rtol=1e-4):
    for name, grad in expected.items():
        torch.testing.assert_close(found[name], grad, atol=atol, rtol=rtol)


@pytest.mark.parametrize(
    'static, sizes',
    [
        (dict(share=0.5), (2, 2)),
        (dict(share=0.25), (1, 1)),
        (dict(share=0.75, penalty_share=0.4), (3, 1)),
        (dict(penalty_share=0.5), (4, 2)),
        (dict(share=0.01), (1, 1)),
        (dict(share=0.5, unpaired=0.25), (2, 2)),
        (dict(share=0.25, unpaired=0.0), (1, 1)),
        (dict(preset='fast'), (2, 1)),
    ],
)
def test_mean_over_all_draws_is_the_whole_batch(static, sizes, monkeypatch):
    """Every order in which 4 samples can be drawn, once: the mean loss and gradient are exact."""
    whole, gradient, _ = gradient_of(toys.build(static=dict(losses=LOSSES)))
    model = toys.build(static=dict(losses=LOSSES, **static))
    assert model.static.counts(4) == sizes
    totals, sums, different = [], {}, set()
    for order in permutations(range(4)):
        monkeypatch.setattr(torch, 'randperm', lambda n, order=order, **_: torch.tensor(order[:n]))
        total, grads, _ = gradient_of(model)
        totals.append(total)
        different.add(round(float(total), 5))
        for name, grad in grads.items():
            sums[name] = sums.get(name, 0) + grad / 24
    torch.testing.assert_close(torch.stack(totals).mean(), whole, atol=1e-5, rtol=1e-5)
    close(sums, gradient)
    assert len(different) > 3  # a draw alone is not the whole


def test_every_sample_is_drawn_as_often_as_any_other(monkeypatch):
    static = dict(losses=LOSSES, share=0.5, penalty_share=0.5)
    model = toys.build(static=static, cls_head=toys.head(4, num_classes=4))
    seen = []

    def remember(clip, labels, active, statistics, penalised, step):
        seen.append((labels.tolist(), penalised))
        return {}

    monkeypatch.setattr(model, '_static_terms', remember)
    for _ in range(600):
        toys.total_loss(model, toys.batch([0, 1, 2, 3], FRAMES))
    drawn = torch.bincount(torch.tensor([label for labels, _ in seen for label in labels]))
    first = torch.bincount(torch.tensor([labels[0] for labels, _ in seen]))
    assert {penalised for _, penalised in seen} == {1}
    # binomial of 600: 300 +- 12.2 and 150 +- 10.6; four standard deviations
    assert (drawn - 300).abs().max() < 49
    assert (first - 150).abs().max() < 43


def test_one_step_in_three_counts_three_times(monkeypatch):
    whole, gradient, _ = gradient_of(toys.build(static=dict(losses=LOSSES)))
    plain, plain_gradient, _ = gradient_of(toys.build(static=None))
    model = toys.build(static=dict(losses=LOSSES, every=3))
    hub, totals, sums = MessageHub.get_current_instance(), [], {}
    for step in range(3):
        monkeypatch.setattr(hub, 'get_info', lambda key, default=None, step=step: step)
        total, grads, losses = gradient_of(model)
        totals.append(total)
        assert ('static_ce' in losses) == (step == 0)
        for name, grad in grads.items():
            sums[name] = sums.get(name, 0) + grad / 3
    torch.testing.assert_close(torch.stack(totals).mean(), whole, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(totals[1], plain, rtol=0, atol=0)
    close(sums, gradient)
    assert not torch.allclose(
        gradient['backbone.conv.weight'], plain_gradient['backbone.conv.weight']
    )


@pytest.mark.parametrize('reduction', ['official', 'sample'])
@pytest.mark.parametrize(
    'parts',
    [
        dict(),
        dict(backbone=dict(type='ToyAttentionBackbone'), cls_head=toys.head(8)),
        dict(backbone=dict(toys.SWIN, drop_path_rate=0.5), cls_head=toys.head(12)),
    ],
    ids=['tanh', 'fused attention', 'drop-path'],
)
def test_difference_has_the_value_and_the_gradient_of_the_penalty(parts, reduction):
    """To a hundredth of the gradient's norm; the drop-path masks are those of the static pass."""

    def of(estimate):
        static = dict(losses=[dict(GP, reduction=reduction, estimate=estimate)])
        model = toys.build(static=static, **parts)
        shape = (1, 3, 4, 16, 16)
        prepared = model.data_preprocessor(toys.batch(LABELS, FRAMES, shape=shape), training=True)
        torch.manual_seed(5)
        losses = model(**prepared, mode='loss')
        losses['loss_static_gp'].backward()
        flat = [torch.zeros_like(p) if p.grad is None else p.grad for p in model.parameters()]
        return losses['static_penalty'], torch.cat([grad.flatten() for grad in flat])

    (exact, by_exact), (value, by_difference) = of('exact'), of('difference')
    torch.testing.assert_close(value, exact, rtol=1e-4, atol=1e-6)
    assert by_exact.norm() > 1e-3
    assert (by_difference - by_exact).norm() < 0.01 * by_exact.norm()


def test_difference_needs_no_second_derivative():
    class OnceOnly(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, grad):
            return grad * 2

    def loss_of(estimate):
        model = toys.build(static=dict(losses=[dict(GP, estimate=estimate)]))
        conv = model.backbone.conv
        model.backbone.forward = lambda x: OnceOnly.apply(conv(x)).tanh()
        return gradient_of(model)

    with pytest.raises(RuntimeError, match='cannot be differentiated twice'):
        loss_of('exact')
    assert loss_of('difference')[1]['backbone.conv.weight'].abs().max() > 0


def test_preset_gives_what_is_not_given():
    assert toys.build(static=dict(preset='paper')).static.share == 1
    fast = toys.build(static=dict(preset='fast')).static
    assert fast.counts(8) == (4, 1)
    assert toys.build(static=dict(preset='fast', share=1.0)).static.counts(8) == (8, 2)


def test_without_penalised_samples_the_term_is_left_out():
    losses = gradient_of(toys.build(static=dict(losses=LOSSES, penalty_share=0)))[2]
    expected = gradient_of(toys.build(static=dict(losses=LOSSES[:2])))[2]
    assert losses.keys() == expected.keys()
    for key, value in losses.items():
        torch.testing.assert_close(value, expected[key])
    assert 'loss_static_gp' not in losses


def test_unpaired_weighs_clips_by_hand(monkeypatch):
    """4 clips, 1 with a static pass: it counts 1 - 0.75 u, the mean of the others 0.75 u."""
    monkeypatch.setattr(torch, 'randperm', lambda n, **_: torch.tensor([2, 0, 1, 3]))
    data = toys.batch(LABELS, FRAMES)
    model = toys.build(static=dict(losses=LOSSES, share=0.25, unpaired=0.4))
    clips, labels = torch.stack(data['inputs']), torch.tensor(LABELS)
    logits = model(clips, mode='tensor', stage='head')
    each = torch.nn.functional.cross_entropy(logits, labels, reduction='none')
    _, losses = toys.total_loss(model, data)
    torch.testing.assert_close(losses['loss_cls'], 0.7 * each[2] + 0.3 * each[[0, 1, 3]].mean())
    hits = (logits.argmax(1) == labels).float().mean()
    torch.testing.assert_close(losses['top1_acc'].float(), hits)
    assert 'loss' not in vars(model.cls_head)


def test_rows_of_segments_and_of_several_pathways():
    feats = torch.arange(12).view(6, 2)  # 3 samples of 2 segments
    slow, fast = rows_of((feats, feats + 100), torch.tensor([2, 0]), 3)
    assert slow.tolist() == [[8, 9], [10, 11], [0, 1], [2, 3]]
    assert torch.equal(fast, slow + 100)
    with pytest.raises(TypeError, match=r'tensors of \(B \* M'):
        rows_of(feats[:5], torch.tensor([0]), 3)


@pytest.mark.parametrize(
    'static, message',
    [
        (dict(preset='quick'), r"static\.preset must be one of 'paper', 'fast'"),
        (dict(share=0), r'static\.share: expected a finite number above 0 to 1, got 0'),
        (dict(share=1.5), r'static\.share'),
        (dict(penalty_share='half'), r'static\.penalty_share'),
        (dict(unpaired=-0.1), r'static\.unpaired: expected a finite number from 0 to 1'),
        (dict(every=0), r'static\.every: expected a whole number from 1'),
        (dict(every=1.5), r'static\.every'),
        (dict(losses=[dict(GP, estimate='rough')]), r"estimate must be one of 'exact'"),
        (dict(losses=[dict(GP, step=0)]), r'step: expected a finite number above 0'),
    ],
)
def test_illegal_options_are_named(static, message):
    with pytest.raises(ValueError, match=message):
        toys.build(static=static)


def test_ramp_scales_all_terms_and_nothing_else(monkeypatch):
    full = gradient_of(toys.build(static=dict(losses=LOSSES)))[2]
    model = toys.build(static=dict(losses=LOSSES, ramp=0.5, ramp_start=0.2))
    hub = MessageHub.get_current_instance()
    for step, factor in ((0, 0.2), (25, 0.6), (50, 1.0), (99, 1.0)):
        info = dict(iter=step, max_iters=100)
        monkeypatch.setattr(hub, 'get_info', lambda key, default=None, info=info: info[key])
        losses = gradient_of(model)[2]
        assert losses.keys() == full.keys()
        for key, value in losses.items():
            expected = full[key] * (factor if key.startswith('loss_static') else 1)
            torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    'static, said',
    [
        (dict(), 'of 8 of 8 clips, 8 of them differentiated twice: a step takes about 3.6 times'),
        (dict(preset='fast'), 'of 4 of 8 clips, 1 of them differentiated twice: a step'),
        (dict(losses=LOSSES[:2], share=0.5), 'of 4 of 8 clips, 0 of them'),
        (dict(every=2), 'in one of 2 steps: a step takes about 2.3 times'),
        (dict(losses=[dict(GP, weight=0)]), ''),
    ],
)
def test_cost_in_words(static, said):
    cost = StaticOptions.from_config(static).cost(8)
    assert said in cost
    assert bool(cost) == bool(said)
