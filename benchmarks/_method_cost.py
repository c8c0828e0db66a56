"""Training steps of all methods and blendings alone, and how they are measured.

As a program, it prints the bytes that one of them adds at its peak (see ``method_cost.py``).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _published_fame import published_fame_masks
from _steps import LEARNING_RATE, ROOT, WEIGHTS, Setting, make_batch, setting
from mmaction.registry import MODELS
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope

from albar_mm.annotations.frame_bank import FrameBank, save_frame_bank

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
BLENDINGS: Mapping[str, Mapping[str, Any]] = {
    'mixup': dict(type='ClipMixupBlending'),
    'videomix': dict(type='VideoMixBlending'),
    'be': dict(type='BEBlending'),
    'actorcutmix': dict(type='ActorCutMixBlending'),
    'fame': dict(type='FAMEBlending', mean=MEAN, std=STD),
    'stillmix_random': dict(type='StillMixBlending'),
    'stillmix_bank': dict(type='StillMixBlending', mean=MEAN, std=STD),
}
METHODS = ('none', *BLENDINGS, 'sdn', 'albar', 'albar+stillmix')
PUBLISHED_FAME = 'fame_published_order'
ALONE = ('clone', *BLENDINGS, PUBLISHED_FAME)
SCENES = 365
STEPS = 2  # the second has the optimiser's state from the start


@dataclasses.dataclass(frozen=True)
class Size:
    """Clips of a measurement.

    Attributes:
        batch_size: B.
        frames: T.
        side: Height and width in pixels.
        prob: Probability of a sample to be augmented.
        device: Where to run.
        bank_frames: Number of frames in the bank of StillMix.
    """

    batch_size: int
    frames: int
    side: int
    prob: float
    device: str
    bank_frames: int = 256


def missing_types() -> dict[str, str]:
    """Methods that cannot be measured, and why."""
    init_default_scope('mmaction')
    if MODELS.get('SDNRecognizer3D') is None:
        return {'sdn': 'SDNRecognizer3D is not registered'}
    return {}


def blending_config(name: str, size: Size, num_classes: int, folder: Path) -> dict[str, Any]:
    """Config of a blending.

    Args:
        name: One of ``BLENDINGS``.
        size: Of the clips; the bank has frames of that size.
        num_classes: K.
        folder: Where to write the bank.
    """
    config = dict(BLENDINGS[name], num_classes=num_classes, prob=size.prob)
    if name == 'stillmix_bank':
        count, side = size.bank_frames, size.side
        frames = np.random.default_rng(0).integers(256, size=(count, side, side, 3), dtype=np.uint8)
        config['bank'] = str(
            save_frame_bank(
                folder / 'bank.npz',
                FrameBank(
                    frames,
                    np.full(count, 0.5, np.float32),
                    np.array([f'video#{i}' for i in range(count)]),
                    num_classes,
                ),
            )
        )
    return config


def add_fields(data_samples: Sequence[Any], frames: int, side: int) -> None:
    """Give every sample two people who walk through the picture, and a scene.

    Args:
        data_samples: The samples; changed.
        frames: T.
        side: Of the clips, in pixels.
    """
    time_line = torch.arange(frames)
    for i, sample in enumerate(data_samples):
        rows = []
        for start, speed, width, height in ((0.1, 0.3, 0.25, 0.6), (0.7, -0.2, 0.2, 0.5)):
            left = (start + 0.02 * i + speed * time_line / frames) * side
            top = torch.full_like(left, (0.35 - 0.02 * (i % 5)) * side)
            rows.append(
                torch.stack([time_line, left, top, left + width * side, top + height * side], dim=1)
            )
        sample.person_boxes = torch.cat(rows)
        sample.scene_target = torch.tensor(i % SCENES)


class MethodStep:
    """Training steps of one method, through ``train_step`` as the Runner calls it.

    Args:
        method: One of ``METHODS``.
        chosen: Network and number of classes; its clip size does not count.
        size: Of the clips.
        folder: Where to write what the method needs.
    """

    def __init__(self, method: str, chosen: Setting, size: Size, folder: Path) -> None:
        if method not in METHODS:
            raise ValueError(f'method must be one of {METHODS}, got {method!r}')
        chosen = dataclasses.replace(chosen, frames=size.frames, side=size.side)
        albar = method.startswith('albar')
        self.data = make_batch(chosen, size.batch_size, albar)
        add_fields(self.data['data_samples'], size.frames, size.side)
        blending = {'albar+stillmix': 'stillmix_random'}.get(method, method)
        preprocessor: dict[str, Any] = dict(
            type='StaticDataPreprocessor' if albar else 'ActionDataPreprocessor',
            mean=list(MEAN),
            std=list(STD),
            format_shape='NCTHW',
        )
        if blending in BLENDINGS:
            preprocessor['blending'] = blending_config(blending, size, chosen.num_classes, folder)
        config: dict[str, Any] = dict(
            type='Recognizer3D',
            backbone=chosen.backbone,
            data_preprocessor=preprocessor,
            cls_head=dict(
                type='I3DHead',
                in_channels=chosen.in_channels,
                dropout_ratio=0.0,
                num_classes=chosen.num_classes,
                spatial_type='avg',
                topk=(1,),
            ),
        )
        if albar:
            config.update(
                type='ALBARRecognizer3D',
                static=dict(
                    losses=[
                        dict(type='StaticAdversarialLoss', weight=WEIGHTS['adv']),
                        dict(type='StaticEntropyLoss', weight=WEIGHTS['ent']),
                        dict(
                            type='StaticGradientPenalty', weight=WEIGHTS['gp'], reduction='official'
                        ),
                    ]
                ),
            )
        elif method == 'sdn':
            config.update(type='SDNRecognizer3D', sdn=dict(num_scenes=SCENES))
        init_default_scope('mmaction')
        torch.manual_seed(0)
        self.model = MODELS.build(config).to(size.device).train()
        self.optimizer = OptimWrapper(torch.optim.AdamW(self.model.parameters(), lr=LEARNING_RATE))

    def __call__(self) -> None:
        """Run one training step: preprocessing, forward, backward, update."""
        self.model.train_step(self.data, self.optimizer)


class BlendAlone:
    """One blending on a normalised batch, or what it is compared with.

    Args:
        name: One of ``ALONE``: ``'clone'`` copies the batch.
        size: Of the clips.
        folder: Where to write the bank.
    """

    def __init__(self, name: str, size: Size, folder: Path) -> None:
        init_default_scope('mmaction')
        generator = torch.Generator().manual_seed(0)
        shape = (size.batch_size, 1, 3, size.frames, size.side, size.side)
        self.clips = torch.randn(shape, generator=generator).to(size.device)
        self.name, num_classes = name, 51
        chosen = Setting({}, 1, num_classes, 1, 1)
        self.samples = make_batch(chosen, size.batch_size, False)['data_samples']
        add_fields(self.samples, size.frames, size.side)
        for sample in self.samples:
            sample.set_field(sample.gt_label.to(size.device), 'gt_label')
        self.labels = [sample.gt_label for sample in self.samples]
        if name in BLENDINGS:
            self.blending = MODELS.build(blending_config(name, size, num_classes, folder))

    def __call__(self) -> None:
        """Blend once, from hard labels."""
        if self.name == 'clone':
            self.clips.clone()
        elif self.name == PUBLISHED_FAME:
            clips = self.clips[:, 0]
            masks = published_fame_masks(clips, MEAN, STD)
            partners = torch.randperm(len(clips)).to(clips.device)
            mask = masks[:, None, None].to(clips.dtype)
            mask * clips + (1 - mask) * clips[partners]
        else:
            for sample, label in zip(self.samples, self.labels, strict=True):
                sample.set_gt_label(label)
            self.blending(self.clips, self.samples)


def paired_seconds(
    runs: Mapping[str, Callable[[], None]],
    rounds: int,
    warmup: int,
    device: str,
    say: Callable[[str], None],
) -> dict[str, list[float]]:
    """Seconds of each run, in rounds that do each once, in an order that changes.

    Args:
        runs: Name -> what to time.
        rounds: Number of rounds.
        warmup: Calls of each before them.
        device: Where they run.
        say: Called with the progress.
    """
    names, seconds = list(runs), {name: [] for name in runs}
    for run in runs.values():
        for _ in range(warmup):
            run()
    for i in range(rounds):
        shift = (i // 2) % len(names)
        for name in (names[shift:] + names[:shift])[:: -1 if i % 2 else 1]:
            _synchronise(device)
            start = time.perf_counter()
            runs[name]()
            _synchronise(device)
            seconds[name].append(time.perf_counter() - start)
        say(f'round {i + 1}/{rounds}: {sum(times[-1] for times in seconds.values()):.1f} s')
    return seconds


def _synchronise(device: str) -> None:
    if device.startswith('cuda'):
        torch.cuda.synchronize(device)


def ratios(values: Mapping[str, Sequence[float]], over: str) -> dict[str, dict[str, float]]:
    """Paired ratios of everything over one of them: ``median``, ``min``, ``max``, ``pairs``.

    Args:
        values: Name -> one number per round.
        over: Name of the other side.
    """
    found = {}
    for name, own in values.items():
        paired = [a / b for a, b in zip(own, values[over], strict=True)]
        found[name] = dict(
            median=statistics.median(paired), min=min(paired), max=max(paired), pairs=len(paired)
        )
    return found


def peak_bytes(
    kind: str, names: Sequence[str], size: Size, repeats: int, say: Callable[[str], None]
) -> dict[str, list[int]]:
    """Peak bytes that each adds over what its process held when it was ready to run.

    Args:
        kind: ``'alone'``, or the name of a setting for training steps.
        names: Blendings or methods.
        size: Of the clips.
        repeats: Processes for each.
        say: Called with the progress.
    """
    found: dict[str, list[int]] = {name: [] for name in names}
    # Large blocks go back to the system when freed, so that resident memory is what is in use.
    env = dict(
        os.environ,
        MALLOC_MMAP_THRESHOLD_='65536',
        MALLOC_ARENA_MAX='1',
        PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')]),
    )
    for _ in range(repeats):
        for name in names:
            request = json.dumps(dict(kind=kind, name=name, size=dataclasses.asdict(size)))
            done = subprocess.run(
                [sys.executable, __file__, request], capture_output=True, text=True, env=env
            )
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ['no message'])[-1]
                raise RuntimeError(
                    f'measuring the memory of {name} failed with status {done.returncode}: {last}'
                )
            found[name].append(int(done.stdout.splitlines()[-1]))
            say(f'peak memory of {name}: {found[name][-1] / 2**20:.0f} MiB')
    return found


def main(request: str) -> int:
    """Measure one of them in this fresh process.

    Args:
        request: JSON object with ``kind``, ``name`` and ``size``.
    """
    from _peak_memory import resident_bytes

    asked = json.loads(request)
    size, kind = Size(**asked['size']), asked['kind']
    with tempfile.TemporaryDirectory() as folder:
        if kind == 'alone':
            run = BlendAlone(asked['name'], size, Path(folder))
        else:
            run = MethodStep(asked['name'], setting(kind), size, Path(folder))
    on_gpu = size.device.startswith('cuda')
    if on_gpu:
        _synchronise(size.device)
        torch.cuda.reset_peak_memory_stats(size.device)
    else:  # forget the peak of what was done so far
        with contextlib.suppress(OSError):  # where it may not be written the peak is that of all
            Path('/proc/self/clear_refs').write_text('5')
    before = torch.cuda.memory_allocated(size.device) if on_gpu else resident_bytes('VmRSS')
    for _ in range(STEPS):
        run()
    _synchronise(size.device)
    peak = torch.cuda.max_memory_allocated(size.device) if on_gpu else resident_bytes('VmHWM')
    return peak - before


if __name__ == '__main__':
    print(main(sys.argv[1]))
