"""The two extra heads of SDN, and their losses as pure functions."""

import torch.nn.functional as F
from torch import Tensor, nn

from ..losses.functional import negative_entropies


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
