"""Pages from templates: no script, nothing loaded from elsewhere, every text escaped."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import accumulate, cycle
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

from ..version import __version__
from .comparability import measurement, protocol_lines
from .contents import Report
from .runs import Run
from .scores import (
    CONTRASTED,
    FAMILIES,
    Column,
    background_columns,
    class_gaps,
    methods_of,
    summary_columns,
    tabulate,
)

if TYPE_CHECKING:
    from jinja2 import Environment

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

    Args:
        report: What to show.

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
def _environment() -> 'Environment':
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
    """Cut a text to a number of columns; wide East Asian characters count as two.

    Args:
        text: The text.
        width: Number of columns.
    """
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
        protocol=protocol_lines(max(map(measurement, runs), key=len)),
    )
