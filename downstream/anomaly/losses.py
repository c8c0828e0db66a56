"""Terms of the losses of MGFN, RTFM and the MIL ranking model, one function each."""

import torch
import torch.nn.functional as F
from torch import Tensor


def top_snippets(ranks: Tensor, k: int = 3, dropout: float = 0.0) -> Tensor:
    """The snippets of largest magnitude or score, some dropped by chance before (MGFN, RTFM).

    Args:
        ranks: Magnitudes or scores, not negative; shape (n, T).
        k: How many; all of a video with fewer snippets.
        dropout: Chance that a snippet is left out; 0 at test time.

    Returns:
        Indices, int64, shape (n, min(k, T)).
    """
    kept = F.dropout(torch.ones_like(ranks), dropout)
    return torch.topk(ranks.detach() * kept, min(k, ranks.shape[1]), dim=1).indices


def gather_snippets(values: Tensor, index: Tensor) -> Tensor:
    """Values (n, crops, T, D) at snippets (n, k), the same for each crop: (n, crops, k, D)."""
    shape = (*values.shape[:2], index.shape[1], values.shape[3])
    return values.gather(2, index[:, None, :, None].expand(shape))


def video_bce(scores: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy, in nats, of scores in [0, 1] and labels 0 or 1, both (n,)."""
    # of probabilities it is not safe in half precision, and autocast refuses it
    with torch.autocast(scores.device.type, enabled=False):
        return F.binary_cross_entropy(scores.float(), labels.float())


def magnitude_distance(one: Tensor, other: Tensor) -> Tensor:
    """Euclidean distance of the L1 magnitudes of chosen snippets, compared in their order.

    As the official code of MGFN: 1e-6 is added to each difference; magnitudes are L1 norms here,
    while snippets are chosen by L2 norms.

    Args:
        one: Features, shape (..., k, D).
        other: The same.

    Returns:
        Shape (...).
    """
    first, second = one.abs().sum(-1), other.abs().sum(-1)
    return torch.linalg.vector_norm(first - second + 1e-6, dim=-1)


def contrast_apart(normal: Tensor, anomalous: Tensor, margin: float = 200.0) -> Tensor:
    """Mean squared shortfall of the distance between normal and anomalous magnitudes (MGFN).

    Args:
        normal: Features, shape (..., k, D).
        anomalous: The same, paired by position.
        margin: Distance that is wanted.
    """
    return F.relu(margin - magnitude_distance(anomalous, normal)).square().mean()


def contrast_together(one: Tensor, other: Tensor) -> Tensor:
    """Mean squared distance of magnitudes within a class (MGFN), of paired (..., k, D)."""
    return magnitude_distance(one, other).square().mean()


def sparsity(scores: Tensor) -> Tensor:
    """L2 norm of all scores together, of any shape."""
    return torch.linalg.vector_norm(scores)


def smoothness(scores: Tensor) -> Tensor:
    """Sum of squared differences of neighbouring scores, of shape (..., T)."""
    return scores.diff(dim=-1).square().sum()


def ranking_hinge(normal: Tensor, anomalous: Tensor, margin: float = 1.0) -> Tensor:
    """The highest score of an anomalous video should lie above that of a normal one.

    Sultani et al. (CVPR 2018), eq. 4, mean over all pairs of the batch.

    Args:
        normal: Scores, shape (n, T).
        anomalous: Scores, shape (m, T).
        margin: Difference that is wanted.
    """
    gaps = anomalous.amax(1)[:, None] - normal.amax(1)[None]
    return F.relu(margin - gaps).mean()


def magnitude_margin(normal: Tensor, anomalous: Tensor, margin: float = 100.0) -> Tensor:
    """RTFM (Tian et al., ICCV 2021): large mean features of anomalous snippets, small normal ones.

    Mean of ``(|margin - |f_a|| + |f_n|)^2``, ``f`` the mean of the chosen snippets' features.

    Args:
        normal: Features, shape (n, k, D).
        anomalous: The same, paired by position.
        margin: Magnitude that anomalous snippets should have.
    """
    apart = (margin - torch.linalg.vector_norm(anomalous.mean(1), dim=1)).abs()
    return (apart + torch.linalg.vector_norm(normal.mean(1), dim=1)).square().mean()
