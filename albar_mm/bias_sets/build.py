"""Building a benchmark in four stages: sources, survey, plan, export."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from ..utils.files import write_text
from .export import Built, export
from .plan import draw_rows, plan_rows
from .settings import BuildSettings, write_report
from .sources import SourceList, usable_sources
from .survey import survey

PLAN_NAME = 'plan.jsonl'


def plan_benchmark(
    root: Path, settings: BuildSettings, sources: SourceList, workers: int = 1
) -> tuple[SourceList, dict[str, int]]:
    """Write what would be built, without looking at a video: ``plan.jsonl`` and ``report.json``.

    Takes what :func:`build_benchmark` takes, and raises the same as far as it shows without
    videos; with a mask source, videos without masks are left out.

    Returns:
        The source videos that remain, and folder of a set -> number of items.
    """
    sources = usable_sources(settings, sources, files=False)
    rows = draw_rows(settings, sources, workers)
    write_text(root / PLAN_NAME, ''.join(json.dumps(row) + '\n' for row in rows))
    write_report(root, settings)
    counts = Counter((row['set'], row['background']) for row in rows)
    return sources, {folder: counts[key] for key, folder in settings.folders().items()}


def build_benchmark(
    root: Path,
    settings: BuildSettings,
    sources: SourceList,
    workers: int = 1,
    say: Callable[[str], object] = print,
) -> Built:
    """Write a benchmark, or finish one that was interrupted.

    Layout under ``root``::

        benchmark.json                      settings, identity of the lists, counts, what is missing
        report.json                         background images that were refused
        <DATASET>_<SET>_<Background>/       manifest.jsonl, files.sha256 and <video>__<k>.avi
        masks/<video>.npz                   masks of the kept frames, bit-packed
        backgrounds/<family>/*.npz          with ``'none'``: backgrounds at the size of the videos
        stills/<video>/<frame>.png          foregrounds lent to Confl-FG, RGB with the mask as alpha

    The manifest of a set appears when all its files are there. Same lists, masks, backgrounds and
    settings give the same bytes, whatever the number of workers (processes) and interruptions.
    ``say`` shows a line of text to the user.

    Raises:
        DatasetError: Something cannot be read or does not fit; ``root`` holds a benchmark of
            other settings.
    """
    usable = usable_sources(settings, sources)
    usable, surveys = survey(root, settings, usable, workers, say)
    rows = plan_rows(settings, usable, surveys, workers)
    return export(root, settings, usable, surveys, rows, workers, say)
