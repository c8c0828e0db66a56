"""What a video is called: the one rule that makes an id of a path."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

from .errors import DatasetError
from .text import name_some

VIDEO_SUFFIXES = frozenset(
    '.mp4 .avi .mkv .mov .webm .m4v .mpg .mpeg .wmv .flv .ts .3gp'.split()  # noqa: SIM905
)
"""Endings of video files, in lower case. Anything else behind a dot belongs to the name."""
LONGEST_ID = 210
"""In bytes: file systems take 255, and stores put more behind and before an id."""


def stem_of(path: str | os.PathLike, also: Collection[str] = ()) -> str:
    r"""Last part of a path without the ending of a video: ``a.b`` of ``dir/a.b.MP4``, ``v.1`` of
    ``v.1``. Both ``/`` and ``\`` separate parts, for lists that were written on Windows.

    Args:
        path: Path or name of a video.
        also: Further endings to cut, as ``'.npy'``.
    """
    name = re.split(r'[/\\]', os.fspath(path).rstrip('/\\'))[-1]
    stem, ending = os.path.splitext(name)
    return stem if ending.lower() in VIDEO_SUFFIXES or ending in also else name


def id_of(
    path: str | os.PathLike, below: str | os.PathLike | None = None, also: Collection[str] = ()
) -> str:
    """Id of a video that may become the name of a file.

    Args:
        path: Path or name of the video.
        below: Take the whole path from this folder on, with ``__`` for ``/``, not the last part
            alone (which is taken where the path is not below the folder).
        also: As for :func:`stem_of`.

    Raises:
        DatasetError: No file can be called so.
    """
    path = Path(path)
    name = stem_of(path, also)
    if below is not None and path.is_relative_to(below):
        name = '__'.join([*path.relative_to(below).parts[:-1], name])
    return check_id(name, str(path))


def check_id(name: str, where: str) -> str:
    """Check that a file can be called like a video.

    Raises:
        DatasetError: It is empty, too long, begins with a dot (as ``..`` does), or holds a
            separator or a control character.
    """
    for wrong, why in (
        (not name, 'it is empty'),
        (name.startswith('.'), 'it begins with a dot'),
        ('/' in name or '\\' in name, 'it holds a slash'),
        (any(unicodedata.category(c) == 'Cs' for c in name), 'it is no UTF-8'),
        (any(unicodedata.category(c) == 'Cc' for c in name), 'it holds control characters'),
        (len(name.encode(errors='replace')) > LONGEST_ID, f'it is longer than {LONGEST_ID} bytes'),
    ):
        if wrong:
            raise DatasetError(f'{where}: no file can be called {name!r:.80}: {why}; rename it')
    return name


def listed_path(path: str, prefix: str | None) -> str:
    """The path of a video as its annotation file has it."""
    return path.removeprefix(prefix).lstrip('/') if prefix else path


def annotated_video_ids(dataset: Any) -> list[str]:
    """Give every video of a video dataset its path as written in the annotation file.

    That path does not depend on where the videos lie, so it joins results across machines.

    Args:
        dataset: a dataset of video files such as mmaction's ``VideoDataset``.

    Returns:
        One id per sample, in the order of the dataset.

    Raises:
        TypeError: if the samples are not video files.
        ValueError: if the dataset is empty or lists a video twice.
    """
    source = getattr(dataset, 'ann_file', '') or type(dataset).__name__
    prefix = (getattr(dataset, 'data_prefix', None) or {}).get('video')
    ids = []
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        if 'filename' not in info:
            raise TypeError(
                f'{source}: items must be video files with a filename, as VideoDataset gives them; '
                f'got {sorted(info)}'
            )
        ids.append(listed_path(str(info['filename']), prefix))
    if not ids:
        raise ValueError(f'{source} lists no videos')
    twice = [video for video, count in Counter(ids).items() if count > 1]
    if twice:
        raise ValueError(f'{source} lists {len(twice)} video(s) more than once: {name_some(twice)}')
    return ids
