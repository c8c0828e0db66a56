"""What a step with less static work costs: time and memory of each option and combination."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from _measure import operations, peak_bytes, spread, step_seconds
from _steps import LOSSES, Step, setting
from mmengine.logging import MessageHub

_NO_PENALTY = {'losses': list(LOSSES[:2])}
_DIFFERENCE = {'losses': [*LOSSES[:2], dict(LOSSES[2], estimate='difference')]}
LEVERS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        'paper': dict(preset='paper'),
        'fast': dict(preset='fast'),
        '1/2': dict(share=0.5),
        '1/2, half of it penalised': dict(share=0.5, penalty_share=0.5),
        '1/4': dict(share=0.25),
        '1/8': dict(share=0.125),
        'every 2nd step': dict(every=2),
        'every 4th step': dict(every=4),
        'no penalty': _NO_PENALTY,
        '1/2, no penalty': dict(share=0.5, **_NO_PENALTY),
        '1/4, no penalty': dict(share=0.25, **_NO_PENALTY),
        '1/4, difference': dict(share=0.25, **_DIFFERENCE),
    }
)
"""Name -> options of ``static``; shares are of the batch."""


def lever_costs(
    name: str,
    batch_size: int,
    rounds: int,
    device: str,
    levers: Sequence[str],
    memory: bool,
    say: Callable[[str], None],
) -> dict[str, dict[str, Any]]:
    """Time and peak memory over those of a plain step.

    Each round times a plain step and, right after it, one step of each lever (a whole period of
    steps of those that skip some), so that other work on the machine touches both.

    Args:
        name: Name of the network's setting.
        batch_size: B.
        rounds: Number of rounds.
        device: Where to train.
        levers: Names in :data:`LEVERS`.
        memory: Whether to measure memory, each in a process of its own.
        say: Called with the progress.

    Returns:
        Lever -> ``time`` (see :func:`~_measure.spread`), ``memory`` and ``operations`` (ratios; the
        latter of matrix products and convolutions, which no load on the machine can move).
    """
    hub, chosen = MessageHub.get_current_instance(), setting(name)
    found: dict[str, dict[str, Any]] = {}
    plain = Step('plain', chosen, batch_size, device)
    plain()
    counted = operations(plain)
    base = peak_bytes(name, 'plain', batch_size, device) if memory else 0
    for lever in levers:
        static = LEVERS[lever]
        step, ratios = Step('albar', chosen, batch_size, device, static), []
        period = step.model.static.every
        hub.update_info('iter', 0)
        step()
        own = 0
        for number in range(period):
            hub.update_info('iter', number)
            own += operations(step)
        found[lever] = dict(operations=own / (period * counted))
        for _ in range(rounds):
            alone, own = [], []
            for number in range(period):
                hub.update_info('iter', number)
                alone.append(step_seconds(plain, device))
                own.append(step_seconds(step, device))
            ratios.append(sum(own) / sum(alone))
        del step
        found[lever]['time'] = spread(ratios)
        if memory:
            found[lever]['memory'] = peak_bytes(name, 'albar', batch_size, device, static) / base
        say(f'{name}: {lever}: {describe(found[lever])}')
    return found


def describe(cost: Mapping[str, Any]) -> str:
    """``1.58 x time, 1.52 x operations, 1.49 x memory``."""
    text = f'{cost["time"]["median"]:.2f} x time, {cost["operations"]:.2f} x operations'
    return text + (f', {cost["memory"]:.2f} x memory' if 'memory' in cost else '')


def accuracies(files: Sequence[str]) -> dict[str, dict[str, float]]:
    """Contrasted accuracy of each lever, from the ``results.json`` of trainings.

    Args:
        files: What ``tools/ablate.py --which sweep --key model.static.share`` and the like wrote:
            rows whose options name those of a lever.

    Returns:
        Lever -> ``mean``, ``sd`` and ``seeds``.
    """
    from albar_mm.utils.files import read_json

    found = {}
    for rows in (read_json(Path(file))['rows'] for file in files):
        for records in rows.values():
            options = {
                key.removeprefix('model.static.'): value
                for key, value in records[0]['options'].items()
            }
            for lever, static in LEVERS.items():
                if options == dict(static):
                    scores = [record['metrics']['contrasted/avg'] for record in records]
                    sd = statistics.stdev(scores) if len(scores) > 1 else 0.0
                    found[lever] = dict(mean=statistics.mean(scores), sd=sd, seeds=len(scores))
    return found


def draw(path: str, document: Mapping[str, Any]) -> None:
    """The frontier: contrasted accuracy, and memory, against the time of a step.

    Args:
        path: Picture to write.
        document: ``settings`` and ``accuracy`` as measured here.
    """
    from matplotlib.figure import Figure

    from albar_mm.utils.files import save_figure

    networks, scores = document['settings'], document['accuracy']
    figure = Figure(figsize=(11, 4.6 * (1 + bool(scores))), layout='constrained')
    axes = figure.subplots(1 + bool(scores), 1, squeeze=False)[:, 0]
    marks = dict(zip(networks, 'osD^v', strict=False))
    for ax, what in zip(axes, ('memory', 'accuracy'), strict=False):
        for network, levers in networks.items():
            for lever, cost in levers.items():
                level = (
                    cost.get('memory') if what == 'memory' else scores.get(lever, {}).get('mean')
                )
                if level is None:
                    continue
                x = cost['time']['median']
                bar = scores[lever]['sd'] if what == 'accuracy' else None
                ax.errorbar(x, level, bar, marker=marks[network], ls='', color=_COLOURS[network])
                ax.annotate(lever, (x, level), (4, 4), textcoords='offset points', fontsize=7)
        ax.axvline(1.75, color='#888', lw=0.8, ls=':')
        ax.set_xlabel('time of a step, times that of a plain one')
        ax.set_ylabel(
            'peak memory, times that of a plain step'
            if what == 'memory'
            else 'contrasted accuracy on motion_sprites, %'
        )
        handles = [
            ax.plot([], [], marker=marks[n], ls='', color=_COLOURS[n], label=n)[0] for n in networks
        ]
        ax.legend(handles=handles, fontsize=8)
    save_figure(figure, path)


_COLOURS = {
    'swin_t_16x112': '#0b5394',
    'r3d_18_16x112': '#d95f02',
    'tsm_mobilenet_v2_8x112': '#2ca02c',
    'tiny': '#777777',
}
