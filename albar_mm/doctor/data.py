"""Data and mask folders, annotation files and first videos that a config names."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .child import ask
from .decoders import TRANSFORMS
from .report import Finding

LINES_PARSED = 20
_FOLDER_KEY = re.compile(r'mask|_root$|_dir$|_folder$')
_LISTS = ' --videos <folder of the videos> --lists <folder of the official lists>'
#: data sets that tools/prepare_dataset.py knows -> what it must be told
_PREPARED = dict(
    motion_sprites='',
    hmdb51=_LISTS,
    ucf101=_LISTS,
    kinetics400=_LISTS,
    jhmdb21=' --source <folder of the clips>',
)


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


def pipeline_decoder(pipeline: Any) -> str | None:  # noqa: ANN401
    """Decoder that a pipeline uses: ``'decord'``, ``'pyav'``, ``'opencv'``, else None.

    Args:
        pipeline: List of transform configs.
    """
    for step in pipeline or []:
        kind = str(step.get('type', '')) if isinstance(step, Mapping) else ''
        for prefix, decoder in TRANSFORMS.items():
            if kind.startswith(prefix):
                return decoder
    return None


def find_annotations(node: Any, key: str, decoder: str | None = None) -> Iterator[Annotation]:  # noqa: ANN401
    """Every annotation file in a dataset's config, however deep datasets are wrapped.

    Args:
        node: The config.
        key: Its dotted key.
        decoder: Decoder of the wrapping dataset's pipeline.
    """
    for name, item in _children(node):
        yield from find_annotations(item, f'{key}.{name}', _decoder_of(node, decoder))
    if not isinstance(node, Mapping) or not isinstance(node.get('ann_file'), str):
        return
    root, prefix = node.get('data_root') or '', node.get('data_prefix')
    videos = prefix.get('video') if isinstance(prefix, Mapping) else None
    yield Annotation(
        key,
        str(Path(root) / node['ann_file']),
        str(Path(root) / videos) if isinstance(videos, str) else None,
        node.get('delimiter', ' '),
        str(node.get('type', '')),
        _decoder_of(node, decoder),
    )


def find_folders(node: Any, key: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """Key and path of every folder that a config names beside the videos (masks, bias sets).

    Args:
        node: The config.
        key: Its dotted key.
    """
    for name, item in _children(node):
        yield from find_folders(item, f'{key}.{name}')
    if isinstance(node, Mapping):
        root = node.get('data_root') or ''
        for name, value in node.items():
            if isinstance(value, str) and value and _FOLDER_KEY.search(name):
                yield f'{key}.{name}', value if name == 'data_root' else str(Path(root) / value)


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
    if not path.is_file():
        return f'{path}: missing', [_missing(ann.key, 'ann_file', path, 'annotation file')]
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        return f'{path}: unreadable', [
            Finding(
                'error',
                f'{ann.key}.ann_file: {path} cannot be read as text ({error})',
                f'file "{path}" && ls -l "{path}"',
            )
        ]
    if not any(line.strip() for line in lines):
        return f'{path}: empty', [
            Finding(
                'error', f'{ann.key}.ann_file: {path} is empty', _prepare(ann.key, 'ann_file', path)
            )
        ]
    fact = f'{path}: {len(lines)} lines'
    if ann.kind and 'Video' not in ann.kind or path.suffix not in ('.txt', '.csv', '.tsv'):
        return f'{fact}, of a format that is not checked', []
    for number, line in enumerate(lines[:LINES_PARSED], 1):
        problem = _line_problem(line, ann.delimiter, num_classes)
        if problem:
            return fact, [
                Finding('error', f'{path}:{number}: {problem}', f'sed -n {number}p "{path}"')
            ]
    if ann.videos is not None and not Path(ann.videos).is_dir():
        return fact, [_missing(ann.key, 'data_prefix.video', Path(ann.videos), 'data folder')]
    video = Path(ann.videos or '') / lines[0].strip().split(ann.delimiter)[0]
    return _check_video(fact, ann, video)


def check_folder(key: str, path: str) -> list[Finding]:
    """Find out whether a folder that a config names is there and holds something.

    Args:
        key: Dotted key in the config.
        path: The folder.
    """
    place, _, name = key.rpartition('.')
    folder = Path(path)
    if '://' in path or (folder.is_dir() and any(folder.iterdir())):
        return []
    if folder.is_dir():
        return [Finding('error', f'{key}: {path} is empty', _prepare(place, name, folder))]
    return [_missing(place, name, folder, 'folder')]


def _children(node: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    if isinstance(node, Mapping):
        items = [(str(k), v) for k, v in node.items() if k not in ('pipeline', 'data_prefix')]
    else:
        items = [(str(i), v) for i, v in enumerate(node)] if isinstance(node, (list, tuple)) else []
    yield from ((name, item) for name, item in items if isinstance(item, (Mapping, list, tuple)))


def _decoder_of(node: Any, inherited: str | None) -> str | None:  # noqa: ANN401
    own = pipeline_decoder(node.get('pipeline')) if isinstance(node, Mapping) else None
    return own or inherited


def _line_problem(line: str, delimiter: str, num_classes: int | None) -> str:
    parts = line.strip().split(delimiter)
    if len(parts) == 1 and parts[0]:
        return ''  # a list without labels, as for inference
    shape = f'"<video>{"<tab>" if delimiter == chr(9) else delimiter}<label>"'
    if len(parts) != 2 or not parts[0] or not re.fullmatch(r'-?\d+', parts[1]):
        return f'expected {shape}, got {line.strip()!r}'
    label = int(parts[1])
    if num_classes is not None and not 0 <= label < num_classes:
        return f'label {label} is outside [0, {num_classes})'
    return ''


def _check_video(fact: str, ann: Annotation, video: Path) -> tuple[str, list[Finding]]:
    if not video.is_file():
        return fact, [_missing(ann.key, 'data_prefix.video', video, 'video (first of the list)')]
    if ann.decoder is None:
        return f'{fact}, first video is there', []
    answer = ask('decode_first', ann.decoder, str(video), timeout_s=60)
    if not answer.error:
        return f'{fact}, first video {answer.value} with {ann.decoder}', []
    if answer.error.startswith('ModuleNotFoundError'):
        return f'{fact}, first video not decoded', []  # said once, for the decoder
    return fact, [
        Finding(
            'error',
            f'{video} does not decode with {ann.decoder} ({answer.error})',
            f'ffmpeg -v error -i "{video}" -f null -',
        )
    ]


def _missing(place: str, name: str, path: Path, kind: str) -> Finding:
    what = f'{place}.{name}: no such {kind}: {path}'
    return Finding('error', what, _prepare(place, name, path))


def _prepare(place: str, name: str, path: Path) -> str:
    known = next((dataset for dataset in _PREPARED if dataset in path.parts), None)
    if known is None or (_PREPARED[known] and _FOLDER_KEY.search(name)):
        return f'add --cfg-options {place}.{name}=<path> to the command'
    return f'python tools/prepare_dataset.py {known}{_PREPARED[known]}'
