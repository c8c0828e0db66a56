"""The report as Markdown tables, for a README or an issue."""

import re
from collections.abc import Sequence
from html import escape

from ..utils.text import aligned
from .contents import Report
from .runs import Run
from .scores import Table, background_columns, class_gaps, methods_of, summary_columns, tabulate

_LEGEND = (
    'top-1 accuracy in percent; mean ± sample standard deviation over seeds. ↑ higher is better, '
    '↓ lower is better. Contrasted: right on SCUBA and wrong on its SCUFO.'
)


def markdown_text(report: Report) -> str:
    """All tables of a report.

    Args:
        report: What to write.

    Returns:
        GitHub-flavoured Markdown; the best value of a column is bold.
    """
    parts = [f'# {plain(report.title)}', _LEGEND]
    parts += [f'> **Cannot be right:** {plain(fault)}' for fault in report.faults]
    parts += [f'> **Note:** {plain(warning)}' for warning in report.warnings]
    for number, group in enumerate(report.groups, 1):
        parts += [f'## Table {number}'] if len(report.groups) > 1 else []
        parts += [_summary(group), *_by_background(group), *_by_class(report, group)]
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
    """The main tables for a terminal.

    Args:
        report: What to print.
    """
    return '\n\n'.join(
        (f'table {number}:\n' if len(report.groups) > 1 else '') + _summary(group)
        for number, group in enumerate(report.groups, 1)
    )


def plain(text: str) -> str:
    """Text that Markdown shows as it is, in a table cell too.

    Args:
        text: Any text, also of a file.
    """
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
