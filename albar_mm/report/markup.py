"""HTML and SVG elements from Python; text is escaped unless it was made here."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


class Markup(str):
    """Text that is markup already."""


Child = str | Iterable | None


def el(tag: str, *children: Child, **attributes: object) -> Markup:
    """One element.

    Args:
        tag: Its name.
        *children: Markup stays as it is, other text is escaped; None is left out, sequences are
            joined.
        **attributes: Values are escaped; a trailing or inner ``_`` in a name stands for nothing or
            ``-``; None is left out and True gives an attribute without value.
    """
    parts = [tag]
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        name = name.rstrip('_').replace('_', '-')
        parts.append(name if value is True else f'{name}="{escape(str(value), quote=True)}"')
    if tag == 'wbr':  # has no end tag
        return Markup('<wbr>')
    inner = join(children)
    return Markup(f'<{" ".join(parts)}>{inner}</{tag}>')


def join(children: Child) -> Markup:
    """Children one after the other; see :func:`el`."""
    if children is None:
        return Markup('')
    if isinstance(children, Markup):
        return children
    if isinstance(children, str):
        return Markup(escape(children, quote=True))
    return Markup(''.join(join(child) for child in children))
