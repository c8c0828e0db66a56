"""Making a report: the page (no script, nothing loaded from elsewhere, every text escaped), and the
same as Markdown tables for a README or an issue."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from html import escape
from itertools import accumulate, cycle
from typing import Any
from unicodedata import east_asian_width

from ..utils.errors import DatasetError
from ..utils.files import read_lines, write_text
from ..utils.text import aligned
from ..version import __version__
from .comparability import measurement, protocol_lines
from .contents import Report
from .runs import Run, collect_runs, weights_lines
from .scores import (
    CONTRASTED,
    FAMILIES,
    Column,
    Table,
    background_columns,
    class_gaps,
    methods_of,
    summary_columns,
    tabulate,
)

#: legible on white and on black
_COLOURS = (
    '#2f7fc1',
    '#2ca02c',
    '#d6453d',
    '#9467bd',
    '#d97a00',
    '#0f9aa8',
    '#c2539d',
    '#8a6a3b',
    '#7b8f14',
    '#8794a3',
)


def page(report: Report) -> str:
    """Lay out a report.

    Returns:
        The text of a complete HTML file.
    """
    methods = dict.fromkeys(run.method for run in report.runs)
    return render(
        'report.html',
        title=report.title,
        report=report,
        colours=dict(zip(methods, cycle(_COLOURS))),
        groups=[_group(runs) for runs in report.groups],
        version=__version__,
    )


def render(template: str, **values: Any) -> str:
    """Fill in a template of this package; every value is escaped.

    Args:
        template: Name of a file in ``templates``.
        **values: What it shows.
    """
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(fit=fit, along=along)
    return made


def fit(text: str, width: int) -> str:
    """Cut a text to ``width`` columns; wide East Asian characters count as two."""
    used = accumulate(2 if east_asian_width(character) in 'WF' else 1 for character in text)
    fitting = sum(place <= width for place in used)
    return text if fitting == len(text) else text[: max(fitting - 1, 0)] + '…'


def along(percent: float, left: float, length: float) -> float:
    """Where a percentage stands on an axis from 0 to 100.

    Args:
        percent: What lies outside is put at the end.
        left: Where the axis begins, in px.
        length: Its length in px.
    """
    return round(left + length * min(max(percent, 0.0), 100.0) / 100, 2)


def _group(runs: Sequence[Run]) -> dict[str, Any]:
    """What the page shows of runs that were measured alike."""
    columns = summary_columns(runs)
    summary = tabulate(runs, columns)
    families: dict[str, list[Column]] = {}
    for column in background_columns(runs):
        name = FAMILIES[column.key.split('/')[0]].label
        short = replace(column, label=column.label.removeprefix(name).strip(', '))
        families.setdefault(name, []).append(short)
    # the name of the family stands in the corner of its table
    corners = {name: replace(members[0], label=name) for name, members in families.items()}
    last = {method: cells[-1] for method, cells in summary.rows.items() if CONTRASTED in columns}
    scored = [(method, cell) for method, cell in last.items() if cell.values]
    gaps = class_gaps(runs)
    return dict(
        summary=summary,
        best=max(scored, key=lambda pair: pair[1].mean, default=None),
        spread=any(cell.sd is not None for cells in summary.rows.values() for cell in cells),
        seeds={method: len(members) for method, members in methods_of(runs).items()},
        families={corners[n].heading: tabulate(runs, members) for n, members in families.items()},
        gaps=gaps,
        compared=[m for m in summary.rows if any(m in by for by in gaps.values())],
        weights=weights_lines(runs),
        protocol=protocol_lines(max(map(measurement, runs), key=len)),
    )


_LEGEND = (
    'top-1 accuracy in percent; mean ± sample standard deviation over seeds. ↑ higher is better, '
    '↓ lower is better. Contrasted: right on SCUBA and wrong on its SCUFO.'
)


def markdown_text(report: Report) -> str:
    """All tables of a report.

    Returns:
        GitHub-flavoured Markdown; the best value of a column is bold.
    """
    parts = [f'# {plain(report.title)}', _LEGEND]
    parts += [f'> **Cannot be right:** {plain(fault)}' for fault in report.faults]
    parts += [f'> **Note:** {plain(warning)}' for warning in report.warnings]
    for number, group in enumerate(report.groups, 1):
        parts += [f'## Table {number}'] if len(report.groups) > 1 else []
        weights = (
            [f'Weights: {plain("; ".join(lines))}.'] if (lines := weights_lines(group)) else []
        )
        parts += [_summary(group), *weights, *_by_background(group), *_by_class(report, group)]
    for published in report.published:
        title = f'## Published, not measured here: {plain(published.title)}'
        parts += [title, _table(published.table)]
        parts += [
            f'\\* {plain(m)}: {plain(why)}.' for (m, _), why in published.inconsistent.items()
        ]
        parts += [plain(published.note)] if published.note else []
    held = sum(check.holds for check in report.checks)
    parts.append(
        f'max(0, SCUBA − SCUFO) ≤ contrasted ≤ min(SCUBA, 100 − SCUFO) holds in {held} of '
        f'{len(report.checks)} checks.'
    )
    parts += [f'- {plain(note)}' for note in report.notes]
    return '\n\n'.join(parts) + '\n'


def terminal_text(report: Report) -> str:
    """The main tables for a terminal."""
    return '\n\n'.join(
        (f'table {number}:\n' if len(report.groups) > 1 else '') + _summary(group)
        for number, group in enumerate(report.groups, 1)
    )


def plain(text: str) -> str:
    """Any text, also of a file, so that Markdown shows it as it is, in a table cell too."""
    text = escape(' '.join(text.split()), quote=False)
    text = re.sub(r'([\\`*\[\]|~#!$])', r'\\\1', text)
    # inside a word an underscore stands for itself
    return re.sub(r'(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])', r'\\_', text)


def _summary(runs: Sequence[Run]) -> str:
    return _table(tabulate(runs, summary_columns(runs)))


def _by_background(runs: Sequence[Run]) -> list[str]:
    columns = background_columns(runs)
    return ['### By background', _table(tabulate(runs, columns))] if columns else []


def _by_class(report: Report, runs: Sequence[Run]) -> list[str]:
    methods, gaps = list(methods_of(runs)), class_gaps(runs)
    rows = [
        [
            report.class_name(label),
            *(f'{by[m][0] - by[m][1]:+.2f}' if m in by else '–' for m in methods),
        ]
        for label, by in gaps.items()
    ]
    heading = '### SCUBA − SCUFO per class, percentage points'
    return [heading, _layout(['class', *methods], rows)] if gaps else []


def _table(table: Table) -> str:
    rows = []
    for method, cells in table.rows.items():
        texts = [(plain(str(cell)), cell.best) for cell in cells]
        rows.append([method, *(f'**{text}**' if best else text for text, best in texts)])
    return _layout(['method', *(column.heading for column in table.columns)], rows)


def _layout(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    first, *others = aligned([map(plain, header), *([plain(name), *row] for name, *row in rows)])
    rule = [
        '-' * len(cell) if i == 0 else '-' * (len(cell) - 1) + ':' for i, cell in enumerate(first)
    ]
    return '\n'.join('| ' + ' | '.join(row) + ' |' for row in (first, rule, *others))


def make_report(
    paths: Sequence[str | os.PathLike],
    named: Iterable[tuple[str, str | os.PathLike]],
    html: str | os.PathLike,
    markdown: str | os.PathLike | None = None,
    *,
    classes: str | os.PathLike | None = None,
    **options: Any,
) -> Report:
    """Collect runs and write their report, each file whole or not at all.

    Args:
        paths: Results files and folders, see :func:`collect_runs`.
        named: (method, path) pairs, see :func:`collect_runs`.
        html: HTML file to write.
        markdown: Markdown file to write, or None.
        classes: File with the names of the classes, one per line, or None.
        **options: See :class:`Report`.

    Returns:
        What was written.

    Raises:
        DatasetError: Bad input, or a file cannot be written.
    """
    names = [] if classes is None else [line.strip() for line in read_lines(classes)]
    while names and not names[-1]:
        names.pop()
    if classes is not None and not (names and all(names)):
        raise DatasetError(f'{classes}: expected one class name per line, without empty lines')
    report = Report(*collect_runs(paths, named), class_names=names, **options)
    texts = {html: page(report)}
    if markdown is not None:
        texts[markdown] = markdown_text(report)
    for path, text in texts.items():
        write_text(path, text)
    return report
