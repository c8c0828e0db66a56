"""Data and mask folders, annotation files and first videos that a config names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from albar_mm.engine.launch.data import FOLDER_KEY, cure, datasets_in, named_data
from albar_mm.utils.config_types import type_name
from albar_mm.utils.errors import DatasetError, absence
from albar_mm.utils.files import read_lines
from albar_mm.video.container import container_fault

from .child import ask
from .libraries import TRANSFORMS
from .report import Finding, error

LINES_PARSED = 20


@dataclass(frozen=True)
class Annotation:
    """One annotation file that a config names.

    Attributes:
        key: Dotted key of the dataset's config, as for ``--cfg-options``.
        path: The file.
        videos: Folder that the names in the file are relative to; None if not given.
        delimiter: Separator of name and label.
        kind: Type of the dataset; empty where another dataset reads the file.
        decoder: Decoder of the pipeline, None if it is none of those the doctor knows.
    """

    key: str
    path: str
    videos: str | None
    delimiter: str
    kind: str
    decoder: str | None


def find_annotations(node: Any, key: str) -> Iterator[Annotation]:
    """Every annotation file in a dataset's config, however deep datasets are wrapped."""
    decoders: dict[str, str | None] = {'': None}
    for place, part in datasets_in(node, key):
        outer = place.rpartition('.')[0]  # what its own pipeline does not decode, an outer one does
        while outer not in decoders:
            outer = outer.rpartition('.')[0]
        kinds = map(type_name, part.get('pipeline') or [])
        found = (TRANSFORMS[p] for kind in kinds for p in TRANSFORMS if kind.startswith(p))
        decoders[place] = next(found, decoders[outer])
        named = named_data(part)
        if 'ann_file' in named:
            yield Annotation(
                place,
                named['ann_file'],
                named.get('data_prefix.video'),
                part.get('delimiter', ' '),
                type_name(part),
                decoders[place],
            )


def find_folders(node: Any, key: str) -> Iterator[tuple[str, str]]:
    """Key and path of every folder that a config names beside the videos (masks, bias sets)."""
    for place, part in datasets_in(node, key):
        for name, path in named_data(part).items():
            if FOLDER_KEY.search(name):
                yield f'{place}.{name}', path


def check_annotation(ann: Annotation, num_classes: int | None = None) -> tuple[str, list[Finding]]:
    """Look into an annotation file and decode the first video that it names.

    Args:
        ann: The file.
        num_classes: Labels must lie below this, if it is given.

    Returns:
        A fact in one line, and what is wrong (the first error only).
    """
    path = Path(ann.path)
    if '://' in ann.path:
        return f'{ann.path}: remote, not read', []
    key, videos = f'{ann.key}.ann_file', f'{ann.key}.data_prefix.video'
    if why := absence(path):
        return f'{path}: missing', error(f'{key}: annotation file {path}: {why}', cure(key, path))
    try:
        lines = read_lines(path)
    except DatasetError as fault:
        fix = f'file "{path}" && ls -l "{path}"'
        return f'{path}: unreadable', error(f'{key}: {fault}', fix)
    first = next((line.strip() for line in lines if line.strip()), '')
    if not first:
        return f'{path}: empty', error(f'{key}: {path} is empty', cure(key, path))
    fact = f'{path}: {len(lines)} lines'
    if ann.kind and 'Video' not in ann.kind or path.suffix not in ('.txt', '.csv', '.tsv'):
        return f'{fact}, of a format that is not checked', []
    for number, line in enumerate(lines[:LINES_PARSED], 1):
        problem = _line_problem(line, ann.delimiter, num_classes)
        if problem:
            fix = f'correct line {number} of "{path}"'
            fix += ', or set model.cls_head.num_classes' if problem.startswith('label') else ''
            return fact, error(f'{path}:{number}: {problem}', fix)
    if ann.videos and (why := absence(ann.videos, folder=True)):
        what = f'{videos}: data folder {ann.videos}: {why}'
        return fact, error(what, cure(videos, ann.videos))
    video = Path(ann.videos or '') / first.split(ann.delimiter)[0]
    if why := absence(video):
        what = f'{videos}: {video}, the first of {path}: {why}'
        return fact, error(what, cure(videos, ann.videos or ''))
    fault = container_fault(video)
    if fault:  # a decoder would open what a playlist names
        return fact, error(f'{video}: {fault[1]}', f'file "{video}"')
    if ann.decoder is None:
        return f'{fact}, first video is there', []
    answer = ask('decode_first', ann.decoder, str(video), timeout_s=60)
    if not answer.error:
        return f'{fact}, first video {answer.value} with {ann.decoder}', []
    if answer.error.startswith('ModuleNotFoundError'):
        return f'{fact}, first video not decoded', []  # said once, for the decoder
    what = f'{video} does not decode with {ann.decoder} ({answer.error})'
    return fact, error(what, f'ffmpeg -v error -i "{video}" -f null -')


def check_folder(key: str, path: str) -> list[Finding]:
    """Find out whether a folder that a config names under a key is there and holds something."""
    if '://' in path:
        return []
    why = absence(path, folder=True) or ('' if any(Path(path).iterdir()) else 'it is empty')
    return error(f'{key}: {path}: {why}', cure(key, path)) if why else []


def _line_problem(line: str, delimiter: str, num_classes: int | None) -> str:
    parts = line.strip().split(delimiter)
    if len(parts) == 1 and parts[0]:
        return ''  # a list without labels, as for inference
    if len(parts) != 2 or not parts[0] or not re.fullmatch(r'-?\d+', parts[1]):
        separator = '<tab>' if delimiter == '\t' else delimiter
        return f'expected "<video>{separator}<label>", got {line.strip()!r}'
    label = int(parts[1])
    if num_classes is not None and not 0 <= label < num_classes:
        return f'label {label} is outside [0, {num_classes})'
    return ''
