"""The report as one HTML page: no script, nothing loaded from elsewhere, every text escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..version import __version__
from .charts import COLOURS, bar_panel, dumbbell_panel
from .comparability import measurement, protocol_lines
from .markup import Markup, el
from .published import PublishedTable
from .runs import Run
from .scores import (
    Cell,
    Column,
    Table,
    background_columns,
    class_gaps,
    methods_of,
    summary_columns,
    tabulate,
)
from .style import STYLE
from .write import Report

#: with more classes the panels are folded
_MANY_CLASSES = 30
_NOTES = {
    'iid/top1': 'test videos as they are',
    'aras/top1': 'rare scenes',
    'scuba/avg': 'background replaced',
    'scufo/avg': 'one still frame of SCUBA',
    'conflfg/top1': 'still actor of another class added',
    'contrasted/avg': 'SCUBA right and its SCUFO wrong',
}


def page(report: Report) -> str:
    """Lay out a report.

    Args:
        report: What to show.

    Returns:
        The text of a complete HTML file.
    """
    colours = {
        method: COLOURS[index % len(COLOURS)]
        for index, method in enumerate(dict.fromkeys(run.method for run in report.runs))
    }
    body = [
        el('h1', report.title),
        el(
            'p',
            'Top-1 accuracy in percent; mean ± sample standard deviation over seeds. '
            '↑ higher is better, ↓ lower is better; the best value of a column is underlined.',
            class_='lead',
        ),
        _tiles(report),
        _box('bad', 'Cannot be right', report.faults),
        _box('warn', 'Before you compare', report.warnings),
        [_group(report, number, colours) for number in range(1, len(report.groups) + 1)],
        _published(report.published),
        _checks(report),
        _provenance(report),
        _footer(report),
    ]
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    head = Markup(
        '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
    )
    html = el(
        'html',
        el('head', head, el('title', report.title), el('style', Markup(STYLE))),
        el('body', el('main', body)),
        lang='en',
    )
    return f'<!DOCTYPE html>\n{html}\n'


def _tiles(report: Report) -> Markup:
    methods = dict.fromkeys(run.method for run in report.runs)
    tiles = []
    if len(report.groups) == 1:
        columns = [c for c in summary_columns(report.runs) if c.highlighted]
        rows = tabulate(report.runs, columns).rows if columns else {}
        scored = {method: cells[0] for method, cells in rows.items() if cells[0].values}
        if scored:
            best = max(scored, key=lambda method: scored[method].mean)
            tiles.append(_tile(str(scored[best]), f'best contrasted accuracy: {best}', 'good'))
    else:
        tiles.append(_tile(str(len(report.groups)), 'tables: not all was measured alike'))
    tiles.append(_tile(_count(len(methods), 'method'), f'in {_count(len(report.runs), "run")}'))
    if report.checks:
        held = sum(check.holds for check in report.checks)
        tiles.append(
            _tile(
                f'{held} of {len(report.checks)}',
                'bounds of contrasted accuracy hold',
                'bad' if held < len(report.checks) else '',
            )
        )
    return el('div', tiles, class_='tiles')


def _count(number: int, noun: str) -> str:
    return f'{number} {noun}' + ('' if number == 1 else 's')


def _tile(value: str, text: str, kind: str = '') -> Markup:
    return el('div', el('b', value), el('span', text), class_=f'tile {kind}'.strip())


def _box(kind: str, heading: str, lines: Sequence[str]) -> Markup | None:
    if not lines:
        return None
    return el(
        'section',
        el('h2', heading),
        el('ul', [el('li', line) for line in lines]),
        class_=f'box {kind}',
    )


def _group(report: Report, number: int, colours: Mapping[str, str]) -> Markup:
    runs = report.groups[number - 1]
    columns = summary_columns(runs)
    summary = tabulate(runs, columns)
    heading = 'Results' if len(report.groups) == 1 else f'Table {number}'
    chance = 100 / report.num_classes if report.num_classes else None
    panels = [
        el(
            'figure',
            el('figcaption', f'{column.label} {column.arrow}', el('span', _NOTES.get(column.key))),
            bar_panel(column, {m: row[i] for m, row in summary.rows.items()}, colours, chance),
            class_='panel hl' if column.highlighted else 'panel',
        )
        for i, column in enumerate(columns)
    ]
    legend = (
        'Bars are means'
        + (
            ', lines ± one sample standard deviation, dots single seeds'
            if any(c.sd is not None for row in summary.rows.values() for c in row)
            else ''
        )
        + (f'; the dashed line is chance, {chance:.2f} %.' if chance else '.')
    )
    return el(
        'section',
        el('h2', heading),
        _table(summary, colours=colours),
        _seed_hint(runs),
        el('div', panels, class_='panels'),
        el('p', legend, class_='hint'),
        _backgrounds(runs),
        _classes(report, runs, colours),
    )


def _seed_hint(runs: Sequence[Run]) -> Markup:
    counts = {method: len(members) for method, members in methods_of(runs).items()}
    if len(set(counts.values())) == 1:
        count = next(iter(counts.values()))
        text = 'One seed: no spread.' if count == 1 else f'{count} seeds per method.'
    else:
        text = 'Seeds: ' + ', '.join(f'{m} {n}' for m, n in counts.items()) + '.'
    return el('p', text, class_='hint')


def _table(
    table: Table, corner: str = 'method', colours: Mapping[str, str] | None = None
) -> Markup:
    head = el(
        'tr',
        el('th', corner, scope='col'),
        [
            el(
                'th',
                f'{c.label} {c.arrow}',
                scope='col',
                class_='hl' if c.highlighted else None,
                title=f'{c.better} is better',
            )
            for c in table.columns
        ],
    )
    body = [
        el(
            'tr',
            el('th', _swatch(method, colours), el('bdi', method), scope='row'),
            [_cell(cell, column) for cell, column in zip(cells, table.columns, strict=True)],
        )
        for method, cells in table.rows.items()
    ]
    return el(
        'div', el('table', el('thead', head), el('tbody', body), class_='cards'), class_='block'
    )


def _swatch(method: str, colours: Mapping[str, str] | None) -> Markup | None:
    if not colours:
        return None
    return el('span', '', class_='swatch', style=f'background:{colours[method]}')


def _cell(cell: Cell, column: Column) -> Markup:
    kinds = [kind for kind, on in (('best', cell.best), ('hl', column.highlighted)) if on]
    number, _, rest = str(cell).partition(' ')
    content = [el('span', number), [' ', el('small', rest)] if rest else None]
    return el(
        'td',
        content,
        class_=' '.join(kinds) or None,
        data_label=f'{column.label} {column.arrow}',
        title='best of the column' if cell.best else None,
    )


def _backgrounds(runs: Sequence[Run]) -> list[Markup] | None:
    families: dict[str, list[Column]] = {}
    for column in background_columns(runs):
        families.setdefault(column.key.split('/')[0], []).append(column)
    if not families:
        return None
    blocks = [
        el(
            'div',
            _table(
                tabulate(runs, [_short(column) for column in columns]),
                f'{columns[0].family} {columns[0].arrow}',
            ),
        )
        for columns in families.values()
    ]
    return [el('h3', 'By background'), el('div', blocks, class_='grid-2')]


def _short(column: Column) -> Column:
    return Column(column.key, column.label.removeprefix(column.family).strip(', '), column.better)


def _classes(
    report: Report, runs: Sequence[Run], colours: Mapping[str, str]
) -> list[Markup] | None:
    gaps, _ = class_gaps(runs)
    if not gaps:
        return None
    names = {label: report.class_name(label) for label in gaps}
    methods = [m for m in methods_of(runs) if any(m in by for by in gaps.values())]
    panels = [
        el(
            'figure',
            el(
                'figcaption', el('bdi', method), el('span', 'hollow SCUFO, filled SCUBA, gap right')
            ),
            dumbbell_panel(
                method, {k: by.get(method) for k, by in gaps.items()}, names, colours[method]
            ),
            class_='panel',
        )
        for method in methods
    ]
    shown = el('div', panels, class_='panels')
    if len(gaps) > _MANY_CLASSES:
        shown = el('details', el('summary', f'{len(gaps)} classes'), shown)
    return [
        el('h3', 'Per class: what motion adds'),
        el(
            'p',
            'SCUBA minus SCUFO in percentage points, means over seeds and backgrounds; classes '
            'with the largest gap first. A gap near zero: one still frame gives the class away, or '
            'nothing does.',
            class_='hint',
        ),
        shown,
    ]


def _published(tables: Sequence[PublishedTable]) -> Markup | None:
    if not tables:
        return None
    parts = [
        el('h2', 'Published results ', el('span', 'not measured here', class_='tag')),
        el(
            'p',
            'Numbers of the ALBAR paper (Fioresi et al., ICLR 2025) as printed. Their '
            'data, weights and protocol are not those of the tables above.',
            class_='hint',
        ),
    ]
    for table in tables:
        head = el(
            'tr',
            el('th', 'method', scope='col'),
            [
                el(
                    'th',
                    f'{c.label} {c.arrow}',
                    scope='col',
                    class_='hl' if c.highlighted else None,
                )
                for c in table.columns
            ],
        )
        body = [
            el(
                'tr',
                el('th', method, scope='row'),
                [
                    _published_cell(value, column, table.inconsistent.get((method, column.key)))
                    for column, value in zip(table.columns, values, strict=True)
                ],
            )
            for method, values in table.rows.items()
        ]
        whys = [
            el(
                'li',
                f'{m}, printed {dict(zip(_keys(table), table.rows[m], strict=True))[k]}: {why}.',
            )
            for (m, k), why in table.inconsistent.items()
        ]
        parts += [
            el('h3', table.title),
            el(
                'div',
                el('table', el('thead', head), el('tbody', body), class_='cards'),
                class_='block',
            ),
            el('div', el('h3', '* Cannot be right as printed'), el('ul', whys), class_='box warn')
            if whys
            else None,
            el('p', table.note, class_='hint') if table.note else None,
        ]
    return el('section', parts, class_='published')


def _keys(table: PublishedTable) -> list[str]:
    return [column.key for column in table.columns]


def _published_cell(value: float, column: Column, why: str | None) -> Markup:
    return el(
        'td',
        el('span', f'{value:.2f}' + ('*' if why else '')),
        class_='odd' if why else None,
        title=why,
        data_label=f'{column.label} {column.arrow}',
    )


def _checks(report: Report) -> Markup | None:
    if not report.checks:
        return None
    broken = sum(not check.holds for check in report.checks)
    heads = ('run', 'background', 'SCUBA', 'SCUFO', 'at least', 'contrasted', 'at most', '')
    rows = [
        el(
            'tr',
            el('th', el('bdi', check.title), scope='row'),
            _text('average' if check.background == 'avg' else check.background, heads[1]),
            [
                el('td', f'{value:.2f}', data_label=label)
                for value, label in zip(
                    (check.scuba, check.scufo, check.lower, check.contrasted, check.upper),
                    heads[2:7],
                    strict=True,
                )
            ],
            _text('holds' if check.holds else 'BROKEN', 'check', '' if check.holds else 'odd'),
        )
        for check in report.checks
    ]
    head = el(
        'tr', [el('th', h, scope='col', class_='text' if h in heads[:2] else None) for h in heads]
    )
    table = el('table', el('thead', head), el('tbody', rows), class_='cards')
    verdict = f'{broken} broken' if broken else 'all hold'
    return el(
        'section',
        el('h2', 'Check of every contrasted accuracy'),
        el(
            'p',
            'Whatever a model does, max(0, SCUBA − SCUFO) ≤ contrasted ≤ min(SCUBA, '
            '100 − SCUFO), on every background and on average. A value outside shows wrongly '
            'paired videos or mixed-up files.',
            class_='hint',
        ),
        el(
            'details',
            el('summary', f'{len(report.checks)} checks: {verdict}'),
            el('div', table, class_='block'),
            open=bool(broken),
        ),
    )


def _provenance(report: Report) -> Markup:
    parts: list = [el('h2', 'Where the numbers come from')]
    for number, group in enumerate(report.groups, 1):
        title = 'Protocol' if len(report.groups) == 1 else f'Protocol of table {number}'
        fullest = max(group, key=lambda run: len(measurement(run)))
        lines = protocol_lines(measurement(fullest))
        parts += [el('h3', title), el('dl', [[el('dt', n), el('dd', how)] for n, how in lines])]
    heads = ('run', 'file', 'config', 'weights (sha256)', 'albar_mm', 'torch')
    rows = []
    for run in report.runs:
        versions, config = run.document.get('versions') or {}, run.document.get('config') or {}
        weights = str((run.document.get('checkpoint') or {}).get('weights_sha256') or '–')
        place = [[part, el('wbr')] for part in run.path.replace('/', '/\0').split('\0')]
        cells = (
            place,
            config.get('file') or '–',
            weights[:12],
            versions.get('albar_mm') or '–',
            versions.get('torch') or '–',
        )
        rows.append(
            el(
                'tr',
                el('th', el('bdi', run.title), scope='row'),
                [
                    _text(
                        cell if isinstance(cell, list) else str(cell),
                        label,
                        'wide' if label == 'file' else '',
                    )
                    for cell, label in zip(cells, heads[1:], strict=True)
                ],
            )
        )
    head = el('tr', [el('th', h, scope='col', class_='text') for h in heads])
    table = el('table', el('thead', head), el('tbody', rows), class_='cards')
    parts += [el('h3', 'Runs'), el('div', table, class_='block')]
    if report.notes:
        parts += [
            el('h3', 'Not in the tables'),
            el('ul', [el('li', note) for note in report.notes], class_='hint'),
        ]
    return el('section', parts)


def _text(text: str | list, label: str, kind: str = '') -> Markup:
    return el('td', el('bdi', text), class_=f'text {kind}'.strip(), data_label=label)


def _footer(report: Report) -> Markup:
    return el(
        'footer',
        el(
            'p',
            'SCUBA and SCUFO: Li et al., StillMix, ICCV 2023. SCUFO is not to be read alone: a '
            'model that is wrong on purpose gets 0. Contrasted accuracy counts the videos that are '
            'right with the background replaced and wrong as one still frame.',
        ),
        el('p', f'Made by albar_mm {__version__}, tools/report.py.'),
    )
