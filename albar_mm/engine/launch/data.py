"""The lists and folders that a config names: which are missing, and what makes them."""

import os
import os.path as osp
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...utils.config_types import mappings
from ...utils.errors import DatasetError, absence
from ...utils.files import read_json

_LISTS = ' --videos <folder of the videos> --lists <folder of the official lists>'
_SPLITS = r'(train|val|test|trainval)_split[123]\.txt'
#: data sets that tools/prepare_dataset.py knows -> what it must be told, and lists that it writes
_PREPARED = dict(
    motion_sprites=('', r'(train|val|test|train_unbiased|val_unbiased)\.txt'),
    hmdb51=(_LISTS, _SPLITS),
    ucf101=(_LISTS, _SPLITS),
    kinetics400=(_LISTS, r'(train|val|test|trainval)\.txt'),
    jhmdb21=(' --source <folder of the clips>', _SPLITS),
)
FOLDER_KEY = re.compile(r'mask|_root$|_dir$|_folder$')
_KINDS = {'ann_file': 'annotation file', 'bias_root': 'bias benchmark'}


def named_data(dataset: Mapping[str, Any]) -> dict[str, str]:
    """Setting -> path of the files and folders of data that one dataset's config names.

    The settings are ``ann_file``, ``data_prefix.video`` and the like, and folders of masks and of
    bias sets, as far as they are given.
    """
    root, prefix = dataset.get('data_root') or '', dataset.get('data_prefix')
    given = {name: value for name, value in dataset.items() if FOLDER_KEY.search(name)}
    given['ann_file'] = dataset.get('ann_file')
    if isinstance(prefix, Mapping):
        given |= {f'data_prefix.{name}': value for name, value in prefix.items()}
    return {
        name: value if '://' in value or name == 'data_root' else osp.join(root, value)
        for name, value in given.items()
        if isinstance(value, str) and (value or name.startswith('data_prefix'))
    }


def missing_data(node: Any, key: str) -> Iterator[tuple[str, str, str, str]]:
    """What a config names and is not there.

    Args:
        node: Part of a config, as a data loader.
        key: Dotted name of that part.

    Yields:
        Dotted name of the setting, path, what is wrong, and what to do, see :func:`cure`.
    """
    for place, part in datasets_in(node, key):
        for name, path in named_data(part).items():
            why = absence(path, folder=name != 'ann_file') if path and '://' not in path else ''
            if why:
                wrong = f'{place}.{name}: {_kind(name)} {path}: {why}'
                yield f'{place}.{name}', path, wrong, cure(f'{place}.{name}', path)


def datasets_in(node: Any, key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All dicts of a dataset's config but the steps of pipelines, by their dotted names."""
    for place, part in mappings(node, key):
        if not {'pipeline', 'data_prefix'} & set(place.removeprefix(key).split('.')):
            yield place, part


def _kind(name: str) -> str:
    return _KINDS.get(name, 'data folder' if name.startswith('data_prefix') else 'folder')


def cure(key: str, path: str | os.PathLike) -> str:
    """The command that makes a list or folder of data, else the option that names another.

    Args:
        key: Dotted name of the setting.
        path: Its value.
    """
    name, place = key.rpartition('.')[2], Path(path)
    dataset = next((dataset for dataset in _PREPARED if dataset in place.parts), '')
    needed, lists = _PREPARED.get(dataset, ('', ''))
    root = Path(*place.parts[: place.parts.index(dataset) + 1]) if dataset else place.parent
    if name == 'bias_root' and dataset != 'motion_sprites':
        built = f'{dataset}-boxes' if place.name == 'bias_boxes' else dataset
        given = built or '<name> --list <test list> --videos <folder of the videos>'
        where = '' if root == Path('data', dataset) else f' --out {path}'
        return f'python tools/build_bias_benchmark.py build {given} --masks <masks>{where}'
    of_lists = name == 'ann_file' and place.parent == root and re.fullmatch(lists, place.name)
    of_folders = place == root / 'videos' or (dataset == 'motion_sprites' and name != 'ann_file')
    if dataset and (of_lists or of_folders):
        number = re.search(r'_split([23])\.', place.name)
        needed += f' --split {number[1]}' if number else ''
        needed += '' if root == Path('data', dataset) else f' --out {root}'
        if of_lists and place.name.startswith('val') and _nothing_held_out(root):
            return (
                f'{root} was prepared with --val-share 0, so nothing can validate: leave it out '
                'with --no-validate, or hold clips out: python tools/prepare_dataset.py '
                f'{dataset}{needed} --val-share 0.1'
            )
        return f'python tools/prepare_dataset.py {dataset}{needed}'
    return f'add --cfg-options {key}=<path> to the command'


def _nothing_held_out(root: Path) -> bool:
    """Whether ``report.json`` of a prepared folder says that it has no list ``val``."""
    with suppress(DatasetError):
        return read_json(root / 'report.json').get('val_share') == 0
    return False
