"""Where Kinetics videos lie: class folders, with blanks or ``_``, one folder for all, any depth."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..annotations.video_lists import Clip


def locate(clips: Sequence[Clip], videos: Path) -> tuple[Clip, ...]:
    """Give every clip the path at which its file really lies below the folder of videos.

    A file belongs to a clip by its name alone, which holds the YouTube id and both times. Where the
    same name lies in several folders, a folder with the name of the class comes first.

    Args:
        clips: Clips with paths ``<class>/<name>.mp4``.
        videos: Folder to search.

    Returns:
        The clips in the same order; one without a file keeps its path.
    """
    places: dict[str, list[str]] = {}
    for place in _files(videos):
        places.setdefault(place.rpartition('/')[2], []).append(place)

    def located(clip: Clip) -> Clip:
        found = sorted(
            places.get(clip.path.rpartition('/')[2], [clip.path]),
            key=lambda place: (_plain(clip.class_name) not in map(_plain, place.split('/')), place),
        )
        return replace(clip, path=found[0])

    return tuple(located(clip) for clip in clips)


def _plain(name: str) -> str:
    return name.replace(' ', '_').lower()


def _files(root: Path) -> Iterator[str]:
    seen: set[str] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(real)
        relative = os.path.relpath(folder, root).replace(os.sep, '/')
        for name in names:
            yield name if relative == '.' else f'{relative}/{name}'
