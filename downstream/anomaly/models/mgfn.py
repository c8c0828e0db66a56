"""The network of MGFN (Chen et al., Magnitude-Contrastive Glance-and-Focus Network, AAAI 2023)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn


class ChannelNorm(nn.Module):
    """Normalises each snippet over its channels: ``(x - mean) / (std + eps) * weight + bias``.

    Unlike in ``nn.LayerNorm``, ``eps`` is outside the root (as in the official code). It matters
    where channels hardly differ: (1, 1.0001) becomes (-0.834, 0.832), not (-0.016, 0.016).

    Args:
        channels: D.
        eps: Added to the biased standard deviation.
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise.

        Args:
            x: Shape (B, D, T).
        """
        variance, mean = torch.var_mean(x, 1, correction=0, keepdim=True)
        # the root has no slope at 0, where all channels are equal
        deviation = variance.clamp_min(torch.finfo(x.dtype).tiny).sqrt()
        return (x - mean) / (deviation + self.eps) * self.weight[:, None] + self.bias[:, None]


class FeatureAmplification(nn.Module):
    """Tokens of the features plus a share of tokens of their magnitude.

    The magnitude is the L2 norm of each snippet as it comes, thus after pooling to segments: the
    norm of the mean, not the mean of norms.

    Args:
        in_channels: C.
        channels: D.
        ratio: Share of the magnitude.
    """

    def __init__(self, in_channels: int, channels: int, ratio: float = 0.1) -> None:
        super().__init__()
        self.ratio = ratio
        self.features = nn.Conv1d(in_channels, channels, 3, padding=1)
        self.magnitude = nn.Conv1d(1, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Amplify.

        Args:
            x: Shape (B, C, T).

        Returns:
            Shape (B, D, T).
        """
        magnitude = torch.linalg.vector_norm(x, dim=1, keepdim=True)
        return self.features(x) + self.ratio * self.magnitude(magnitude)


class Glance(nn.Module):
    """Self-attention over all snippets of a video.

    Args:
        channels: D.
        heads: Number of heads.
        head_channels: Channels of each.
    """

    def __init__(self, channels: int, heads: int, head_channels: int = 64) -> None:
        super().__init__()
        self.heads = heads
        self.norm = ChannelNorm(channels)
        self.qkv = nn.Conv1d(channels, 3 * heads * head_channels, 1, bias=False)
        self.out = nn.Conv1d(heads * head_channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Attend.

        Args:
            x: Shape (B, D, T).
        """
        qkv = self.qkv(self.norm(x)).unflatten(1, (3, self.heads, -1)).transpose(-1, -2)
        # never holds the T x T map, which is gigabytes for a video of an hour
        attended = F.scaled_dot_product_attention(*qkv.unbind(1))
        return self.out(attended.transpose(-1, -2).flatten(1, 2))


class Focus(nn.Module):
    """Convolution over neighbouring snippets, one kernel for all channels of a head.

    Channel ``c * heads + h`` belongs to head h, as in the official code.

    Args:
        channels: D.
        heads: Number of heads.
        head_channels: Channels of each.
        kernel_size: Snippets that a kernel sees.
    """

    def __init__(self, channels: int, heads: int, head_channels: int = 64,
                 kernel_size: int = 5) -> None:  # fmt: skip
        super().__init__()
        self.heads = heads
        self.norm = nn.BatchNorm1d(channels)
        self.value = nn.Conv1d(channels, heads * head_channels, 1, bias=False)
        self.kernel = nn.Conv1d(heads, heads, kernel_size, padding=kernel_size // 2, groups=heads)
        self.out = nn.Conv1d(heads * head_channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve.

        Args:
            x: Shape (B, D, T).
        """
        value = self.value(self.norm(x))
        batch = len(value)
        grouped = value.unflatten(1, (-1, self.heads)).flatten(0, 1)
        return self.out(self.kernel(grouped).unflatten(0, (batch, -1)).flatten(1, 2))


class FeedForward(nn.Sequential):
    """Two linear layers for each snippet.

    Args:
        channels: D.
        ratio: Width of the hidden layer in D.
        dropout: After the activation.
    """

    def __init__(self, channels: int, ratio: int = 4, dropout: float = 0.0) -> None:
        super().__init__(ChannelNorm(channels), nn.Conv1d(channels, ratio * channels, 1), nn.GELU(),
                         nn.Dropout(dropout), nn.Conv1d(ratio * channels, channels, 1))  # fmt: skip


class GlanceFocusLayer(nn.Module):
    """Short-cut convolution, glance or focus, and feed-forward, each added to its input.

    Args:
        channels: D.
        kind: ``'glance'`` or ``'focus'``.
        head_channels: Channels of a head.
    """

    def __init__(self, channels: int, kind: str, head_channels: int = 64) -> None:
        super().__init__()
        kinds = dict(glance=Glance, focus=Focus)
        if kind not in kinds:
            raise ValueError(f"layer {kind!r}; expected 'glance' or 'focus'")
        self.conv = nn.Conv1d(channels, channels, 3, padding=1)
        self.mixer = kinds[kind](channels, max(1, channels // head_channels), head_channels)
        self.ffn = FeedForward(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Run the layer.

        Args:
            x: Shape (B, D, T).
        """
        x = x + self.conv(x)
        x = x + self.mixer(x)
        return x + self.ffn(x)


@MODELS.register_module()
class MGFN(BaseModule):
    """Glance-and-focus network over snippet features, (B, C, T) -> (B, D, T).

    28,652,773 parameters with its head for features of 2048 channels, 28,407,013 for 768.

    Args:
        in_channels: C, channels of the features.
        channels: Of each stage; the last is D.
        depths: Layers of each stage.
        kinds: ``'glance'`` or ``'focus'`` for each stage.
        head_channels: Channels of a head; a stage has ``channels // head_channels`` heads.
        magnitude_ratio: See :class:`FeatureAmplification`.
        init_cfg: See ``BaseModule``.

    Raises:
        ValueError: The stages are not given alike.
    """

    def __init__(
        self, in_channels: int, channels: Sequence[int] = (64, 128, 1024),
        depths: Sequence[int] = (3, 3, 2), kinds: Sequence[str] = ('glance', 'focus', 'focus'),
        head_channels: int = 64, magnitude_ratio: float = 0.1, init_cfg: dict | None = None,
    ) -> None:  # fmt: skip
        super().__init__(init_cfg)
        if not len(channels) == len(depths) == len(kinds):
            raise ValueError(f'channels {channels}, depths {depths} and kinds {kinds}: expected '
                             'one of each for a stage')  # fmt: skip
        self.in_channels = in_channels
        self.amplification = FeatureAmplification(in_channels, channels[0], magnitude_ratio)
        stages: list[nn.Module] = []
        for index, (width, depth, kind) in enumerate(zip(channels, depths, kinds, strict=True)):
            stages += [GlanceFocusLayer(width, kind, head_channels) for _ in range(depth)]
            if index + 1 < len(channels):
                stages.append(nn.Sequential(ChannelNorm(width),
                                            nn.Conv1d(width, channels[index + 1], 1)))  # fmt: skip
        self.layers = nn.Sequential(*stages)

    def forward(self, x: Tensor) -> Tensor:
        """Run the network.

        Args:
            x: Shape (B, C, T).

        Raises:
            ValueError: C is not ``in_channels``.
        """
        if x.shape[1] != self.in_channels:
            raise ValueError(f'features of {x.shape[1]} channels, but in_channels is '
                             f'{self.in_channels}')  # fmt: skip
        return self.layers(self.amplification(x))
