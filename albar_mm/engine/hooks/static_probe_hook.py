"""Watching static bias while a recogniser trains."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from mmaction.registry import DATASETS, HOOKS
from mmengine.dataset import pseudo_collate
from mmengine.dist import all_reduce, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from ...datasets import StaticPairDataset
from ...evaluation import StaticContrastMetric
from ...evaluation.functional import VIEWS
from ...models.utils.rng import preserved_attributes, preserved_rng
from ...utils.numbers import number
from ..checkpoints.source import bare_model

PREFIX = 'static_probe'


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
        with undisturbed(model, device):
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
    """Eval mode without gradients, the head giving class probabilities averaged over views.

    Afterwards the head, every module's mode and all random states are as before.

    Args:
        model: The recogniser; ``model.train()`` would also thaw layers that are kept frozen, so
            each flag is put back by itself.
        device: Where the model is.
    """
    kept = preserved_attributes(model.modules(), 'training', 'average_clips')
    head = getattr(model, 'cls_head', None)
    # Not inference_mode: what a network caches (Swin's masks) must serve training afterwards.
    with preserved_rng(device), kept, torch.no_grad():
        model.eval()
        if hasattr(head, 'average_clips'):
            head.average_clips = 'prob'
        yield


def _contribution(sample: dict[str, Any]) -> Tensor:
    """Entropy and cross-entropy of one static sample (0 for a clip), and whether it is broken."""
    scores = sample['pred_score'].detach().double().flatten().cpu()
    broken = not scores.isfinite().all()
    if not broken and (scores.min() < 0 or abs(scores.sum() - 1) > 1e-3):
        raise ValueError(
            f'StaticProbeHook needs class probabilities, but {sample["pair_id"]} has scores in '
            f'[{scores.min():.3g}, {scores.max():.3g}] that sum to {scores.sum():.3g}: let the '
            "head turn its logits into probabilities for average_clips='prob'"
        )
    if broken or sample['domain'] != 'static':
        return torch.tensor([0.0, 0.0, float(broken)], dtype=torch.float64)
    # A probability that underflowed in float32 counts as the smallest normal number.
    right = scores[int(sample['gt_label'])].clamp_min(torch.finfo(torch.float32).tiny)
    return torch.stack([torch.special.entr(scores).sum(), -right.log(), right.new_zeros(())])


@HOOKS.register_module()
class StaticProbeHook(Hook):
    """Measure static bias on a fixed held-out set during training, for any recogniser.

    Works for plain recognisers too, so that a baseline and ALBAR can be compared. The training
    goes on as if the hook were not there: weights, BatchNorm statistics, random states and the
    modes of all layers are bit for bit the same. (Its time counts as ``data_time`` of the next
    iteration.) Written to the log and, with the iteration as ``step``, to the visualizer
    (``scalars.json``):

    - ``static_probe/top1``: accuracy on static clips, percent;
    - ``static_probe/entropy``: of the prediction for static clips, nats, in [0, log K];
    - ``static_probe/cross_entropy``: of static clips, nats, >= 0 (at most 88 per clip);
    - ``static_probe/clip_top1``: accuracy on the clips themselves, percent;
    - ``static_probe/contrast``: clip right and its own static clip wrong, percent.

    Probes run before training, at every interval and after training. If a score is not finite
    nothing is written and a warning says so. ``tools/plot_stability.py`` draws the curves.

    Args:
        interval: Probe every so many epochs or iterations.
        by_epoch: Whether ``interval`` counts epochs (default) or iterations.
        num_videos: At most so many videos, drawn once from ``seed``; None for all.
        dataset: Config of the held-out videos: a :class:`StaticPairDataset`, or a video dataset
            with ``test_mode=True``, which is wrapped in one. Default: the dataset of
            ``val_dataloader``. Never name a test set here if the curves are to choose anything.
        batch_size: Samples (two per video) in a forward pass of each process. Default: that of
            ``val_dataloader``, or 8 with a ``dataset`` of its own.
        num_workers: Loading processes; 0 (default) loads in the training process.
        at_start: Whether to probe before the first iteration.
        seed: Chooses the videos.

    Raises:
        ValueError: For an illegal argument, or before training, if there is no held-out set of
            clips and static clips, or epochs are counted in an iteration-based loop.

    Example:
        >>> custom_hooks = [dict(type='StaticProbeHook', interval=100, by_epoch=False,
        ...                      num_videos=32)]
    """

    # After the logger, so that an interval's training line comes first.
    priority = 'LOW'

    def __init__(
        self,
        interval: int = 1,
        by_epoch: bool = True,
        num_videos: int | None = 64,
        dataset: Mapping[str, Any] | None = None,
        batch_size: int | None = None,
        num_workers: int = 0,
        at_start: bool = True,
        seed: int = 0,
    ) -> None:
        counts = dict(interval=interval, num_videos=num_videos, batch_size=batch_size)
        for key, value in counts.items():
            if value is not None or key == 'interval':
                value = number(value, f'StaticProbeHook.{key}', 1, whole=True, error=ValueError)
            setattr(self, key, value)
        self.by_epoch, self.at_start = by_epoch, at_start
        self.dataset, self.num_workers, self.seed = dataset, num_workers, seed

    def before_train(self, runner: Runner) -> None:
        """Find the held-out set and probe the untrained state; a resumed run has that already."""
        if self.by_epoch and isinstance(runner.train_loop, IterBasedTrainLoop):
            raise ValueError(
                'StaticProbeHook counts epochs, but the training loop is iteration-based: set '
                'by_epoch=False and interval in iterations'
            )
        dataset, batch_size = self._held_out(runner)
        dataset.full_init()
        self._probe = StaticProbe(
            dataset, self.num_videos, self.batch_size or batch_size, self.num_workers, self.seed
        )
        if self.at_start and runner.iter == 0:
            self._run(runner, 0)
        self._probed_at = runner.iter

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None
    ) -> None:
        """Probe at the interval in iterations."""
        if not self.by_epoch and self.every_n_train_iters(runner, self.interval):
            self._run(runner, runner.iter + 1)

    def after_train_epoch(self, runner: Runner) -> None:
        """Probe at the interval in epochs."""
        if self.by_epoch and self.every_n_epochs(runner, self.interval):
            self._run(runner, runner.iter)

    def after_train(self, runner: Runner) -> None:
        """Probe the final state if it has not been."""
        if self._probed_at != runner.iter:
            self._run(runner, runner.iter)

    def _held_out(self, runner: Runner) -> tuple[StaticPairDataset, int]:
        """The dataset and the batch size that goes with it."""
        if self.dataset is not None:
            dataset = DATASETS.build(dict(self.dataset))
            if not isinstance(dataset, StaticPairDataset):
                dataset = StaticPairDataset(dataset)
            return dataset, 8
        loader = runner.val_dataloader if runner.val_loop is not None else None
        if loader is not None and isinstance(loader.dataset, StaticPairDataset):
            return loader.dataset, loader.batch_size or 8
        found = 'there is none' if loader is None else f'is a {type(loader.dataset).__name__}'
        raise ValueError(
            f'StaticProbeHook needs held-out videos: wrap the dataset of val_dataloader (now: '
            f'{found}) in StaticPairDataset, or give StaticProbeHook a dataset of its own'
        )

    def _run(self, runner: Runner, step: int) -> None:
        scores, broken = self._probe.measure(bare_model(runner))
        self._probed_at = step
        where = f'Static probe at iteration {step} ({self._probe.num_videos} videos)'
        if broken:
            fault = f'{broken} samples have scores that are not finite, so nothing is written'
            print_log(f'{where}: {fault}', 'current', logging.WARNING)
            return
        text = ', '.join(f'{key} {value:.4g}' for key, value in scores.items())
        print_log(f'{where}: {text}', 'current')
        named = {f'{PREFIX}/{key}': value for key, value in scores.items()}
        # The second file is where the logger hook writes, too.
        runner.visualizer.add_scalars(named, step=step, file_path=f'{runner.timestamp}.json')
