"""Making the report: everything the page and the table show, then both files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..utils.errors import DatasetError
from ..utils.files import write_text
from .checks import Check, check_runs
from .comparability import group_runs
from .published import PUBLISHED, PublishedTable
from .runs import Run, clean, collect_runs, list_runs


@dataclass(frozen=True)
class Report:
    """What a report says, apart from its looks.

    Attributes:
        title: Heading.
        runs: All runs.
        groups: The runs by table: only runs that were measured alike share one.
        checks: Every check of contrasted accuracy.
        faults: What cannot be right, a sentence each.
        warnings: What a reader must know before comparing, a sentence each.
        notes: What was left out, a sentence each.
        published: Tables of the paper.
        class_names: Names by class label; empty where they are not known.
        num_classes: Number of classes of the head, for the chance level, or None.
    """

    title: str
    runs: list[Run]
    groups: list[list[Run]]
    checks: list[Check]
    faults: list[str]
    warnings: list[str]
    notes: list[str]
    published: tuple[PublishedTable, ...] = ()
    class_names: tuple[str, ...] = ()
    num_classes: int | None = None

    @classmethod
    def of(
        cls,
        runs: Sequence[Run],
        notes: Sequence[str] = (),
        *,
        title: str = 'Static bias in action recognition',
        published: str | None = None,
        class_names: Sequence[str] = (),
        num_classes: int | None = None,
    ) -> Report:
        """Group and check runs.

        Args:
            runs: The runs, from :func:`collect_runs`.
            notes: What was left out already.
            title: Heading.
            published: Whose published numbers to show: ``'hmdb51'``, ``'ucf101'``,
                ``'ucf101_boxes'`` or ``'k400'``.
            class_names: Names of the classes by label.
            num_classes: Number of classes, for the chance level; default: that of ``class_names``.

        Raises:
            DatasetError: An unknown ``published`` or fewer than two classes.
        """
        if published is not None and published not in PUBLISHED:
            raise DatasetError(
                f'no published numbers named {published!r}; there are {", ".join(PUBLISHED)}'
            )
        if num_classes is None and class_names:
            num_classes = len(class_names)
        if num_classes is not None and num_classes < 2:
            raise DatasetError(f'the number of classes must be at least 2, got {num_classes}')
        groups, differences = group_runs(runs)
        checks, faults = check_runs(runs)
        return cls(
            title=clean(title),
            runs=list(runs),
            groups=groups,
            checks=checks,
            faults=faults,
            warnings=[*differences, *_split_methods(groups), *_same_weights(runs)],
            notes=[clean(note) for note in [*notes, *_left_out(runs)]],
            published=PUBLISHED[published] if published else (),
            class_names=tuple(clean(name) for name in class_names),
            num_classes=num_classes,
        )

    def text(self) -> str:
        """The main tables for a terminal."""
        from .markdown import summary_text

        return '\n\n'.join(
            (f'table {number}:\n' if len(self.groups) > 1 else '') + summary_text(group)
            for number, group in enumerate(self.groups, 1)
        )

    def class_name(self, label: int) -> str:
        """Name of a class, or ``class <label>``."""
        return self.class_names[label] if label < len(self.class_names) else f'class {label}'


def make_report(
    paths: Sequence[str | os.PathLike],
    named: Iterable[tuple[str, str | os.PathLike]],
    html: str | os.PathLike,
    markdown: str | os.PathLike | None = None,
    *,
    classes: str | os.PathLike | None = None,
    **options: Any,
) -> Report:
    """Collect runs and write their report.

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
    names: list[str] = []
    if classes is not None:
        try:
            names = Path(classes).read_text(encoding='utf-8').splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DatasetError(f'{classes}: cannot be read as a list of names: {error}') from error
        while names and not names[-1].strip():
            names.pop()
        if not all(name.strip() for name in names) or not names:
            raise DatasetError(f'{classes}: expected one class name per line, without empty lines')
    runs, notes = collect_runs(paths, named)
    report = Report.of(runs, notes, class_names=[name.strip() for name in names], **options)
    write_report(report, html, markdown)
    return report


def write_report(
    report: Report, html: str | os.PathLike, markdown: str | os.PathLike | None = None
) -> None:
    """Write the page and the table, each whole or not at all.

    Args:
        report: What to write.
        html: HTML file.
        markdown: Markdown file, or None.

    Raises:
        DatasetError: A file cannot be written.
    """
    from .markdown import markdown_text
    from .page import page

    texts = {html: page(report)}
    if markdown is not None:
        texts[markdown] = markdown_text(report)
    for path, text in texts.items():
        try:
            write_text(Path(path), text)
        except OSError as error:
            raise DatasetError(
                f'{path}: cannot be written: {error.strerror or error}; name another place'
            ) from error


def _split_methods(groups: Sequence[Sequence[Run]]) -> list[str]:
    tables: dict[str, list[int]] = {}
    for number, group in enumerate(groups, 1):
        for method in dict.fromkeys(run.method for run in group):
            tables.setdefault(method, []).append(number)
    return [
        f'The seeds of {method} were not all measured alike: they stand in tables '
        f'{", ".join(map(str, numbers))}, and no mean is taken over all of them.'
        for method, numbers in tables.items()
        if len(numbers) > 1
    ]


def _same_weights(runs: Sequence[Run]) -> list[str]:
    first: dict[str, Run] = {}
    warnings = []
    for run in runs:
        digest = (run.document.get('checkpoint') or {}).get('weights_sha256')
        if not isinstance(digest, str):
            continue
        other = first.setdefault(digest, run)
        if other is not run:
            warnings.append(
                f'{other.title} and {run.title} tested the same weights, so they are not '
                'independent runs.'
            )
    return warnings


def _left_out(runs: Sequence[Run]) -> list[str]:
    """What the files hold and no table shows, and the other way round."""
    not_shown: dict[str, list[Run]] = {}
    for run in runs:
        for key in run.not_shown:
            not_shown.setdefault(key, []).append(run)
    notes = [
        f'score without a column: {key}, of {list_runs(having)}'
        for key, having in not_shown.items()
    ]
    notes += [
        f'not finite in {run.title}: {", ".join(run.not_finite)}' for run in runs if run.not_finite
    ]
    lacking = [run for run in runs if not run.per_class]
    if lacking:
        notes.append(
            f'no per-class scores in {len(lacking)} of {len(runs)} files (written by an older '
            f'albar_mm; test again to get them): {list_runs(lacking)}'
        )
    return notes
