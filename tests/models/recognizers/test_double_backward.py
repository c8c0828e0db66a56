"""Second backward pass: each hazard works, or is refused before the first step."""

import pytest
import torch
from mmaction.registry import MODELS
from torch import nn
from torch.autograd.function import once_differentiable

from albar_mm.models.recognizers.double_backward import (
    non_reentrant_checkpointing,
    probe_double_backward,
)
from tests import toy_recognizers as toys
from tests.refused import refused

CLIP = (1, 3, 4, 16, 16)
NO_PENALTY = [dict(type='StaticAdversarialLoss'), dict(type='StaticEntropyLoss')]


def losses_of(model):
    return toys.total_loss(model, toys.batch([0, 1], [0, 1], shape=CLIP))


def train_loss(model):
    total, losses = losses_of(model)
    total.backward()
    return total.detach(), losses


def assert_same_gradients(one, other, rtol, atol):
    for (name, a), b in zip(one.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=rtol, atol=atol, msg=name)


# ---- fused attention


def test_fused_attention_works_in_the_static_pass():
    model = toys.build(backbone=dict(type='ToyAttentionBackbone'), cls_head=toys.head(8))
    # The hazard is real: without our mending the probe finds it.
    said, clips = 'cannot be differentiated twice.*StaticGradientPenalty', toys.clips(2, CLIP)
    refused(said, probe_double_backward, model._clip_logits, clips, model, error=RuntimeError)
    _, losses = train_loss(model)
    assert losses['static_penalty'] > 1e-3
    assert model.backbone.qkv.weight.grad.abs().max() > 0


# ---- checkpointing


def swin(with_cp=False, **kwargs):
    return toys.build(backbone=dict(toys.SWIN, with_cp=with_cp), cls_head=toys.head(12), **kwargs)


def r3d(with_cp, norm, **static):
    backbone, static = dict(toys.R3D, with_cp=with_cp), dict(norm=norm, **static)
    return toys.build(backbone=backbone, cls_head=toys.head(8), static=static)


@pytest.mark.parametrize(
    'make',
    [swin, lambda cp: r3d(cp, 'batch'), lambda cp: r3d(cp, 'running')],
    ids=['swin', 'r3d-batch', 'r3d-running'],
)
def test_checkpointing_gives_the_same_gradient(make):
    plain, checkpointed = make(False), make(True)
    expected, total = train_loss(plain)[0], train_loss(checkpointed)[0]
    torch.testing.assert_close(total, expected, rtol=1e-5, atol=1e-5)
    assert_same_gradients(plain, checkpointed, rtol=1e-4, atol=1e-5)


def test_recomputation_does_not_touch_running_statistics_of_the_static_pass():
    """Recomputed with the static clip's BatchNorm mode, long after the pass itself."""
    stock = toys.preprocessor('ActionDataPreprocessor')
    backbone, head = dict(toys.R3D, with_cp=True), toys.head(8)
    plain = toys.build('Recognizer3D', backbone, head, data_preprocessor=stock)
    ours = r3d(True, 'batch')
    with non_reentrant_checkpointing():
        toys.total_loss(plain, toys.batch([0, 1], shape=CLIP))[0].backward()
    train_loss(ours)
    for (name, a), b in zip(plain.named_buffers(), ours.buffers(), strict=True):
        assert torch.equal(a, b), name


def test_checkpoint_function_is_restored():
    original = torch.utils.checkpoint.checkpoint
    with pytest.raises(KeyError), non_reentrant_checkpointing():
        assert torch.utils.checkpoint.checkpoint is not original
        raise KeyError
    assert torch.utils.checkpoint.checkpoint is original


# ---- mixed precision


def under_autocast(model):
    # Half, not bfloat16: MMAction2's training accuracy cannot turn bfloat16 scores into numpy.
    with torch.autocast('cpu', dtype=torch.float16):
        return losses_of(model)


def test_static_pass_runs_in_float32_under_autocast():
    losses, expected = under_autocast(swin())[1], losses_of(swin())[1]
    for key in ('static_penalty', 'static_ce', 'loss_static_ent'):
        assert torch.equal(losses[key], expected[key]), key
    # Autocast was really on: the motion pass is rounded.
    assert not torch.equal(losses['loss_cls'], expected['loss_cls'])


def test_without_penalty_the_static_pass_follows_autocast():
    static = dict(losses=NO_PENALTY)
    losses, expected = under_autocast(swin(static=static))[1], losses_of(swin(static=static))[1]
    assert losses['loss_static_adv'].dtype == torch.float32
    assert not torch.equal(losses['static_ce'], expected['static_ce'])
    torch.testing.assert_close(losses['static_ce'], expected['static_ce'], rtol=1e-2, atol=1e-2)


def test_loss_scaling_scales_every_gradient_alike():
    plain, scaled = swin(), swin()
    under_autocast(plain)[0].backward()
    scaler = torch.amp.GradScaler('cpu', init_scale=2.0**10)
    optimizer = torch.optim.SGD(scaled.parameters(), lr=0.1)
    scaler.scale(under_autocast(scaled)[0]).backward()
    scaler.unscale_(optimizer)
    assert_same_gradients(plain, scaled, rtol=1e-2, atol=1e-3)


def test_half_precision_weights_are_refused_with_the_penalty_only():
    model = swin().bfloat16()
    data = model.data_preprocessor(toys.batch([0, 1], [0, 1], shape=CLIP), True)
    data['inputs'] = data['inputs'].bfloat16()
    refused('float32.*AmpOptimWrapper', model, error=RuntimeError, **data, mode='loss')
    model = swin(static=dict(losses=NO_PENALTY)).half()
    data.update({key: data[key].half() for key in ('inputs', 'static_inputs')})
    assert torch.isfinite(model.parse_losses(model(**data, mode='loss'))[0])


# ---- torch.compile


def test_compiled_submodule_is_refused_with_the_penalty_only():
    model, wrapped = swin(False), swin(False)
    model.backbone.compile(backend='eager')
    wrapped.backbone = torch.compile(wrapped.backbone, backend='eager')
    for compiled in (model, wrapped):
        refused('backbone is compiled by torch.compile', train_loss, compiled, error=RuntimeError)


def test_compiled_train_step_equals_the_plain_one():
    """``compile=True`` compiles the motion pass; the static pass stays eager."""
    weights = []
    for compiled in (False, True):
        torch._dynamo.reset()
        torch._dynamo.utils.counters.clear()
        model = toys.build()
        step = model.train_step
        if compiled:
            step = torch.compile(step, backend='aot_eager')
        step(toys.batch([0, 1], [0, 1]), toys.sgd(model))
        weights.append([p.detach().clone() for p in model.parameters()])
    assert torch._dynamo.utils.counters['stats']['unique_graphs'] > 0
    for a, b in zip(*weights, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


# ---- synchronised BatchNorm


def sync_model(norm, **static):
    return nn.SyncBatchNorm.convert_sync_batchnorm(r3d(False, norm, **static))


def test_sync_bn_is_refused_across_processes(monkeypatch):
    monkeypatch.setattr(torch.distributed, 'is_initialized', lambda: True)
    monkeypatch.setattr(torch.distributed, 'get_world_size', lambda group=None: 2)
    model = sync_model('batch')
    start = [p.detach().clone() for p in model.parameters()]
    refused("SyncBatchNorm.*static.norm='running'", train_loss, model, error=RuntimeError)
    assert all(torch.equal(a, b) for a, b in zip(start, model.parameters(), strict=True))


def test_mmcv_sync_bn_is_refused():
    model = swin(False)
    model.backbone.extra = type('SyncBatchNorm', (nn.Module,), {})()
    refused("backbone.extra is mmcv's SyncBatchNorm", train_loss, model, error=RuntimeError)


def test_sync_bn_is_not_refused_in_one_process_or_without_the_penalty(monkeypatch):
    for norm in ('batch', 'running'):
        assert torch.isfinite(train_loss(sync_model(norm))[0])
    place = 'albar_mm.models.recognizers.double_backward._synchronises'
    monkeypatch.setattr(place, lambda module: True)
    assert torch.isfinite(train_loss(sync_model('batch', losses=NO_PENALTY))[0])


# ---- anything else


class _OnceOnly(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        return 2 * ctx.saved_tensors[0] * grad


@MODELS.register_module(force=True)
class ToyOnceDifferentiable(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv3d(3, 4, 3, padding=1)

    def forward(self, x):
        return _OnceOnly.apply(self.conv(x))


def test_unknown_operation_is_refused_before_the_first_step_with_the_penalty():
    once = dict(type='ToyOnceDifferentiable')
    model = toys.build(backbone=once)
    said = 'cannot be differentiated twice.*once_differentiable'
    refused(said, train_loss, model, error=RuntimeError)
    assert all(p.grad is None for p in model.parameters())
    # also with one that is switched on later
    losses = [*NO_PENALTY, dict(type='StaticGradientPenalty', weight=0)]
    model = toys.build(backbone=once, static=dict(losses=losses))
    train_loss(model)
    assert model.backbone.conv.weight.grad.abs().max() > 0
    model.static_losses[2].weight = 1.0
    refused('cannot be differentiated twice', train_loss, model, error=RuntimeError)


def test_loss_under_no_grad():
    """A loss on validation clips: same value, nothing to differentiate outside."""
    model = swin()
    expected, _ = train_loss(model)
    with torch.no_grad():
        torch.testing.assert_close(losses_of(model)[0], expected)
