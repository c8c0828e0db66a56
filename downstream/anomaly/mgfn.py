"""MGFN (Chen et al., Magnitude-Contrastive Glance-and-Focus Network, AAAI 2023): network, head."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from albar_mm.utils.numbers import one_of

from . import losses


class SnippetConv(nn.Conv1d):
    """``nn.Conv1d`` over snippets, channels last: one matrix product for all of a batch.

    With 32 snippets a video, as in training, PyTorch makes many small products of a convolution,
    which takes longer on a processor. Parameters are those of ``nn.Conv1d``.

    Args:
        in_channels: C.
        out_channels: D.
        kernel_size: Odd; snippets that a kernel sees. Zeros are beyond the ends.
        bias: Whether it has one.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int = 1, bias: bool = True
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=bias
        )

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, (B, T, C) -> (B, T, D)."""
        width, _, size = self.weight.shape
        if size == 1:
            return F.linear(x, self.weight.squeeze(2), self.bias)
        # products of every place of the kernel at once, then each moved to where it belongs
        parts = F.linear(x, self.weight.permute(2, 0, 1).flatten(0, 1)).split(width, 2)
        out = shifted_sum(parts)
        return out if self.bias is None else out + self.bias


def shifted_sum(parts: Sequence[Tensor]) -> Tensor:
    """Sum of sequences, the i-th of k moved by ``k // 2 - i`` snippets, zeros beyond the ends.

    Args:
        parts: k tensors of shape (B, T, D).
    """
    middle, length = len(parts) // 2, parts[0].shape[1]
    out = parts[middle]
    for index, part in enumerate(parts):
        by = index - middle
        if by and abs(by) < length:
            out = out + F.pad(part, (0, 0, -by, by))  # what is negative is cut off
    return out


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
        """Normalise; ``x`` of shape (B, T, D)."""
        variance, mean = torch.var_mean(x, -1, correction=0, keepdim=True)
        # the root has no slope at 0, where all channels are equal
        deviation = variance.clamp_min(torch.finfo(x.dtype).tiny).sqrt()
        return (x - mean) / (deviation + self.eps) * self.weight + self.bias


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
        self.features = SnippetConv(in_channels, channels, 3)
        self.magnitude = SnippetConv(1, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Amplify, (B, T, C) -> (B, T, D)."""
        magnitude = torch.linalg.vector_norm(x, dim=2, keepdim=True)
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
        self.qkv = SnippetConv(channels, 3 * heads * head_channels, bias=False)
        self.out = SnippetConv(heads * head_channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Attend; ``x`` of shape (B, T, D)."""
        qkv = self.qkv(self.norm(x)).unflatten(2, (3, self.heads, -1)).transpose(1, 3)
        # never holds the T x T map, which is gigabytes for a video of an hour
        attended = F.scaled_dot_product_attention(*qkv.unbind(2))
        return self.out(attended.transpose(1, 2).flatten(2))


class Focus(nn.Module):
    """Convolution over neighbouring snippets, one kernel for all channels of a head.

    Channel ``c * heads + h`` belongs to head h, as in the official code.

    Args:
        channels: D.
        heads: Number of heads.
        head_channels: Channels of each.
    """

    def __init__(self, channels: int, heads: int, head_channels: int = 64) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.BatchNorm1d(channels)
        self.value = SnippetConv(channels, heads * head_channels, bias=False)
        self.kernel = nn.Conv1d(heads, heads, 5, padding=2, groups=heads)
        self.out = SnippetConv(heads * head_channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Convolve; ``x`` of shape (B, T, D)."""
        normed = self.norm(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        value = self.value(normed).unflatten(2, (-1, self.heads))
        weight = self.kernel.weight.squeeze(1)  # (heads, kernel_size)
        parts = [(value * weight[:, place]).flatten(2) for place in range(weight.shape[1])]
        mixed = shifted_sum(parts).unflatten(2, (-1, self.heads)) + self.kernel.bias
        return self.out(mixed.flatten(2))


class FeedForward(nn.Sequential):
    """Two linear layers for each snippet, of D channels."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            ChannelNorm(channels),
            SnippetConv(channels, 4 * channels),
            nn.GELU(),
            nn.Identity(),  # a dropout of nothing in the official code, whose names are kept
            SnippetConv(4 * channels, channels),
        )


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
        one_of(kind, kinds, 'kind of a layer')
        self.conv = SnippetConv(channels, channels, 3)
        self.mixer = kinds[kind](channels, max(1, channels // head_channels), head_channels)
        self.ffn = FeedForward(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Run the layer; ``x`` of shape (B, T, D)."""
        x = x + self.conv(x)
        x = x + self.mixer(x)
        return x + self.ffn(x)


@MODELS.register_module()
class MGFN(BaseModule):
    """Glance-and-focus network over snippet features, (B, T, C) -> (B, T, D).

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
        self,
        in_channels: int,
        channels: Sequence[int] = (64, 128, 1024),
        depths: Sequence[int] = (3, 3, 2),
        kinds: Sequence[str] = ('glance', 'focus', 'focus'),
        head_channels: int = 64,
        magnitude_ratio: float = 0.1,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if not len(channels) == len(depths) == len(kinds):
            raise ValueError(
                f'channels {channels}, depths {depths} and kinds {kinds}: expected '
                'one of each for a stage'
            )
        self.in_channels = in_channels
        self.amplification = FeatureAmplification(in_channels, channels[0], magnitude_ratio)
        stages: list[nn.Module] = []
        for index, (width, depth, kind) in enumerate(zip(channels, depths, kinds, strict=True)):
            stages += [GlanceFocusLayer(width, kind, head_channels) for _ in range(depth)]
            if index + 1 < len(channels):
                stages.append(
                    nn.Sequential(ChannelNorm(width), SnippetConv(width, channels[index + 1]))
                )
        self.layers = nn.Sequential(*stages)

    def forward(self, x: Tensor) -> Tensor:
        """Run the network; ``x`` (B, T, C). ValueError: C is not ``in_channels``."""
        if x.shape[2] != self.in_channels:
            raise ValueError(
                f'features of {x.shape[2]} channels, but in_channels is {self.in_channels}'
            )
        return self.layers(self.amplification(x))


WEIGHTS = MappingProxyType(
    dict(bce=1.0, apart=1e-6, normal=1e-3, anomalous=1e-3, sparsity=8e-3, smoothness=8e-4)
)
"""Of the terms of the loss, as published."""


@MODELS.register_module()
class MGFNHead(BaseModule):
    """Scores, and the losses of MGFN: classification, magnitude contrast, sparsity, smoothness.

    In each video ``k`` snippets stand for it. Labels say which videos are normal; their order and
    number in a batch mean nothing, but the contrast pairs the i-th normal with the i-th anomalous
    one, and leaves out those without a partner.

    The defaults follow the official code, whose results are published, where it differs from the
    paper or from code built on it:

    - ``intra='halves'``: within a class, the first half of the list (crop after crop, in each all
      videos) is compared with the second: with several crops, a video with itself seen through
      another crop; with one crop, a video with another. ``'videos'``: each video with the next,
      crop by crop, as the paper means it.
    - ``sparsity='normal'``: normal videos. ``'anomalous'``: as RTFM and TeD-SPAD.
    - ``smoothness='each'``: within all videos. ``'flattened'``: the anomalous ones end to end, with
      the jumps between them, as RTFM and TeD-SPAD.

    Paper and code let the snippets of largest magnitude stand for a video, of those that a random
    selection leaves (``select='magnitude'``, ``dropout=0.7``). Behind a layer norm all magnitudes
    are nearly equal, at first but for rounding, so most of the chosen snippets of an anomalous
    video do not show the anomaly; the classification teaches them a high score all the same, and
    training unlearns the moment (docs/anomaly.md). ``select='score'`` with ``dropout=0``, the
    snippets that look most anomalous as in multiple-instance learning, does not.

    Args:
        in_channels: D.
        k: Snippets that stand for a video.
        dropout: Chance that a snippet cannot be chosen, in training.
        margin: Distance of magnitudes that is wanted between the classes.
        weights: Over :data:`WEIGHTS`.
        intra: See above.
        sparsity: See above.
        smoothness: See above.
        select: By what snippets are chosen: ``'magnitude'`` (L2 norm) or ``'score'``.
        init_cfg: See ``BaseModule``.

    Raises:
        ValueError: An unknown weight or switch.
    """

    def __init__(
        self,
        in_channels: int = 1024,
        k: int = 3,
        dropout: float = 0.7,
        margin: float = 200.0,
        weights: Mapping[str, float] = MappingProxyType({}),
        intra: str = 'halves',
        sparsity: str = 'normal',
        smoothness: str = 'each',
        select: str = 'magnitude',
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        for weight in weights:
            one_of(weight, WEIGHTS, 'weight')
        self.intra = one_of(intra, ('halves', 'videos'), 'intra')
        self.sparsity = one_of(sparsity, ('normal', 'anomalous'), 'sparsity')
        self.smoothness = one_of(smoothness, ('each', 'flattened'), 'smoothness')
        self.select = one_of(select, ('magnitude', 'score'), 'select')
        self.k, self.dropout, self.margin = k, dropout, margin
        self.weights = {**WEIGHTS, **weights}
        self.norm = nn.LayerNorm(in_channels)
        self.fc = nn.Linear(in_channels, 1)

    def forward(self, feats: Tensor) -> Tensor:
        """See :class:`~.models.AnomalyDetector`; ``feats`` of shape (B, crops, T, D)."""
        return self._scores(self.norm(feats))

    def loss(self, feats: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """The six weighted terms; ``feats`` (B, crops, T, D), ``labels`` (B,)."""
        feats = self.norm(feats).float()
        scores = self._scores(feats).float()
        ranks = scores if self.select == 'score' else torch.linalg.vector_norm(feats, dim=3).mean(1)
        index = losses.top_snippets(ranks, self.k, self.dropout if self.training else 0.0)
        chosen = losses.gather_snippets(feats, index)
        normal, anomalous = labels == 0, labels == 1
        terms = dict(
            bce=losses.video_bce(scores.gather(1, index).mean(1), labels),
            **self._contrast(chosen[normal], chosen[anomalous]),
            sparsity=losses.sparsity(scores[normal if self.sparsity == 'normal' else anomalous]),
            smoothness=losses.smoothness(
                scores if self.smoothness == 'each' else scores[anomalous].flatten()
            ),
        )
        return {f'loss_{name}': self.weights[name] * value for name, value in terms.items()}

    def _scores(self, feats: Tensor) -> Tensor:
        return self.fc(feats).squeeze(3).sigmoid().mean(1)

    def _contrast(self, normal: Tensor, anomalous: Tensor) -> dict[str, Tensor]:
        """Terms of chosen features, each of shape (videos, crops, k, D)."""
        nothing = (normal.sum() + anomalous.sum()) * 0
        pairs = min(len(normal), len(anomalous))
        terms = dict(
            apart=losses.contrast_apart(normal[:pairs], anomalous[:pairs], self.margin)
            if pairs
            else nothing
        )
        for name, feats in (('normal', normal), ('anomalous', anomalous)):
            one, other = self._pairs_within(feats)
            terms[name] = losses.contrast_together(other, one) if len(one) else nothing
        return terms

    def _pairs_within(self, feats: Tensor) -> tuple[Tensor, Tensor]:
        if self.intra == 'videos':
            return feats[:-1], feats[1:]
        by_crop = feats.transpose(0, 1).flatten(0, 1)
        half = len(by_crop) // 2
        return by_crop[:half], by_crop[len(by_crop) - half :]
