"""The report as Markdown tables, for a README or an issue."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from .published import PublishedTable
from .runs import Run
from .scores import Table, background_columns, class_gaps, methods_of, summary_columns, tabulate
from .write import Report

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
    for fault in report.faults:
        parts.append(f'> **Cannot be right:** {plain(fault)}')
    for warning in report.warnings:
        parts.append(f'> **Note:** {plain(warning)}')
    for number, group in enumerate(report.groups, 1):
        if len(report.groups) > 1:
            parts.append(f'## Table {number}')
        parts.append(summary_text(group))
        columns = background_columns(group)
        if columns:
            parts += ['### By background', _table(tabulate(group, columns))]
        gaps, _ = class_gaps(group)
        if gaps:
            methods = list(methods_of(group))
            rows = [
                [
                    plain(report.class_name(label)),
                    *(f'{by[m].gap:+.2f}' if m in by else '–' for m in methods),
                ]
                for label, by in gaps.items()
            ]
            parts += [
                '### SCUBA − SCUFO per class, percentage points',
                _layout(['class', *(plain(m) for m in methods)], rows),
            ]
    for table in report.published:
        parts += [f'## Published, not measured here: {plain(table.title)}', _published(table)]
        parts += [
            f'\\* {plain(method)}: {plain(why)}.' for (method, _), why in table.inconsistent.items()
        ]
        if table.note:
            parts.append(plain(table.note))
    held = sum(check.holds for check in report.checks)
    parts.append(
        f'max(0, SCUBA − SCUFO) ≤ contrasted ≤ min(SCUBA, 100 − SCUFO) holds in {held} of '
        f'{len(report.checks)} checks.'
    )
    parts += [f'- {plain(note)}' for note in report.notes]
    return '\n\n'.join(parts) + '\n'


def summary_text(runs: Sequence[Run]) -> str:
    """The main table of runs that were measured alike; reads well in a terminal too.

    Args:
        runs: The runs.
    """
    return _table(tabulate(runs, summary_columns(runs)))


def plain(text: str) -> str:
    """Text that Markdown shows as it is, in a table cell too.

    Args:
        text: Any text, also of a file.
    """
    text = escape(' '.join(text.split()), quote=False)
    text = re.sub(r'([\\`*\[\]|~#!$])', r'\\\1', text)
    # inside a word an underscore stands for itself
    return re.sub(r'(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])', r'\\_', text)


def _table(table: Table) -> str:
    header = ['method', *(f'{plain(c.label)} {c.arrow}' for c in table.columns)]
    rows = [
        [plain(method), *(f'**{cell}**' if cell.best else str(cell) for cell in cells)]
        for method, cells in table.rows.items()
    ]
    return _layout(header, rows)


def _published(table: PublishedTable) -> str:
    header = ['method', *(f'{plain(c.label)} {c.arrow}' for c in table.columns)]
    rows = [
        [
            plain(method),
            *(
                f'{value:.2f}' + (r'\*' if (method, column.key) in table.inconsistent else '')
                for column, value in zip(table.columns, values, strict=True)
            ),
        ]
        for method, values in table.rows.items()
    ]
    return _layout(header, rows)


def _layout(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    columns = list(zip(header, *rows, strict=True))
    first, *widths = (max(len(cell) for cell in column) for column in columns)

    def line(cells: Sequence[str]) -> str:
        padded = [cell.rjust(width) for cell, width in zip(cells[1:], widths, strict=True)]
        return '| ' + ' | '.join([cells[0].ljust(first), *padded]) + ' |'

    rule = ['-' * first, *('-' * (width - 1) + ':' for width in widths)]
    return '\n'.join(line(cells) for cells in (header, rule, *rows))
