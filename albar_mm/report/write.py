"""Making a report: from files and folders to the page and the table."""

import os
from collections.abc import Iterable, Sequence
from typing import Any

from ..utils.errors import DatasetError
from ..utils.files import read_lines, write_text
from .contents import Report
from .markdown import markdown_text
from .page import page
from .runs import collect_runs


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
        **options: See :meth:`Report.of`.

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
    report = Report.of(*collect_runs(paths, named), class_names=names, **options)
    texts = {html: page(report)}
    if markdown is not None:
        texts[markdown] = markdown_text(report)
    for path, text in texts.items():
        write_text(path, text)
    return report
