"""Between a feature store and the files that published code reads."""

import glob
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.utils import track_iter_progress

from albar_mm.utils.arrays import read_npy, write_npy
from albar_mm.utils.errors import BadFileError, DatasetError, MissingFileError
from albar_mm.utils.files import filled_lines, read_json, try_folder, write_text
from albar_mm.utils.numbers import frame_rate, number, one_of
from albar_mm.utils.rows import check_row
from albar_mm.utils.video_ids import stem_of

from .sampling import Sampling
from .store import FeatureStore, check_name
from .time_grid import MOST_FRAMES
from .videos import read_list

TEN_CROPS = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
"""MMAction2 has each crop beside its flip; published features have five crops, then their flips."""
Lengths = dict[str, tuple[int, float]]
"""Id of a video -> number of frames, frames a second."""


LAYOUTS = {
    'mgfn': 'TNC',
    'rtfm': 'TNC',
    'ur-dmu': 'NTC',
    'deepmil': 'files',
    'ted-spad': 'TC',
    'actionformer': 'TC',
    'tridet': 'TC',
    'opentad': 'TC',
}
"""Name of published code -> what it reads of a video.

``'TNC'``: one file of shape (T, crops, C). ``'NTC'``: (crops, T, C). ``'files'``: a file
``<id>__<crop>.npy`` of (T, C) for each crop, also of VadCLIP. ``'TC'``: (T, C), one crop.
"""
_SUFFIXES = {'rtfm': '_i3d'}  # behind the id in the name of a file


def export_features(
    store: FeatureStore,
    folder: str | os.PathLike,
    layout: str,
    lists: Sequence[str | os.PathLike] = (),
) -> list[str]:
    """Write the features of a store as published code reads them.

    Args:
        store: The store.
        folder: Where to write; files that are there are replaced.
        layout: A key of :data:`LAYOUTS`.
        lists: Lists of videos or of feature files. For each a list of the files that are written,
            one path a line, is made under the same name, in the same order. MGFN and RTFM take
            labels from the position in the list (abnormal videos first); give them so.

    Returns:
        Lines for the terminal: what was written, and the time grid to tell the code of.

    Raises:
        DatasetError: An unknown layout, several crops where there is room for one, features that
            are not finite, a list that cannot be read or two of one name, a listed id that the
            store lacks, or a folder that cannot be written to.
    """
    one_of(layout, LAYOUTS, 'layout', DatasetError)
    folder, ids = Path(folder), store.ids()
    if not ids:
        raise DatasetError(f'{store.root}: holds no video')
    listed: dict[str, list[str]] = {}
    for path in map(Path, lists):
        if path.name in listed:
            raise DatasetError(f'{path}: a list of that name was given before')
        lines = read_list(path)
        names = [stem_of(name, also=('.npy',)) for name in lines]
        if len(set(names)) < len(set(lines)):
            twice = next(name for name in names if names.count(name) > 1)
            raise DatasetError(f'{path}: several videos are called {twice!r}: tell them apart')
        listed[path.name] = [name.removesuffix(_SUFFIXES.get(layout, '')) for name in names]
        if not names:
            raise DatasetError(f'{path}: lists no video')
        missing = [name for name in listed[path.name] if name not in store]
        if missing:
            raise DatasetError(
                f'{store.root}: lacks {len(missing)} videos of {path}, as {missing[0]!r}'
            )
    try_folder(folder)
    written: dict[str, list[Path]] = {}
    for video in track_iter_progress(ids, file=sys.stdout):
        written[video], features = [], store.load(video)
        if not np.isfinite(features).all():
            raise DatasetError(
                f'{store.root}: features of {video!r} are not all finite: delete it and extract '
                'it again'
            )
        for path, array in _files(features, video, layout, folder):
            write_npy(path, np.ascontiguousarray(array, np.float32))
            written[video].append(path)
    for name, members in listed.items():
        paths = [str(path) for member in members for path in written[member]]
        write_text(folder / name, '\n'.join(paths) + '\n')
    grid = store.grid(ids[0])
    return [
        f'{folder}: {len(ids)} videos as {layout} reads them, {", ".join(listed) or "no list"}',
        f'stride {grid.stride_frames} frames, centre of snippet 0 at frame {grid.offset_frames:g}: '
        f'feat_stride={grid.stride_frames}, num_frames={2 * grid.offset_frames:g} for code that '
        'places snippets at 0.5 * num_frames',
    ]


def import_features(
    folder: str | os.PathLike,
    store: str | os.PathLike,
    layout: str,
    sampling: Sampling,
    videos: Lengths,
    note: str = '',
    on_missing: str = 'fail',
) -> tuple[list[str], list[str]]:
    """Make a store of published features.

    Args:
        folder: Where the files lie.
        store: Folder of the new store.
        layout: A key of :data:`LAYOUTS`.
        sampling: How their snippets were made.
        videos: Id -> number of frames, and frames a second.
        note: Where they are from, for ``store.json``.
        on_missing: With a video without features: ``'fail'`` stops; ``'skip'`` leaves it out.

    Returns:
        Lines for the terminal, and the videos that were left out.

    Raises:
        MissingFileError: A file is missing, with ``on_missing='fail'``.
        DatasetError: A file holds no plain array, or another number of snippets than the frames of
            its video give (a difference of one at the end is accepted and counted); all are
            missing.
    """
    one_of(on_missing, ('fail', 'skip'), 'on_missing', DatasetError)
    one_of(layout, LAYOUTS, 'layout', DatasetError)
    folder = Path(folder)
    settings = dict(
        encoder=dict(published=note or folder.name, layout=layout),
        sampling=sampling.settings(),
        dtype='float32',
        decoder='unknown',
    )
    made, shorter, missing = None, [], []
    for video, (frames, fps) in videos.items():
        try:
            features = _read(folder, video, layout)
        except MissingFileError:
            if on_missing == 'fail':
                raise
            missing.append(video)
            continue
        grid = sampling.grid(frames, fps)
        if abs(len(features) - grid.num_snippets) > 1:
            raise DatasetError(
                f'{folder}: video {video!r} has {len(features)} snippets; its {frames} frames give '
                f'{grid.num_snippets}: other snippets, or another video'
            )
        if len(features) != grid.num_snippets:
            shorter.append(video)
            grid = replace(grid, num_snippets=len(features))
        if made is None:  # nothing is left of an import that fails at its first file
            made = FeatureStore.create(store, settings)
        made.put(video, features, grid, dict(file=video))
    if made is None:
        raise DatasetError(
            f'{folder}: holds features of none of the {len(videos)} videos, as {missing[0]!r}'
        )
    lines = [f'{made.root}: {len(videos) - len(missing)} videos from {folder}']
    if missing:
        lines.append(f'{len(missing)} listed videos have no features there:')
        lines += [f'  {video}' for video in missing]
    if shorter:
        lines.append(
            f'{len(shorter)} of them are one snippet off the number that their frames '
            f'give, as {shorter[0]!r}'
        )
    return lines, missing


def _files(
    features: np.ndarray, video: str, layout: str, folder: Path
) -> Iterator[tuple[Path, np.ndarray]]:
    """Every file of a video, and what it holds."""
    name, kind = f'{video}{_SUFFIXES.get(layout, "")}', LAYOUTS[layout]
    if kind == 'TC':
        if features.ndim > 2:
            raise DatasetError(
                f'video {video!r}: {features.shape[1]} crops, and this layout has room for one: '
                'extract with one crop'
            )
        yield folder / f'{name}.npy', features
        return
    crops = features[:, None] if features.ndim == 2 else features
    if crops.shape[1] == 10:
        crops = crops[:, TEN_CROPS]
    if kind == 'files':
        for crop in range(crops.shape[1]):
            yield folder / f'{name}__{crop}.npy', crops[:, crop]
    else:
        yield folder / f'{name}.npy', crops if kind == 'TNC' else crops.swapaxes(0, 1)


def _read(folder: Path, video: str, layout: str) -> np.ndarray:
    """Features of a video as a store has them."""
    name, kind = f'{video}{_SUFFIXES.get(layout, "")}', LAYOUTS[layout]
    if kind == 'TC':
        return _array(folder / f'{name}.npy', 2)
    if kind == 'files':
        parts = [path.stem.rpartition('__') for path in folder.glob(f'{glob.escape(name)}__*.npy')]
        numbers = sorted(int(crop) for stem, _, crop in parts if stem == name and crop.isdecimal())
        paths = [folder / f'{name}__{crop}.npy' for crop in numbers or [0]]
        crops = np.stack([_array(path, 2) for path in paths], axis=1)
    else:
        crops = _array(folder / f'{name}.npy', 3)
        crops = crops.swapaxes(0, 1) if kind == 'NTC' else crops
    if crops.shape[1] == 10:
        crops = crops[:, np.argsort(TEN_CROPS)]
    return crops[:, 0] if crops.shape[1] == 1 else crops


def _array(path: Path, ndim: int) -> np.ndarray:
    array = read_npy(path)
    if array.ndim != ndim or not np.issubdtype(array.dtype, np.floating):
        raise BadFileError(
            f'{path}: {array.dtype} of shape {array.shape}; expected real numbers with {ndim} axes'
        )
    if not array.size:
        raise BadFileError(f'{path}: is empty, of shape {array.shape}')
    with np.errstate(over='ignore'):
        array = array.astype(np.float32, copy=False)
    if not np.isfinite(array).all():
        raise BadFileError(f'{path}: holds numbers that are not finite in single precision')
    return array


def read_lengths(path: str | os.PathLike, fps: float | None = None) -> Lengths:
    """Read how long videos are.

    Args:
        path: ``.json``: annotation like ActivityNet's (``database``: id -> ``fps`` and
            ``duration_frame``, or ``fps`` and ``duration`` in seconds), as ActionFormer and TriDet
            read for THUMOS14. Else text: a video and its number of frames a line, whatever
            follows, as in the annotation of UCF-Crime with frame counts.
        fps: Frame rate of all videos, where the file tells none.

    Returns:
        Lengths of all videos of the file; ids are file names without folder and ending.

    Raises:
        DatasetError: The file cannot be read, a line or an entry tells no length, a video is listed
            twice with different ones, a frame rate is missing, or no file can be called like a
            video.
    """
    if fps is not None:
        fps = frame_rate(fps, '--fps')
    if Path(path).suffix.lower() == '.json':
        return {
            check_name(video, path): _of_entry(entry, f'{path}: video {video!r}', fps)
            for video, entry in read_database(path).items()
        }
    lengths = _of_lines(path, fps)
    if not lengths:
        raise DatasetError(f'{path}: lists no video')
    return lengths


def read_database(path: str | os.PathLike) -> dict[str, Any]:
    """Entries of an annotation like ActivityNet's, by the names of their videos.

    Args:
        path: JSON with the key ``database``.

    Raises:
        DatasetError: It cannot be read, is another file, or lists no video.
    """
    content = read_json(path)
    check_row(content, os.fspath(path), dict(database=(dict, 'an object with its videos')))
    if not content['database']:
        raise DatasetError(f'{path}: lists no video')
    return content['database']


def _of_lines(path: str | os.PathLike, fps: float | None) -> Lengths:
    lengths: Lengths = {}
    paths: dict[str, str] = {}
    for where, line in filled_lines(path):
        if fps is None:
            raise DatasetError(f'{path}: text tells no frame rate: give it (--fps, e.g. 30)')
        words = line.split()
        if len(words) < 2:
            raise DatasetError(f'{where}: {line!r}: expected a video and its number of frames')
        video = check_name(stem_of(words[0]), where)
        what = f'{where}: number of frames of {words[0]!r}'
        found = number(words[1], what, 1, MOST_FRAMES, whole=True), fps
        if lengths.setdefault(video, found) != found:
            raise DatasetError(f'{where}: {video!r} was listed with {lengths[video][0]} frames')
        if paths.setdefault(video, words[0]) != words[0]:
            raise DatasetError(f'{where}: {video!r} was listed before, as {paths[video]}')
    return lengths


def _of_entry(entry: Any, where: str, fps: float | None) -> tuple[int, float]:
    if not isinstance(entry, Mapping):
        raise DatasetError(f'{where}: expected keys "fps" and "duration"')
    rate = entry.get('fps') or fps
    if not rate:
        raise DatasetError(f'{where}: tells no frame rate: give it (--fps, e.g. 30)')
    rate = frame_rate(rate, f'{where}: fps')
    length = entry.get('duration_frame') or entry.get('duration')
    if length is None:
        raise DatasetError(f'{where}: tells no length ("duration" in seconds, or "duration_frame")')
    length = number(length, f'{where}: length', above=0)
    frames = length if entry.get('duration_frame') else length * rate
    where = f'{where}: number of frames'
    return number(round(number(frames, where, high=MOST_FRAMES)), where, 1, whole=True), rate
