"""MGFN with the published order of operations: channels first, an explicit attention map."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from downstream.anomaly.mgfn import MGFN, ChannelNorm, Focus, Glance, GlanceFocusLayer


def peer_forward(network: MGFN, x: Tensor) -> Tensor:
    """What ``network`` computes, in the other order.

    Args:
        network: Gives the parameters.
        x: Shape (B, T, C).

    Returns:
        Shape (B, T, D).
    """
    first = network.amplification
    magnitude = torch.norm(x, p=2, dim=2)[:, None]
    x = x.permute(0, 2, 1)
    x = _conv(first.features, x) + first.ratio * _conv(first.magnitude, magnitude)
    for layer in network.layers:
        if isinstance(layer, GlanceFocusLayer):
            x = _conv(layer.conv, x) + x
            x = (_glance if isinstance(layer.mixer, Glance) else _focus)(layer.mixer, x) + x
            norm, widen, activation, dropout, narrow = layer.ffn
            x = _conv(narrow, dropout(activation(_conv(widen, _norm(norm, x))))) + x
        else:
            x = _conv(layer[1], _norm(layer[0], x))
    return x.permute(0, 2, 1)


def _conv(layer: nn.Conv1d, x: Tensor) -> Tensor:
    return F.conv1d(x, layer.weight, layer.bias, padding=layer.padding, groups=layer.groups)


def _norm(layer: ChannelNorm, x: Tensor) -> Tensor:
    deviation = torch.var(x, dim=1, unbiased=False, keepdim=True).sqrt()
    mean = torch.mean(x, dim=1, keepdim=True)
    return (x - mean) / (deviation + layer.eps) * layer.weight[:, None] + layer.bias[:, None]


def _glance(layer: Glance, x: Tensor) -> Tensor:
    batch, _, length = x.shape
    query, key, value = (
        part.view(batch, layer.heads, -1, length).transpose(2, 3)
        for part in _conv(layer.qkv, _norm(layer.norm, x)).chunk(3, 1)
    )
    query = query * query.shape[-1] ** -0.5
    weight = torch.einsum('b h i d, b h j d -> b h i j', query, key).softmax(-1)
    out = torch.einsum('b h i j, b h j d -> b h i d', weight, value)
    return _conv(layer.out, out.transpose(2, 3).reshape(batch, -1, length))


def _focus(layer: Focus, x: Tensor) -> Tensor:
    batch, _, length = x.shape
    value = _conv(layer.value, layer.norm(x)).reshape(-1, layer.heads, length)
    return _conv(layer.out, _conv(layer.kernel, value).reshape(batch, -1, length))
