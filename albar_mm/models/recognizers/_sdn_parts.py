"""What SDN takes from a batch and from the network, its two extra heads, and their losses."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..losses.functional import negative_entropies

_SCENES = (
    'load them with LoadSceneLabels, which with_scene_labels(pipeline, file) puts into a '
    'training pipeline, or set sdn.scene=None'
)


def scene_targets(
    data_samples: Sequence[Any], num_scenes: int, device: torch.device | str
) -> tuple[Tensor, Tensor]:
    """Read the field ``scene_target`` of a batch.

    Args:
        data_samples: B samples; ``scene_target`` is an integer tensor () or (1,), -1 where the
            scene is not known, or a float tensor (S,) of probabilities.
        num_scenes: S.
        device: Where to put them.

    Returns:
        tuple: int64 (B,), or float32 (B, S) if a sample has probabilities; and bool (B,), whether
        the scene is known.

    Raises:
        ValueError: If a sample has no ``scene_target`` or an illegal one; names the sample.
    """
    found = []
    for index, sample in enumerate(data_samples):
        target = sample.get('scene_target')
        if target is None:
            raise ValueError(
                f'sample {index} of the batch has no scene_target, the scene label '
                f'that the scene branch of SDN is trained on: {_SCENES}'
            )
        target = torch.as_tensor(target, device=device)
        hard = target.numel() == 1 and not target.is_floating_point()
        if not hard and target.shape != (num_scenes,):
            raise ValueError(
                f'scene_target of sample {index} has the shape {tuple(target.shape)}; expected a '
                f'class index () or sdn.num_scenes={num_scenes} probabilities'
            )
        found.append(target.reshape(()).long() if hard else target.float())
    hard = [target.ndim == 0 for target in found]
    nothing = torch.zeros((), dtype=torch.long, device=device)
    targets = torch.stack([t if h else nothing for t, h in zip(found, hard, strict=True)])
    known, wrong = targets >= 0, (targets < -1) | (targets >= num_scenes)
    if not all(hard):
        one_hot = F.one_hot(targets.clamp(0, num_scenes - 1), num_scenes).float()
        rows = [row if h else t for row, t, h in zip(one_hot, found, hard, strict=True)]
        targets = torch.stack(rows)
        wrong |= (targets < 0).any(1) | ~((targets.sum(1) - 1).abs() < 1e-3)
    if wrong.any():
        first = int(wrong.nonzero()[0])
        shown = found[first].tolist()
        if found[first].ndim == 0:
            raise ValueError(
                f'scene_target of sample {first} is {shown}; expected a class index '
                f'from 0 to {num_scenes - 1}: is sdn.num_scenes={num_scenes} that of '
                'the scene labels?'
            )
        raise ValueError(
            f'scene_target of sample {first} is no distribution: smallest value '
            f'{min(shown):.4g}, sum {sum(shown):.4g}; expected probabilities'
        )
    return targets, known


def last_linear(head: nn.Module) -> nn.Linear:
    """The layer whose input counts as the pooled feature of a head.

    It is the last ``nn.Linear`` that the head registered: the classifier of MMAction2's heads, for
    ``TRNHead`` the layer that takes the features of the frames.

    Args:
        head: ``cls_head`` of a recogniser.

    Raises:
        ValueError: If it has no linear layer.
    """
    layers = [module for module in head.modules() if isinstance(module, nn.Linear)]
    if not layers:
        raise ValueError(
            f'SDN needs a head with a linear layer, whose input is the feature that '
            f'its branches look at; {type(head).__name__} has none'
        )
    return layers[-1]


@contextmanager
def pooled_features(layer: nn.Linear, samples: int) -> Iterator[list[Tensor]]:
    """Catch what a linear layer receives in the forward pass inside.

    Args:
        layer: From :func:`last_linear`.
        samples: B. The layer may receive several rows per sample, one after the other: views of
            a video, segments of a 2D recogniser before their consensus. They are averaged.

    Yields:
        list: At the end it holds one tensor (B, D), with its graph.

    Raises:
        RuntimeError: At the end, if the layer was not called, or with rows of no whole number per
            sample.
    """
    received: list[Tensor] = []
    pooled: list[Tensor] = []
    with layer.register_forward_pre_hook(lambda _, inputs: received.append(inputs[0])):
        yield pooled
    if not received:
        raise RuntimeError(
            'SDN: the head did not use its last linear layer in training, so there '
            'is no feature to look at'
        )
    rows = received[-1]
    if rows.numel() % (samples * layer.in_features) or rows.shape[-1] != layer.in_features:
        raise RuntimeError(
            f'SDN: the last linear layer received {tuple(rows.shape)} for {samples} '
            'samples; expected the same number of rows of each'
        )
    pooled.append(rows.reshape(samples, -1, layer.in_features).mean(1))


class BranchHead(nn.Module):
    """``hidden_layers`` x [Linear(D, D), BatchNorm1d, ReLU], then Linear(D, num_outputs).

    Args:
        in_features: D.
        num_outputs: Number of logits.
        hidden_layers: Number of hidden layers, >= 0.
        name: Config key of the branch, for messages.
    """

    def __init__(self, in_features: int, num_outputs: int, hidden_layers: int, name: str) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(hidden_layers):
            layers += [nn.Linear(in_features, in_features), nn.BatchNorm1d(in_features), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(in_features, num_outputs))
        self.name = name

    def forward(self, x: Tensor) -> Tensor:
        """Logits.

        BatchNorm cannot normalise a batch of one by itself. A lone sample (the rest at the end of
        an epoch) is normalised by the running statistics.

        Args:
            x: (B, D).

        Returns:
            Tensor: (B, num_outputs).

        Raises:
            ValueError: If the first batch in training is of one sample: then so are all others, and
                there are no running statistics.
        """
        for layer in self.layers:
            # synchronised layers count the samples of all processes
            if type(layer) is nn.BatchNorm1d and layer.training and len(x) == 1:
                if not layer.num_batches_tracked:
                    raise ValueError(
                        f'{self.name} has BatchNorm layers, which need 2 or more samples in a '
                        'batch, but the first batch holds one: raise train_dataloader.batch_size, '
                        f'or set {self.name}.hidden_layers=0'
                    )
                mean, var = layer.running_mean, layer.running_var
                x = F.batch_norm(x, mean, var, layer.weight, layer.bias, eps=layer.eps)
            else:
                x = layer(x)
        return x


def scene_cross_entropy(logits: Tensor, targets: Tensor, known: Tensor) -> Tensor:
    """L_scene = -mean_b sum_k s_k log softmax(g)_k over the samples whose scene is known.

    Args:
        logits: (B, S).
        targets: int64 (B,) scene indices, or float (B, S) probabilities.
        known: bool (B,).

    Returns:
        Tensor: Scalar >= 0; 0 with a gradient of zeros if no scene is known.

    Example:
        >>> import torch
        >>> logits, soft = torch.tensor([[2., 1., 0.]]), torch.tensor([[.7, .3, 0.]])
        >>> round(scene_cross_entropy(logits, soft, torch.tensor([True])).item(), 6)
        0.707606
    """
    if targets.ndim == 1:
        targets = targets.clamp_min(0)
    return masked_mean(F.cross_entropy(logits, targets, reduction='none'), known)


def mask_negative_entropy(logits: Tensor, used: Tensor) -> Tensor:
    """L_mask = mean_b sum_c q_c log q_c over the samples used, with q = softmax(logits).

    Args:
        logits: (B, K).
        used: bool (B,).

    Returns:
        Tensor: Scalar in [-log K, 0] nats; 0 with a gradient of zeros if no sample is used.

    Example:
        >>> import torch
        >>> round(mask_negative_entropy(torch.tensor([[2., 1., 0.]]), torch.tensor([True])).item(),
        ...       6)
        -0.832396
    """
    return masked_mean(negative_entropies(logits), used)


def masked_mean(values: Tensor, used: Tensor) -> Tensor:
    """Mean of the values that are used, 0 if none is; every value stays in the graph.

    Args:
        values: (B,), finite.
        used: bool (B,).
    """
    return (values * used).sum() / used.sum().clamp_min(1)


def hits(logits: Tensor, targets: Tensor, used: Tensor) -> Tensor:
    """Share of the samples used whose largest logit is that of the (likeliest) target, in [0, 1].

    Args:
        logits: (B, S).
        targets: int64 (B,) or float (B, S).
        used: bool (B,).
    """
    indices = targets if targets.ndim == 1 else targets.argmax(1)
    return masked_mean((logits.argmax(1) == indices).float(), used).detach()
