"""Writing the annotation files: all of them, or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..utils.errors import DatasetError, writing
from ..utils.files import write_json, write_text


def write_together(
    folder: Path, contents: Mapping[str, str | Mapping[str, Any]], last: Callable[[], object]
) -> None:
    """Write several files; none takes its name before all are on the disk.

    Args:
        folder: Existing folder.
        contents: File name -> text, or what becomes JSON.
        last: Last step that may fail, between writing the files and naming them.

    Raises:
        WriteError: They cannot be written; what was there before is untouched.
    """
    with writing(folder), tempfile.TemporaryDirectory(dir=folder, prefix='.new.') as scratch:
        for name, content in contents.items():
            write = write_text if isinstance(content, str) else write_json
            write(Path(scratch) / name, content)
        last()
        for name in contents:
            os.replace(Path(scratch) / name, folder / name)


def needs_link(link: Path, videos: Path) -> bool:
    """Whether ``<out>/videos``, where the configs look, must be made to lead to the videos.

    Raises:
        DatasetError: A real folder is in the way.
    """
    if os.path.realpath(link) == os.path.realpath(videos):
        return False
    if os.path.lexists(link) and not link.is_symlink():
        raise DatasetError(
            f'{link}: a folder of its own is there already, and the configs read it: move it away, '
            f'leave out --videos, or name another --out for {videos}'
        )
    return True


def link_videos(link: Path, videos: Path) -> None:
    """Let ``link`` lead to the folder of videos, in place of where it led before.

    Raises:
        DatasetError: See :func:`needs_link`; or links cannot be made here.
    """
    if needs_link(link, videos):
        with writing(link):
            temporary = link.with_name(f'.{link.name}.{os.getpid()}')
            temporary.symlink_to(videos.resolve(), target_is_directory=True)
            os.replace(temporary, link)
