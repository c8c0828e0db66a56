"""Writing the annotation files: all of them, or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..utils.errors import DatasetError
from ..utils.files import try_folder, write_text


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise DatasetError(
            f'{path}: cannot write there: {reason}; no annotation file was changed: free space, or '
            'name a folder that you may write to with --out'
        ) from error


def check_writable(folder: Path) -> None:
    """Make the folder and try it out, before the long work.

    Args:
        folder: Folder of the annotation files.

    Raises:
        DatasetError: It cannot be made or written to.
    """
    with _explained(folder):
        try_folder(folder)


def write_report(path: Path, text: str) -> None:
    """Write the report, whole or not at all.

    Args:
        path: The file.
        text: Its content.

    Raises:
        DatasetError: It cannot be written.
    """
    with _explained(path):
        write_text(path, text)


def write_together(
    folder: Path, texts: Mapping[str, str], before_naming: Callable[[], object] = lambda: None
) -> None:
    """Write several files; none takes its name before all are on the disk.

    Args:
        folder: Existing folder.
        texts: File name to content.
        before_naming: Last step that may fail, between writing the files and naming them.

    Raises:
        DatasetError: They cannot be written; what was there before is untouched.
    """
    with _explained(folder), tempfile.TemporaryDirectory(dir=folder, prefix='.new.') as scratch:
        for name, text in texts.items():
            write_text(Path(scratch) / name, text)
        before_naming()
        for name in texts:
            os.replace(Path(scratch) / name, folder / name)


def needs_link(link: Path, videos: Path) -> bool:
    """Whether ``<out>/videos``, where the configs look, must be made to lead to the videos.

    Args:
        link: The place that configs name.
        videos: Folder of the videos.

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

    Args:
        link: The place that configs name.
        videos: Folder of the videos.

    Raises:
        DatasetError: See :func:`needs_link`; or links cannot be made here.
    """
    if needs_link(link, videos):
        with _explained(link):
            temporary = link.with_name(f'.{link.name}.{os.getpid()}')
            temporary.symlink_to(videos.resolve(), target_is_directory=True)
            os.replace(temporary, link)
