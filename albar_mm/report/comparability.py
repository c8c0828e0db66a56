"""Which runs may stand in one column: measured in the same way on the same data."""

import re
from collections import ChainMap
from collections.abc import Mapping, Sequence
from typing import Any

from ..utils.config_types import is_type, type_name
from ..utils.rows import check_row
from .runs import Run

#: settings of a transform that change how bytes are fetched or packed, not what is measured
_TECHNICAL = {
    'type',
    'collect_keys',
    'meta_keys',
    'algorithm_keys',
    'io_backend',
    'file_client',
    'tmp_folder',
    'num_threads',
    'lazy',
    'collapse',
    'to_float32',
    'color_type',
    'decoding_backend',
}
_PACKING = ('FormatShape', 'PackActionInputs')
_DOMAINS = dict(scuba='SCUBA', scufo='SCUFO', conflfg='Confl-FG', iid='IID')
_OOD = ('scuba', 'scufo', 'conflfg')
_SET_FILE = re.compile(r'.*_(SCUBA|SCUFO|ConflFG)_([^/]+)/.+', re.IGNORECASE)
_ABSENT = 'not recorded'
_PARTS = dict(sets=dict, pipelines=dict)

#: what was measured -> how: a flat description whose values compare
Measurement = dict[str, dict[str, Any]]


def measurement(run: Run) -> Measurement:
    """How each set of a run was measured.

    Returns:
        Set (``'scuba/stripe'``, or a score's name where the file lists no sets) -> what -> value:
        number of videos, transforms with their settings, averaging of views, hash of the lists.
        ``'scuba/avg'`` and the like stand for the backgrounds that were averaged over.
    """
    protocol = run.document.get('protocol') or {}
    check_row(protocol, f'{run.path}: protocol', _PARTS, optional=_PARTS)
    sizes = protocol.get('sets') or {}
    pipelines = protocol.get('pipelines') or {}
    names = sizes or dict.fromkeys(run.shown, protocol.get('num_samples'))
    described: Measurement = {}
    domains = {name.split('/')[0] for name in names}
    for name, videos in names.items():
        domain, _, background = name.partition('/')
        described[name] = {
            'videos': videos,
            'averaging of views': protocol.get('average_clips'),
            **_pipeline(pipelines.get(domain, pipelines.get('all'))),
            **_data(domain, background, domains, run.document.get('data')),
        }
    for domain in _OOD:
        backgrounds = sorted(n.split('/')[1] for n in sizes if n.startswith(f'{domain}/'))
        if backgrounds:
            described[f'{domain}/avg'] = {'backgrounds': ', '.join(backgrounds)}
    return described


def group_runs(runs: Sequence[Run]) -> tuple[list[list[Run]], list[str]]:
    """Sort runs into groups whose members were measured alike on every set that they share.

    Returns:
        The groups, in the order of their first run, and a sentence per further group that names
        what differs from the first.
    """
    measured = [measurement(run) for run in runs]
    places: list[list[int]] = []
    # those with the most sets first, so that a run of few sets finds the table it belongs to
    for i in sorted(range(len(runs)), key=lambda i: -len(measured[i])):
        fitting = (p for p in places if all(_agree(measured[i], measured[j]) for j in p))
        home = next(fitting, None)
        if home is None:
            places.append(home := [])
        home.append(i)
    places = sorted(map(sorted, places))
    groups = [[runs[i] for i in place] for place in places]
    merged = [dict(ChainMap(*(measured[i] for i in place))) for place in places]
    differences = [
        f'Table {number} ({_names(group)}) was measured differently from table 1 '
        f'({_names(groups[0])}): {difference(merged[0], merged[number - 1])}.'
        for number, group in enumerate(groups[1:], 2)
    ]
    return groups, differences


def difference(one: Measurement, other: Measurement) -> str:
    """Say in words how two measurements differ.

    Returns:
        What differs, each with the sets that it concerns; one line.
    """
    shared = [name for name in one if name in other]
    if not shared:
        return 'they have no set in common'
    sets_of: dict[str, list[str]] = {}
    for name in shared:
        for what in _differing(one[name], other[name]):
            text = f'{what} {_show(one[name].get(what))} / {_show(other[name].get(what))}'
            sets_of.setdefault(text, []).append(set_title(name))
    measured = sum(not name.endswith('/avg') for name in shared)
    by_sets: dict[tuple[str, ...], list[str]] = {}
    for text, names in sets_of.items():
        by_sets.setdefault(tuple(names), []).append(text)
    return '; '.join(
        f'{"all sets" if len(names) == measured > 1 else ", ".join(names)}: ' + ', '.join(texts)
        for names, texts in by_sets.items()
    )


def set_title(name: str) -> str:
    """``'scuba/stripe'`` as people write it: ``SCUBA stripe``."""
    domain, _, background = name.partition('/')
    background = {'avg': 'average', 'original': '', 'top1': ''}.get(background, background)
    return f'{_DOMAINS.get(domain, domain)} {background}'.strip()


def protocol_lines(measured: Measurement) -> list[tuple[str, str]]:
    """A measurement in words, sets that were measured alike together.

    Returns:
        (sets, how) pairs.
    """
    sets_of: dict[str, list[str]] = {}
    for name, how in measured.items():
        if name.endswith('/avg'):
            sets_of.setdefault(f'over {how["backgrounds"]}', []).append(set_title(name))
            continue
        text = ', '.join(
            f'{what} {_show(value)}'
            for what, value in how.items()
            if value not in (None, False)
            and (what in ('videos', 'averaging of views') or what.startswith(_VIEWS))
        )
        sets_of.setdefault(text, []).append(set_title(name))
    return [(', '.join(names), text) for text, names in sets_of.items()]


#: transforms that decide which views a model sees
_VIEWS = ('SampleFrames', 'BiasSampleFrames', 'UniformSample', 'Resize', 'CenterCrop', 'ThreeCrop')


def _agree(one: Measurement, other: Measurement) -> bool:
    shared = one.keys() & other.keys()
    return bool(shared) and not any(_differing(one[name], other[name]) for name in shared)


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    keys = [*{**one, **other}]
    if one.get('transforms') != other.get('transforms'):
        # the settings of transforms that only one has say nothing more
        keys = [key for key in keys if '.' not in key or (key in one and key in other)]
    return [key for key in keys if one.get(key, _ABSENT) != other.get(key, _ABSENT)]


def _pipeline(steps: Any) -> dict[str, Any]:
    if not isinstance(steps, list):
        return {'transforms': _ABSENT}
    flat: dict[str, Any] = {}
    types: list[str] = []
    for step in steps:
        if not isinstance(step, dict) or is_type(step, *_PACKING):
            continue
        kind = type_name(step)
        types.append(kind)
        name = kind if types.count(kind) == 1 else f'{kind} ({types.count(kind)})'
        flat |= {f'{name}.{key}': v for key, v in step.items() if key not in _TECHNICAL}
    return {'transforms': ' → '.join(types), **flat}


def _data(domain: str, background: str, domains: set[str], entries: Any) -> dict[str, Any]:
    """Hashes of the files that a set was read from; names and places do not count."""
    hashes = []
    for entry in entries if isinstance(entries, list) else ():
        file = str(entry.get('file')) if isinstance(entry, dict) else ''
        first = file.split('/')[0]
        if not file:
            mine = False
        elif match := _SET_FILE.fullmatch(file):
            mine = (match[1].lower(), match[2].lower()) == (domain, background.lower())
        else:
            mine = first == domain if first in domains else domain not in _OOD
        if mine:
            hashes.append(str(entry.get('sha256'))[:12])
    return {'list of videos (sha256)': ', '.join(sorted(hashes)) or _ABSENT}


def _show(value: Any) -> str:
    return 'none' if value is None else str(value)


def _names(group: Sequence[Run]) -> str:
    names = list(dict.fromkeys(run.method for run in group))
    return ', '.join(names[:4]) + (f' and {len(names) - 4} more' if len(names) > 4 else '')
