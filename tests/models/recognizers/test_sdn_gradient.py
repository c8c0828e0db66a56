"""Which way the gradients of SDN point: the scene branch hides, the mask branch confuses."""

import pytest
import torch
import torch.nn.functional as F

from .sdn_toys import batch, build, losses


def features(model, masked):
    """Pooled features of the clips of the toy batch, with people filled or not."""
    inputs = model.data_preprocessor(batch(), training=True)['inputs'].clone()
    if masked:
        mean = inputs.mean((-2, -1), keepdim=True)
        inputs[..., 2:6, 1:5] = mean
    return model.backbone(inputs[:, 0]).mean((2, 3, 4))


def gradient(model, keys):
    model.zero_grad()
    found = losses(model, batch())
    sum(found[key] for key in keys).backward()
    grads = ((name, p.grad, torch.zeros_like(p)) for name, p in model.named_parameters())
    return {name: zero if grad is None else grad.clone() for name, grad, zero in grads}


def test_scene_branch_is_reversed_for_the_backbone_only():
    model = build(scene=dict(alpha=0.7), mask=None)
    got = gradient(model, ['loss_scene'])
    model.zero_grad()
    F.cross_entropy(
        model.sdn_scene_head(features(model, False)), torch.tensor([0, 1, 2, 4])
    ).backward()
    for name, parameter in model.named_parameters():
        if name.startswith('sdn_scene_head'):
            torch.testing.assert_close(got[name], parameter.grad)
        elif name.startswith('backbone'):
            assert parameter.grad.abs().max() > 1e-4
            torch.testing.assert_close(got[name], -0.7 * parameter.grad, atol=1e-6, rtol=1e-4)
        else:
            assert not got[name].any()


def mask_gradients(**options):
    """The recogniser's gradient, and plain ones of the entropy and the cross-entropy."""
    model = build(scene=None, mask=dict(alpha=0.7, **options))
    ours = options.get('objective') == 'maximise_entropy'
    got = gradient(model, ['loss_mask'] + ['loss_mask_head'] * ours)
    plain = []
    for term in (
        lambda logits: -(logits.softmax(1) * logits.log_softmax(1)).sum(1).mean(),
        lambda logits: F.cross_entropy(logits, torch.tensor([0, 1, 2, 1])),
    ):
        model.zero_grad()
        term(model.sdn_mask_head(features(model, True))).backward()
        plain.append({n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None})
    return got, *plain


def test_the_backbone_climbs_the_entropy_and_the_head_learns_the_action():
    got, of_entropy, of_mistakes = mask_gradients(objective='maximise_entropy')
    for name in of_entropy:
        expected = -0.7 * of_entropy[name] if name.startswith('backbone') else of_mistakes[name]
        torch.testing.assert_close(got[name], expected, atol=1e-6, rtol=1e-4)
    assert max(of_entropy[n].abs().max() for n in of_entropy if n.startswith('backbone')) > 1e-4


@pytest.mark.parametrize('options', [{}, dict(objective='as_released')])
def test_by_default_the_head_climbs_the_entropy_and_the_backbone_descends(options):
    """The released code: negative entropy minimised behind a gradient reversal layer."""
    got, of_entropy, _ = mask_gradients(**options)
    for name in of_entropy:
        factor = 0.7 if name.startswith('backbone') else -1
        torch.testing.assert_close(got[name], factor * of_entropy[name], atol=1e-6, rtol=1e-4)
