"""Official split lists: one parser per format, and what is known of every data set."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..utils.errors import BadFileError, MissingFileError
from ..utils.files import filled_lines, read_csv
from ..utils.numbers import number
from ..utils.video_ids import stem_of
from .video_lists import Clip, OfficialLists, parse_line

# <source>_<class>_<visible body>_<camera>_<people>_<view>_<quality>_<number>.avi
_HMDB51_NAME = r'(?P<source>.+)_{}_[fulh]_(?:nm|cm)_np\d+_(?:fr|ri|le|ba)_(?:bad|med|goo)_\d+'
_KINETICS_STEMS = ('', 'kinetics_', 'kinetics400_', 'kinetics-400_')
_UCF101_NAME = re.compile(r'v_.+_(?P<group>g\d+)_c\d+')


def read_hmdb51(folder: Path, split: int) -> OfficialLists:
    """Read ``<class>_test_split<n>.txt``: lines ``name.avi flag``, 0 unused, 1 train, 2 test.

    Labels follow the alphabetical order of the class names, as in MMAction2. (Sorted *file* names
    would put ``climb_stairs`` before ``climb``.) Clips cut from one source video share the part of
    the name before the class; that part is the group.

    Args:
        folder: Folder of the 51 lists of a split.
        split: 1, 2 or 3.

    Returns:
        Clips ``<class>/<name>.avi``.

    Raises:
        DatasetError: No lists, or a line that is none of the above.
    """
    ending = f'_test_split{split}.txt'
    files = {path.name.removesuffix(ending): path for path in folder.glob(f'*{ending}')}
    if not files:
        raise BadFileError(
            f"{folder}: no '<class>{ending}'; name the folder of the official HMDB51 split lists "
            'with --lists'
        )
    classes = tuple(sorted(files))
    parts: dict[int, list[Clip]] = {0: [], 1: [], 2: []}  # unused, train, test
    for label, name in enumerate(classes):
        for origin, line in _lines(files[name]):
            video, flag = parse_line(line, origin)
            if flag not in parts:
                raise BadFileError(
                    f'{origin}: flag {flag}; expected 0 (unused), 1 (train) or 2 (test)'
                )
            group = hmdb51_source(video, name)
            parts[flag].append(Clip(f'{name}/{video}', label, name, group, origin))
    used = tuple(files[name] for name in classes)
    return OfficialLists(classes, tuple(parts[1]), tuple(parts[2]), used)


def hmdb51_source(video: str, class_name: str) -> str:
    """The source video that an HMDB51 clip was cut from; the clip itself where none is named."""
    stem = stem_of(video)
    match = re.fullmatch(_HMDB51_NAME.format(re.escape(class_name)), stem)
    return match['source'] if match else stem


def read_ucf101(folder: Path, split: int) -> OfficialLists:
    """Read ``classInd.txt`` (``index Class`` from 1), ``trainlist0N.txt`` and ``testlist0N.txt``.

    Labels are the official index minus 1. The group is the official one (g01 to g25) of a class.

    Returns:
        Clips ``<Class>/v_<Class>_gXX_cYY.avi``.

    Raises:
        DatasetError: A list is missing, names an unknown class, or its label differs from
            ``classInd.txt``.
    """
    names = 'classInd.txt', f'trainlist{split:02d}.txt', f'testlist{split:02d}.txt'
    files = index_file, train_file, test_file = [_need(folder, [name]) for name in names]
    labels: dict[str, int] = {}
    for origin, line in _lines(index_file):
        number, _, name = line.partition(' ')
        if number != str(len(labels) + 1) or not name or name in labels:
            raise BadFileError(
                f"{origin}: expected '{len(labels) + 1} <class>', a class not named before, "
                f'got {line!r}'
            )
        labels[name] = len(labels)

    def clip(path: str, origin: str) -> Clip:
        name, _, video = path.rpartition('/')
        if name not in labels:
            raise BadFileError(f'{origin}: unknown class {name!r}; {index_file} has no such')
        match = _UCF101_NAME.fullmatch(stem_of(video))
        return Clip(path, labels[name], name, match['group'] if match else video, origin)

    train = []
    for origin, line in _lines(train_file):
        path, number = parse_line(line, origin)
        if not 1 <= number <= len(labels):
            raise BadFileError(f'{origin}: label {number}; expected 1 to {len(labels)}')
        train.append(clip(path, origin))
        if number - 1 != train[-1].label:
            raise BadFileError(
                f'{origin}: label {number}, but {index_file.name} gives {train[-1].class_name} '
                f'the label {train[-1].label + 1}'
            )
    test = [clip(line, origin) for origin, line in _lines(test_file)]
    return OfficialLists(tuple(labels), tuple(train), tuple(test), tuple(files))


def read_kinetics400(folder: Path, split: int = 1) -> OfficialLists:
    """Read the official CSV files ``label,youtube_id,time_start,time_end,split``.

    The official *val* list is the test set, as everywhere in the literature: the labels of the
    official test set were not published with it. Labels follow MMAction2's order: alphabetical by
    name, with ``_`` for blanks. The group is the YouTube id.

    Args:
        folder: Folder of ``train.csv`` and ``val.csv`` (or ``kinetics_train.csv``, …).
        split: Not used: there is one split.

    Returns:
        Clips ``<class>/<id>_<start>_<end>.mp4``, times in whole seconds of six digits.

    Raises:
        DatasetError: A file, column or class is missing, or a time is no number.
    """
    train_file, test_file = (
        _need(folder, [f'{stem}{part}.csv' for part in parts for stem in _KINETICS_STEMS])
        for parts in (['train'], ['val', 'validate'])
    )
    columns = ('label', 'youtube_id', 'time_start', 'time_end')
    train_rows = _rows(train_file, columns)
    names = {row['label'].replace('"', '') for _, row in train_rows}
    classes = tuple(sorted(names, key=lambda name: name.replace(' ', '_')))
    labels = {name: label for label, name in enumerate(classes)}

    def clip(origin: str, row: Mapping[str, str]) -> Clip:
        name = row['label'].replace('"', '')
        if name not in labels:
            raise BadFileError(f'{origin}: unknown class {name!r}; {train_file} has no such')
        start, end = (
            int(number(row[key], f'{origin}: {key}')) for key in ('time_start', 'time_end')
        )
        video = f'{row["youtube_id"]}_{start:06d}_{end:06d}.mp4'
        return Clip(f'{name}/{video}', labels[name], name, row['youtube_id'], origin)

    train = tuple(clip(origin, row) for origin, row in train_rows)
    test = tuple(clip(origin, row) for origin, row in _rows(test_file, columns))
    return OfficialLists(classes, train, test, (train_file, test_file))


def read_jhmdb21(folder: Path, split: int = 1) -> OfficialLists:
    """Read ``index.csv`` of the HMDB51 clips with JHMDB masks: ``class,video,hmdb51_split1``.

    JHMDB's own splits are not HMDB51's (most of its test clips are HMDB51 *training* clips), so the
    HMDB51 split 1 of the index counts.

    Args:
        folder: Folder of ``index.csv``.
        split: Not used: the index knows split 1.

    Returns:
        Clips ``<class>/<video>.avi``, grouped as in :func:`read_hmdb51`.

    Raises:
        DatasetError: The file or a column is missing, or a row is neither train nor test.
    """
    path = _need(folder, ['index.csv'], '--source')
    rows = _rows(path, ('class', 'video', 'hmdb51_split1'))
    classes = tuple(sorted({row['class'] for _, row in rows}))
    parts: dict[str, list[Clip]] = dict(train=[], test=[])
    for origin, row in rows:
        if row['hmdb51_split1'] not in parts:
            raise BadFileError(
                f'{origin}: hmdb51_split1 is {row["hmdb51_split1"]!r}; expected train or test'
            )
        name, video = row['class'], row['video'].removesuffix('.avi')
        parts[row['hmdb51_split1']].append(
            Clip(
                f'{name}/{video}.avi', classes.index(name), name, hmdb51_source(video, name), origin
            )
        )
    return OfficialLists(classes, tuple(parts['train']), tuple(parts['test']), (path,))


def _need(folder: Path, names: Sequence[str], option: str = '--lists') -> Path:
    """The first of these files that is there."""
    for name in names:
        if (folder / name).is_file():
            return folder / name
    one = len(names) == 1
    none = f'{folder / names[0]}: no such list' if one else f'{folder}: none of {", ".join(names)}'
    raise MissingFileError(f'{none}; name the folder of the official lists with {option}')


def _lines(path: Path) -> list[tuple[str, str]]:
    """``file:line`` and text of every line that is not blank."""
    return _some(filled_lines(path), path)


def _rows(path: Path, columns: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    rows = _some(read_csv(path, columns), path)
    for where, row in rows:
        empty = [name for name in columns if not row[name]]
        if empty:
            raise BadFileError(f'{where}: {", ".join(empty)} is empty')
    return rows


def _some(rows: Iterable[Any], path: Path) -> list[Any]:
    found = list(rows)
    if not found:
        raise BadFileError(f'{path}: the list is empty; download it again')
    return found


@dataclass(frozen=True)
class DatasetSpec:
    """A data set with official split lists.

    Attributes:
        name: As on the command line.
        read: Parser of its lists: folder and split to the lists.
        num_classes: Number of classes.
        sizes: Official numbers of training and test clips by split; empty where none are fixed.
        divide_groups: See :func:`albar_mm.preparation.holdout.hold_out`.
        any_layout: Search the videos by name instead of expecting the official folders.
        delimiter: Default separator of the annotation files.
        decode: Default depth of the check of every video.
        suffix: Put behind ``train``, ``val`` and ``test``, with ``{split}``.
    """

    name: str
    read: Callable[[Path, int], OfficialLists]
    num_classes: int
    sizes: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    divide_groups: bool = False
    any_layout: bool = False
    delimiter: str = ' '
    decode: str = 'first'
    suffix: str = '_split{split}'


SPECS = {
    spec.name: spec
    for spec in (
        DatasetSpec(
            'hmdb51',
            read_hmdb51,
            51,
            dict.fromkeys((1, 2, 3), (3570, 1530)),
            divide_groups=True,
            decode='all',
        ),
        DatasetSpec(
            'ucf101', read_ucf101, 101, {1: (9537, 3783), 2: (9586, 3734), 3: (9624, 3696)}
        ),
        # class names, and with them class folders, hold blanks
        DatasetSpec(
            'kinetics400', read_kinetics400, 400, any_layout=True, delimiter='\t', suffix=''
        ),
        DatasetSpec('jhmdb21', read_jhmdb21, 21, divide_groups=True, decode='all'),
    )
}


def read_lists(spec: DatasetSpec, folder: Path, split: int) -> OfficialLists:
    """Read the official lists and check that they are complete.

    Raises:
        DatasetError: A list is missing, broken, empty or cut short.
    """
    if not folder.is_dir():
        raise BadFileError(
            f'{folder}: no such folder; name the one with the official {spec.name} lists'
        )
    lists = spec.read(folder, split)
    for part, clips in (('training', lists.train), ('test', lists.test)):
        if not clips:
            raise BadFileError(f'{folder}: the lists name no {part} clips')
    if len(lists.classes) != spec.num_classes:
        raise BadFileError(
            f'{folder}: the lists name {len(lists.classes)} classes, {spec.name} has '
            f'{spec.num_classes}: a list is incomplete; download the official lists again'
        )
    return lists


def check_sizes(spec: DatasetSpec, lists: OfficialLists, split: int) -> None:
    """Compare the numbers of clips with the official ones.

    Raises:
        DatasetError: They differ: a list was cut short or edited.
    """
    found = (len(lists.train), len(lists.test))
    official = spec.sizes.get(split, found)
    if found != official:
        raise BadFileError(
            f'{lists.files[-1].parent}: the lists of split {split} name {found[0]} training and '
            f'{found[1]} test clips, the official ones {official[0]} and {official[1]}: a list is '
            'cut short or edited; download the official lists again'
        )
