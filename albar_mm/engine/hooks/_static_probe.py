"""Measuring a recogniser on static clips while its training waits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.dataset import pseudo_collate
from mmengine.dist import all_reduce, get_rank, get_world_size
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from ...datasets import StaticPairDataset
from ...evaluation import StaticContrastMetric
from ...evaluation.functional import VIEWS
from ...models.utils.rng import preserved_rng


class StaticProbe:
    """Static top-1, entropy, cross-entropy and validation contrast on a fixed set of videos.

    The videos are drawn once from ``seed``, so every probe of every run sees the same ones. With
    several processes each takes its share of whole videos; the scores are those of all.

    Args:
        dataset: Held-out videos, each as clip and static clip.
        num_videos: How many videos to use; None for all.
        batch_size: Samples per forward pass and process (two samples are one video).
        num_workers: Loading processes; 0 loads in the training process.
        seed: Chooses the videos.
    """

    def __init__(
        self,
        dataset: StaticPairDataset,
        num_videos: int | None,
        batch_size: int,
        num_workers: int,
        seed: int,
    ) -> None:
        available = len(dataset) // len(VIEWS)
        self.num_videos = available if num_videos is None else min(num_videos, available)
        # Lists are often sorted or interleaved by class, so neither the first videos nor every
        # k-th one would do.
        order = torch.randperm(available, generator=torch.Generator().manual_seed(seed))
        chosen = order[: self.num_videos].sort().values.tolist()
        own = chosen[get_rank() :: get_world_size()]
        samples = [len(VIEWS) * video + view for video in own for view in range(len(VIEWS))]
        self._loader = DataLoader(
            Subset(dataset, samples),
            batch_size=batch_size,
            num_workers=num_workers,
            collate_fn=pseudo_collate,
            persistent_workers=num_workers > 0,
        )

    def measure(self, model: nn.Module) -> tuple[dict[str, float], int]:
        """Measure a recogniser and leave it, and all random states, as they were.

        Args:
            model: A MMAction2 recogniser, not wrapped for distributed training.

        Returns:
            The scores, and how many samples had scores that are not finite. Scores: ``top1``,
            ``clip_top1``, ``contrast`` in percent, ``entropy`` in [0, log K] and
            ``cross_entropy`` >= 0 in nats, all of the static clips but ``clip_top1``. They are
            empty if any sample is not finite.

        Raises:
            ValueError: If the recogniser's scores are no probabilities.
        """
        metric = StaticContrastMetric()
        device = next(model.parameters()).device
        sums = torch.zeros(3, dtype=torch.float64)  # entropy, cross-entropy, broken samples
        with undisturbed(model, device), _probabilities(model):
            for data in self._loader:
                samples = [sample.to_dict() for sample in model.val_step(data)]
                for sample in samples:
                    sums += _contribution(sample)
                metric.process(None, [s for s in samples if s['pred_score'].isfinite().all()])
        # NCCL reduces tensors of its own device only.
        sums = sums.to(device if device.type == 'cuda' else 'cpu')
        all_reduce(sums)
        entropy, cross_entropy, broken = sums.tolist()
        if broken:
            return {}, int(broken)
        scores = metric.evaluate(len(VIEWS) * self.num_videos)
        return dict(
            top1=scores['val/static_top1'],
            entropy=entropy / self.num_videos,
            cross_entropy=cross_entropy / self.num_videos,
            clip_top1=scores['val/top1'],
            contrast=scores['val/contrast'],
        ), 0


@contextmanager
def undisturbed(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Eval mode without gradients; afterwards every module's mode and all random states are back.

    Args:
        model: The recogniser; ``model.train()`` would also thaw layers that are kept frozen, so
            each flag is put back by itself.
        device: Where the model is.
    """
    flags = [(module, module.training) for module in model.modules()]
    # Not inference_mode: what a network caches (Swin's masks) must serve training afterwards.
    with preserved_rng(device), torch.no_grad():
        model.eval()
        try:
            yield
        finally:
            for module, flag in flags:
                module.training = flag


@contextmanager
def _probabilities(model: nn.Module) -> Iterator[None]:
    """Let the head give class probabilities, averaged over views."""
    head = getattr(model, 'cls_head', None)
    if not hasattr(head, 'average_clips'):
        yield
        return
    given, head.average_clips = head.average_clips, 'prob'
    try:
        yield
    finally:
        head.average_clips = given


def _contribution(sample: dict[str, Any]) -> Tensor:
    """Entropy and cross-entropy of one static sample (0 for a clip), and whether it is broken."""
    scores = sample['pred_score'].detach().double().flatten().cpu()
    broken = not scores.isfinite().all()
    if not broken and (scores.min() < 0 or abs(scores.sum() - 1) > 1e-3):
        raise ValueError(
            f'StaticProbeHook needs class probabilities, but {sample["pair_id"]} has '
            f'scores in [{scores.min():.3g}, {scores.max():.3g}] that sum to '
            f'{scores.sum():.3g}: let the head turn its logits into probabilities '
            "for average_clips='prob'"
        )
    if broken or sample['domain'] != 'static':
        return torch.tensor([0.0, 0.0, float(broken)], dtype=torch.float64)
    # A probability that underflowed in float32 counts as the smallest normal number.
    right = scores[int(sample['gt_label'])].clamp_min(torch.finfo(torch.float32).tiny)
    return torch.stack([torch.special.entr(scores).sum(), -right.log(), right.new_zeros(())])
