"""Bias scores as plain-text tables: one model set by set, or several models side by side."""

import statistics
from collections.abc import Mapping, Sequence

from ..utils.text import aligned
from .functional import is_iid_name

_ROWS = (
    ('SCUBA (higher is better)', 'scuba'),
    ('SCUFO (lower is better)', 'scufo'),
    ('Contrasted (higher is better)', 'contrasted'),
)
_CONFLFG_ROWS = (
    ('Confl-FG, moving action', 'conflfg/top1'),
    ('Confl-FG, pasted foreground', 'conflfg/conflict_top1'),
)
#: the columns of the ALBAR paper's main tables
COMPARISON_COLUMNS = (
    ('IID', 'iid/top1'),
    ('SCUBA', 'scuba/avg'),
    ('SCUFO', 'scufo/avg'),
    ('Confl-FG', 'conflfg/top1'),
    ('Contrasted', 'contrasted/avg'),
)


def format_bias_table(scores: Mapping[str, float], title: str = '') -> str:
    """Lay out the scores of one model: a row per set, a column per background and their average.

    Args:
        scores: as returned by :func:`albar_mm.evaluation.functional.bias_scores`, in percent.
            Keys it does not know (per-class scores, losses) are left out.
        title: first line of the table.

    Returns:
        Text of several lines; '-' stands where there is no score.
    """
    families = {name for _, name in _ROWS}
    pairs = [key.split('/') for key in scores if key.count('/') == 1]
    backgrounds = sorted({name for family, name in pairs if family in families} - {'avg'})

    def single(label: str, key: str) -> list[str]:
        return [label, *[''] * len(backgrounds), _number(scores.get(key))]

    rows = [
        single('IID top-1', 'iid/top1'),
        *(single(f'{label} top-1', key) for label, key in further_iid_columns([scores])),
        *(
            [label, *(_number(scores.get(f'{name}/{b}')) for b in (*backgrounds, 'avg'))]
            for label, name in _ROWS
        ),
        *(single(label, key) for label, key in _CONFLFG_ROWS),
    ]
    present = [row for row in rows if set(row[1:]) - {'-', ''}]
    return _layout(['top-1, %', *backgrounds, 'average'], present, title)


def format_bias_comparison(
    results: Mapping[str, Mapping[str, float] | Sequence[Mapping[str, float]]],
    title: str = '',
    columns: Sequence[tuple[str, str]] = COMPARISON_COLUMNS,
    unit: str = 'top-1, %',
) -> str:
    """Lay out several models side by side: a row per model, the columns of the paper's tables.

    Args:
        results: name of the model -> its scores in percent, or a list of scores, one per seed,
            shown as mean ± sample standard deviation.
        title: first line of the table.
        columns: heading and score name of each column. Further IID sets that some model has a
            score for, e.g. ``aras/top1``, follow the usual columns.
        unit: over the names: what the numbers are.

    Returns:
        Text of several lines; '-' stands where there is no score.

    Raises:
        ValueError: if a seed lacks a score that another seed of the same model has.
    """
    runs = {name: [s] if isinstance(s, Mapping) else list(s) for name, s in results.items()}
    if columns is COMPARISON_COLUMNS:
        columns = (*columns, *further_iid_columns([s for seeds in runs.values() for s in seeds]))
    rows = [
        [name, *(_spread(name, key, seeds) for _, key in columns)] for name, seeds in runs.items()
    ]
    return _layout([unit, *(label for label, _ in columns)], rows, title)


def further_iid_columns(runs: Sequence[Mapping[str, float]]) -> list[tuple[str, str]]:
    """Heading and score name of the IID sets besides the IID test videos, e.g. ARAS.

    Args:
        runs: Scores of some runs.
    """
    names = {key[: -len('/top1')] for run in runs for key in run if key.endswith('/top1')}
    return [(name.upper(), f'{name}/top1') for name in sorted(names) if is_iid_name(name)]


def _spread(name: str, key: str, runs: Sequence[Mapping[str, float]]) -> str:
    values = [run[key] for run in runs if key in run]
    if values and len(values) != len(runs):
        raise ValueError(f'{name}: {len(runs) - len(values)} of {len(runs)} runs lack {key}')
    mean, sd = mean_sd(values) if values else (None, None)
    return _number(mean) + ('' if sd is None else f' ± {sd:.2f}')


def mean_sd(values: Sequence[float]) -> tuple[float, float | None]:
    """Mean, and sample standard deviation: None for a single value.

    Args:
        values: At least one number.
    """
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None


def _number(value: float | None) -> str:
    return '-' if value is None else f'{value:.2f}'


def _layout(header: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> str:
    first, *others = ['  '.join(cells) for cells in aligned([header, *rows])]
    rule = '-' * len(first)
    return '\n'.join([*([title] if title else []), first, rule, *others, rule])
