"""Untrimmed ``motion_sprites`` as video files with their lists."""

import json
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from mmengine.utils import track_parallel_progress

from ...utils.errors import DatasetError
from ...utils.files import write_text
from .untrimmed import UntrimmedSpec, untrimmed_frames
from .video_file import write_mjpeg


def write_untrimmed(
    root: str | os.PathLike,
    settings_file: str,
    record: Mapping,
    splits: Mapping[str, Sequence[UntrimmedSpec]],
    lists: Mapping[str, str],
    workers: int = 2,
) -> Path:
    """Write videos and lists, or reuse those that are there.

    Videos are ``videos/<split>/<name>.avi``.

    Args:
        root (str | os.PathLike): Folder to write to; made when absent.
        settings_file (str): Name of the file that keeps ``record``; it is written last.
        record (Mapping): All that fixes the data, as plain JSON.
        splits (Mapping): Name of a split to its videos.
        lists (Mapping): Further files: name to text.
        workers (int): Processes.

    Returns:
        Path: ``root``.

    Raises:
        DatasetError: The folder holds data of other settings, or cannot be written to.
    """
    root = Path(root)
    path = root / settings_file
    if path.exists():
        if json.loads(path.read_text(encoding='utf-8')) != record:
            raise DatasetError(
                f'{root}: holds videos of other settings: give another folder or delete this one'
            )
        return root
    try:
        for split, specs in splits.items():
            folder = root / 'videos' / split
            folder.mkdir(parents=True, exist_ok=True)
            print(f'untrimmed motion_sprites: {split} ({len(specs)} videos)')
            track_parallel_progress(partial(_write, folder), specs, max(1, workers), chunksize=4)
            print()
        for name, text in lists.items():
            write_text(root / name, text)
        write_text(path, json.dumps(record, indent=1) + '\n')
    except OSError as error:
        raise DatasetError(
            f'{root}: cannot be written: {error.strerror or error}; make room, or '
            'get the right to write there, and run again'
        ) from error
    return root


def _write(folder: Path, spec: UntrimmedSpec) -> None:
    path = folder / f'{spec.name}.avi'
    if not path.exists():  # whole if it is there, and its pixels follow from the settings
        write_mjpeg(path, untrimmed_frames(spec))
