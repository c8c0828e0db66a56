"""Inline SVG: accuracies per set as bars, SCUBA and SCUFO per class as dumbbells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from unicodedata import east_asian_width

from .markup import Markup, el
from .scores import Cell, ClassGap, Column

#: legible on white and on black
COLOURS = (
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
_WIDTH = 320
_VALUE = 62  # room right of the bars for the number, px


def bar_panel(
    column: Column,
    cells: Mapping[str, Cell],
    colours: Mapping[str, str],
    chance: float | None = None,
) -> Markup:
    """One score of all methods: bar = mean, line = ± sample sd, dots = seeds.

    Args:
        column: The score.
        cells: Method to its cell.
        colours: Method to its colour.
        chance: Level of a blind guess, in percent.
    """
    row, top = 38, 6
    height = top + row * len(cells) + 18
    room = _WIDTH - _VALUE

    def x(value: float) -> float:
        return round(room * min(max(value, 0.0), 100.0) / 100, 2)

    parts = [
        el('line', x1=x(tick), x2=x(tick), y1=top, y2=height - 16, class_='grid')
        for tick in (0, 25, 50, 75, 100)
    ] + [
        el(
            'text',
            str(tick),
            x=x(tick),
            y=height - 3,
            class_='tick',
            text_anchor='start' if tick == 0 else 'middle',
        )
        for tick in (0, 25, 50, 75, 100)
    ]
    for index, (method, cell) in enumerate(cells.items()):
        y = top + index * row
        parts.append(el('text', el('title', method), fit(method, 46), x=0, y=y + 11, class_='name'))
        if cell.mean is None:
            parts.append(el('text', 'not measured', x=2, y=y + 27, class_='tick'))
            continue
        parts.append(
            el(
                'rect',
                x=0,
                y=y + 16,
                width=max(x(cell.mean), 1),
                height=14,
                rx=2,
                fill=colours[method],
                class_='bar',
            )
        )
        if chance is not None:
            parts.append(
                el('line', x1=x(chance), x2=x(chance), y1=y + 13, y2=y + 33, class_='chance')
            )
        end = x(cell.mean)
        if cell.sd is not None:
            low, high = x(cell.mean - cell.sd), x(cell.mean + cell.sd)
            parts.append(el('line', x1=low, x2=high, y1=y + 23, y2=y + 23, class_='whisker'))
            parts += [el('circle', cx=x(v), cy=y + 23, r=2, class_='seed') for v in cell.values]
            end = max(high, *(x(v) for v in cell.values))
        parts.append(
            el(
                'text',
                f'{cell.mean:.2f}',
                x=end + 6,
                y=y + 27,
                class_='value best' if cell.best else 'value',
            )
        )
    words = '; '.join(f'{method}: {cell}' for method, cell in cells.items())
    return _svg(height, f'{column.label}, {column.better} is better. {words}', parts)


def dumbbell_panel(
    method: str, gaps: Mapping[int, ClassGap | None], names: Mapping[int, str], colour: str
) -> Markup:
    """SCUFO (hollow) and SCUBA (filled) of every class of one method.

    Args:
        method: Its name.
        gaps: Class label to gap, or None where the method has no score, top to bottom.
        names: Class label to the name of the class.
        colour: Of the method.
    """
    row, top, left, right = 18, 6, 104, 42
    height = top + row * len(gaps) + 18
    room = _WIDTH - left - right

    def x(value: float) -> float:
        return round(left + room * min(max(value, 0.0), 100.0) / 100, 2)

    parts = [
        el('line', x1=x(tick), x2=x(tick), y1=top, y2=height - 16, class_='grid')
        for tick in (0, 50, 100)
    ]
    parts += [
        el('text', str(tick), x=x(tick), y=height - 3, class_='tick', text_anchor='middle')
        for tick in (0, 50, 100)
    ]
    for index, (label, gap) in enumerate(gaps.items()):
        y = top + index * row + row / 2
        parts.append(
            el(
                'text',
                el('title', names[label]),
                fit(names[label], 16),
                x=left - 8,
                y=y + 4,
                text_anchor='end',
                class_='class',
            )
        )
        if gap is None:
            parts.append(el('text', '–', x=_WIDTH, y=y + 4, text_anchor='end', class_='tick'))
            continue
        parts += [
            el(
                'line',
                x1=x(gap.scufo),
                x2=x(gap.scuba),
                y1=y,
                y2=y,
                stroke=colour,
                class_='link' if gap.gap >= 0 else 'link inverted',
            ),
            el('circle', cx=x(gap.scufo), cy=y, r=4, stroke=colour, class_='scufo'),
            el('circle', cx=x(gap.scuba), cy=y, r=4.5, fill=colour, class_='scuba'),
            el(
                'text',
                f'{gap.gap:+.1f}'.replace('-', '−'),
                x=_WIDTH,
                y=y + 4,
                text_anchor='end',
                class_='value' if gap.gap >= 0 else 'value inverted',
            ),
        ]
    return _svg(height, f'SCUBA and SCUFO of every class, {method}', parts)


def fit(text: str, width: int) -> str:
    """Cut a text to a number of columns; wide East Asian characters count as two.

    Args:
        text: The text.
        width: Number of columns.
    """
    used = 0
    for index, character in enumerate(text):
        used += 2 if east_asian_width(character) in 'WF' else 1
        if used > width:
            return text[: max(index - 1, 0)] + '…'
    return text


def _svg(height: float, description: str, parts: Sequence[Markup]) -> Markup:
    return el(
        'svg',
        el('title', description),
        parts,
        viewBox=f'0 0 {_WIDTH} {height}',
        role='img',
        xmlns='http://www.w3.org/2000/svg',
    )
