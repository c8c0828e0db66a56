"""Time, operations, peak memory and loader bytes of the steps."""

import json
import os
import pickle
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from _steps import VARIANTS, Setting, Step, make_batch, setting
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

ROOT = Path(__file__).resolve().parents[1]


def paired_seconds(
    name: str, batch_size: int, rounds: int, warmup: int, device: str, say: Callable[[str], None]
) -> dict[str, list[float]]:
    """Seconds per step of every variant, in rounds that run each variant once.

    The variants of a round run right after each other, in an order that changes from round to
    round, so that a machine that slows down for a while slows down all of them.

    Args:
        name: Name of the setting.
        batch_size: B.
        rounds: Number of rounds.
        warmup: Steps of each variant before them.
        device: Where to train.
        say: Called with the progress.

    Returns:
        Variant -> ``rounds`` times, in the order of the rounds.
    """
    steps = {variant: Step(variant, setting(name), batch_size, device) for variant in VARIANTS}
    seconds: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    for step in steps.values():
        for _ in range(warmup):
            step()
    for i in range(rounds):
        shift, backwards = (i // 2) % len(VARIANTS), i % 2
        order = (VARIANTS[shift:] + VARIANTS[:shift])[:: -1 if backwards else 1]
        for variant in order:
            seconds[variant].append(step_seconds(steps[variant], device))
        times = ', '.join(f'{variant} {seconds[variant][-1]:.3f} s' for variant in VARIANTS)
        say(f'{name}: round {i + 1}/{rounds}: {times}')
    return seconds


def step_seconds(step: Step, device: str) -> float:
    """Seconds of one step."""
    _synchronise(device)
    start = time.perf_counter()
    step()
    _synchronise(device)
    return time.perf_counter() - start


def _synchronise(device: str) -> None:
    if device.startswith('cuda'):
        torch.cuda.synchronize(device)


def ratios(seconds: dict[str, list[float]], over: str) -> dict[str, float]:
    """Paired ratios of an ALBAR step over another variant.

    Args:
        seconds: From :func:`paired_seconds`.
        over: The other variant.

    Returns:
        ``median``, ``quartile_1`` and ``quartile_3``, ``min`` and ``max`` of the ratios of each
        round, and ``pairs``, their number.
    """
    return spread([a / b for a, b in zip(seconds['albar'], seconds[over], strict=True)])


def spread(paired: Sequence[float]) -> dict[str, float]:
    """Median, quartiles, range and number of paired ratios."""
    quartiles = (
        statistics.quantiles(paired, n=4, method='inclusive') if len(paired) > 1 else [*paired] * 3
    )
    return dict(
        median=statistics.median(paired),
        quartile_1=quartiles[0],
        quartile_3=quartiles[2],
        min=min(paired),
        max=max(paired),
        pairs=len(paired),
    )


def peak_memory(
    name: str, batch_size: int, repeats: int, device: str, say: Callable[[str], None]
) -> dict[str, list[int]]:
    """Peak bytes that two training steps of every variant add.

    Args:
        name: Name of the setting.
        batch_size: B.
        repeats: Processes per variant.
        device: Where to train.
        say: Called with the progress.

    Returns:
        Variant -> bytes over what the process held when network, optimiser and batch were ready.
    """
    found: dict[str, list[int]] = {variant: [] for variant in VARIANTS}
    for _ in range(repeats):
        for variant in VARIANTS:
            found[variant].append(peak_bytes(name, variant, batch_size, device))
            say(f'{name}: peak memory of {variant}: {found[variant][-1] / 2**20:.0f} MiB')
    return found


def peak_bytes(
    name: str,
    variant: str,
    batch_size: int,
    device: str,
    static: Mapping[str, Any] = MappingProxyType({}),
) -> int:
    """Peak bytes that two training steps add, in a process of its own; arguments as for ``Step``.

    Raises:
        RuntimeError: The process failed.
    """
    # Large blocks go back to the system when freed, so that resident memory is what is in use.
    env = dict(
        os.environ,
        MALLOC_MMAP_THRESHOLD_='65536',
        MALLOC_ARENA_MAX='1',
        PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')]),
    )
    asked = dict(
        name=name, variant=variant, batch_size=batch_size, device=device, static=dict(static)
    )
    program = str(Path(__file__).with_name('_peak_memory.py'))
    done = subprocess.run(
        [sys.executable, program, json.dumps(asked)], capture_output=True, text=True, env=env
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ['no message'])[-1]
        raise RuntimeError(
            f'measuring the memory of {variant} at {name} failed with status {done.returncode}: '
            f'{last}'
        )
    return int(done.stdout.splitlines()[-1])


def memory_ratio(found: dict[str, list[int]], over: str) -> dict[str, float]:
    """Median peak of an ALBAR step over that of another variant, with the spread of the pairs."""
    paired = [a / b for a, b in zip(found['albar'], found[over], strict=True)]
    return dict(
        median=statistics.median(found['albar']) / statistics.median(found[over]),
        min=min(paired),
        max=max(paired),
        pairs=len(paired),
    )


def flops(name: str, batch_size: int, device: str) -> dict[str, int]:
    """Floating-point operations of the matrix products and convolutions of one step.

    They do not depend on what else runs on the machine, unlike times.

    Args:
        name: Name of the setting.
        batch_size: B.
        device: Where to train.

    Returns:
        Variant -> operations.
    """
    found = {}
    for variant in VARIANTS:
        step = Step(variant, setting(name), batch_size, device)
        step()  # ALBAR's checks before the first step run once
        found[variant] = operations(step)
    return found


def operations(step: Step) -> int:
    """Floating-point operations of the matrix products and convolutions of one step."""
    with _FlopCounter() as counter:
        step()
    return counter.total


class _FlopCounter(TorchDispatchMode):
    """Adds up PyTorch's own formulas.

    ``FlopCounterMode`` hooks every module besides, which ``autograd.grad`` by a leaf cannot stand.
    """

    total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=out)
        return out


def loader_bytes(chosen: Setting, batch_size: int) -> dict[str, Any]:
    """What a loader's worker hands over per sample.

    Args:
        chosen: The setting.
        batch_size: Samples in the collated batch.

    Returns:
        ``plain``, ``albar`` and ``published`` (which loads a second clip), each with
        ``tensor_bytes`` and ``pickled_bytes`` per sample, and ``growth``: share by which ALBAR's
        exceed the plain ones.
    """
    found: dict[str, Any] = {}
    for variant in VARIANTS:
        batch = make_batch(chosen, batch_size, variant == 'albar')
        if variant == 'published':
            batch['static_inputs'] = [clip.clone() for clip in batch['inputs']]
        tensors = [
            *batch['inputs'],
            *batch.get('static_inputs', ()),
            *(sample.gt_label for sample in batch['data_samples']),
        ]
        found[variant] = dict(
            tensor_bytes=_tensor_bytes(tensors) / batch_size,
            pickled_bytes=len(pickle.dumps(batch)) / batch_size,
        )
    found['growth'] = {
        key: found['albar'][key] / found['plain'][key] - 1
        for key in ('tensor_bytes', 'pickled_bytes')
    }
    return found


def _tensor_bytes(tensors: Sequence[torch.Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
