"""Untrimmed videos joined from short clips: real pictures, exactly known events."""

import json
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
from mmengine.utils import track_iter_progress

from albar_mm.utils.errors import DatasetError
from albar_mm.utils.files import read_json, write_bytes, write_text
from albar_mm.utils.numbers import frame_rate, number
from albar_mm.utils.settings import plain
from albar_mm.utils.video_ids import VIDEO_SUFFIXES
from albar_mm.video.avi import avi_bytes, encode_frames

from .videos import FrameClock, VideoReader, choose_reader

SETTINGS_FILE = 'joined.json'
SPLITS = ('train', 'test')
_SIZES, _COUNTS = (16, 8192), (1, 10**6)
_BOUNDS = dict(train=_COUNTS, test=_COUNTS, height=_SIZES, width=_SIZES, seed=(0, 2**32 - 1))
_HELD = 512  # clips whose compressed frames are held in memory, well below a megabyte each


@dataclass(frozen=True)
class JoinSettings:
    """How videos are joined.

    Attributes:
        background: Classes of the clips that fill a video; all others are events.
        train: Training videos.
        test: Test videos.
        fillers: Fewest and most background clips of a video.
        events: Fewest and most events of a video that has some.
        eventless: Share of videos without an event.
        test_share: Share of the clips of each class that only test videos show.
        fps: Frame rate of the videos.
        height: Of the frames, in px.
        width: Of the frames, in px; clips are scaled to fit, with black borders.
        seed: Of all random choices.

    Raises:
        DatasetError: A number cannot be.
    """

    background: tuple[str, ...]
    train: int = 120
    test: int = 40
    fillers: tuple[int, int] = (6, 10)
    events: tuple[int, int] = (1, 2)
    eventless: float = 0.5
    test_share: float = 0.25
    fps: float = 25.0
    height: int = 120
    width: int = 160
    seed: int = 0

    def __post_init__(self) -> None:
        for name, bounds in _BOUNDS.items():
            number(getattr(self, name), name, *bounds, whole=True)
        for name in ('fillers', 'events'):
            fewest, most = getattr(self, name)
            number(fewest, f'{name}, fewest', 1, whole=True)
            number(most, f'{name}, most', fewest, 10**6, whole=True)
        number(self.eventless, 'eventless', 0, 1)
        number(self.test_share, 'test_share', 0, 1)
        frame_rate(self.fps, 'fps')


@dataclass(frozen=True)
class Joined:
    """A joined video: its name without suffix; class, first and last frame of each event."""

    name: str
    num_frames: int
    events: tuple[tuple[str, int, int], ...]


def join_clips(
    clips: str | os.PathLike,
    out: str | os.PathLike,
    settings: JoinSettings,
    decoder: str = 'auto',
) -> list[str]:
    """Write untrimmed videos, and what happens in them.

    ``videos/<split>_<number>.avi``, ``train.txt`` and ``test.txt`` (as
    :func:`downstream.anomaly.annotations.read_annotation` reads them; training videos without
    events), ``segments.json`` (as ActionFormer and TriDet read that of THUMOS14), and the clips of
    each split as MMAction2 lists (``clips_train.txt``, to train an encoder on; separated by tabs
    where a name has a blank). A folder that was
    finished with the same settings is left as it is.

    Args:
        clips: Folder with a folder of clips for each class.
        out: Folder to write to.
        settings: How.
        decoder: See :func:`~.videos.choose_reader`.

    Returns:
        Lines for the terminal.

    Raises:
        DatasetError: There are too few clips, a class is missing, or ``out`` holds videos of other
            settings.
        BadVideoError: A clip cannot be read.
    """
    found, out, reader = _clips(Path(clips)), Path(out), choose_reader(decoder)
    missing = [name for name in settings.background if name not in found]
    if missing or len(found) == len(set(settings.background)):
        raise DatasetError(
            f'{clips}: has the classes {", ".join(found)}; expected those of the '
            f'background ({", ".join(settings.background)}) and others'
        )
    for name in found.keys() - set(settings.background):
        # read_annotation takes the first word of a line that says normal for a normal video
        if not name[0].isalpha() or re.search(r'(?<![a-z])normal', name.lower()):
            raise DatasetError(
                f'{clips}: class {name!r} would not be read as a kind of event: begin its name '
                'with a letter, and leave out the word normal'
            )
    clips_of = {name: [path.name for path in paths] for name, paths in found.items()}
    record = plain(dict(asdict(settings), clips=clips_of))
    if (out / SETTINGS_FILE).exists():
        if read_json(out / SETTINGS_FILE) != record:
            raise DatasetError(
                f'{out}: holds videos of other settings or clips: name another folder, '
                'or delete this one'
            )
        return [f'{out}: was joined with these settings before']
    parts, joined = _parts(found, settings), {}
    paths = [str(path.relative_to(clips)) for kind in found.values() for path in kind]
    between = '\t' if any(' ' in path for path in paths) else ' '
    # a clip is shown in several videos
    pictures = lru_cache(_HELD)(lambda path: encode_frames(_frames(path, settings, reader), 'jpeg'))
    for split in SPLITS:
        count = getattr(settings, split)
        print(f'{split}: {count} videos')
        joined[split] = [
            _join(f'{split}_{number:04d}', parts[split], out, settings, pictures)
            for number in track_iter_progress(range(count), file=sys.stdout)
        ]
        lines = [f'videos/{_line(video, split == "test")}\n' for video in joined[split]]
        write_text(out / f'{split}.txt', ''.join(lines))
        lines = [
            f'{kind}/{path.name}{between}{label}\n'
            for label, (kind, paths) in enumerate(sorted(parts[split].items()))
            for path in sorted(paths)
        ]
        write_text(out / f'clips_{split}.txt', ''.join(lines))
    labels = sorted({kind for videos in joined.values() for v in videos for kind, _, _ in v.events})
    content = dict(version='joined', database=segments_of(joined, labels, settings.fps))
    write_text(out / 'segments.json', json.dumps(content) + '\n')
    write_text(out / SETTINGS_FILE, json.dumps(record, indent=1) + '\n')
    return [
        f'{out}: {len(videos)} {split} videos, {sum(bool(v.events) for v in videos)} of them '
        f'with events, {sum(v.num_frames for v in videos) / settings.fps / 60:.1f} minutes'
        for split, videos in joined.items()
    ]


def _clips(folder: Path) -> dict[str, list[Path]]:
    """Class -> its clips, both sorted; only classes that have some."""
    lost = [path for path in folder.glob('*') if not os.path.exists(path)]
    if lost:
        raise DatasetError(f'{lost[0]}: is a link to nowhere: restore what it names, or delete it')
    shown = (path for path in folder.glob('*/*') if not path.name.startswith('.'))
    paths = [path for path in shown if path.suffix.lower() in VIDEO_SUFFIXES]
    found = {
        name: list(each) for name, each in groupby(sorted(paths), lambda path: path.parent.name)
    }
    if len(found) < 2:
        raise DatasetError(
            f'{folder}: expected a folder of video clips for each of two or more '
            f'classes, found {len(found)}'
        )
    return found


def _parts(
    found: Mapping[str, Sequence[Path]], settings: JoinSettings
) -> dict[str, dict[str, list[Path]]]:
    """Clips of each split; no clip is in both."""
    parts: dict[str, dict[str, list[Path]]] = {split: {} for split in SPLITS}
    for name, paths in found.items():
        order = np.random.default_rng([settings.seed, *name.encode()]).permutation(len(paths))
        count = round(settings.test_share * len(paths))
        if not 0 < count < len(paths):
            raise DatasetError(
                f'class {name!r} has {len(paths)} clips: too few to share out with '
                f'test_share={settings.test_share:g}'
            )
        parts['test'][name] = [paths[i] for i in order[:count]]
        parts['train'][name] = [paths[i] for i in order[count:]]
    return parts


def _join(
    name: str,
    clips: Mapping[str, Sequence[Path]],
    out: Path,
    settings: JoinSettings,
    pictures: Callable[[Path], list[bytes]],
) -> Joined:
    random = np.random.default_rng([settings.seed, *name.encode()])

    def draw(fewest: int, most: int) -> int:
        return int(random.integers(fewest, most + 1))

    background = [path for kind in settings.background for path in clips[kind]]
    kinds = sorted(set(clips) - set(settings.background))
    count = draw(*settings.fillers)
    chosen = random.permutation(len(background))[:count]
    pieces: list[tuple[str | None, Path]] = [(None, background[i]) for i in chosen]
    if random.random() >= settings.eventless:
        for _ in range(draw(*settings.events)):
            kind = kinds[random.integers(len(kinds))]
            # never first or last
            place = int(random.integers(1, max(2, len(pieces))))
            pieces.insert(place, (kind, clips[kind][random.integers(len(clips[kind]))]))
    encoded: list[bytes] = []
    events: list[tuple[str, int, int]] = []
    for kind, path in pieces:
        begin = len(encoded)
        encoded += pictures(path)
        if kind is None:
            continue
        if events and events[-1][0] == kind and events[-1][2] == begin - 1:
            begin = events.pop()[1]
        events.append((kind, begin, len(encoded) - 1))
    video = avi_bytes(encoded, settings.height, settings.width, settings.fps, 'jpeg')
    write_bytes(out / 'videos' / f'{name}.avi', video)
    return Joined(name, len(encoded), tuple(events))


def _frames(path: Path, settings: JoinSettings, reader: type[VideoReader]) -> np.ndarray:
    """A clip at the videos' frame rate and size."""
    with reader(path) as opened:
        frames = np.concatenate(list(FrameClock(opened, settings.fps).chunks()))
    height, width = frames.shape[1:3]
    scale = min(settings.height / height, settings.width / width)
    size = min(settings.width, round(width * scale)), min(settings.height, round(height * scale))
    out = np.zeros((len(frames), settings.height, settings.width, 3), np.uint8)
    top, left = (settings.height - size[1]) // 2, (settings.width - size[0]) // 2
    inside = out[:, top : top + size[1], left : left + size[0]]
    for target, frame in zip(inside, frames, strict=True):
        target[:] = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    return out


def _line(video: Joined, with_events: bool) -> str:
    words = [f'{video.name}.avi', video.num_frames]
    kind = video.events[0][0].capitalize() if video.events else 'Normal'
    words.append(re.sub(r'[^\w-]', '_', kind))
    if with_events:
        words += [n for _, begin, end in video.events for n in (begin, end)] or [-1, -1]
    return ' '.join(map(str, words))


def segments_of(
    joined: Mapping[str, Sequence[Joined]], classes: Sequence[str], fps: float
) -> dict[str, dict]:
    """``database`` of an annotation as ActionFormer and TriDet read that of THUMOS14.

    Args:
        joined: Videos of ``'train'`` and ``'test'``.
        classes: Names by label.
        fps: Frame rate of the videos.
    """
    return {
        video.name: dict(
            subset='Validation' if split == 'train' else 'Test',
            fps=fps,
            duration=video.num_frames / fps,
            annotations=[
                dict(
                    label=kind,
                    label_id=classes.index(kind),
                    segment=[begin / fps, (end + 1) / fps],
                )
                for kind, begin, end in video.events
            ],
        )
        for split, videos in joined.items()
        for video in videos
    }
