"""What ``compositing.py`` times: loading on the fly and plainly, export and the published order."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from PIL import Image

from albar_mm.annotations.manifest import read_rows
from albar_mm.bias_sets.build import build_benchmark
from albar_mm.bias_sets.masks.folders import JhmdbMasks
from albar_mm.bias_sets.settings import BuildSettings
from albar_mm.bias_sets.sources import read_source_list
from albar_mm.compositing.backgrounds import ImageFolder, Stripes
from albar_mm.compositing.kept import forget_materials
from albar_mm.datasets import OnTheFlyBenchmarkDataset, RobustVideoDataset
from albar_mm.video.source_video import frame_cache, read_frames

Pairs = list[tuple[float, float]]
FRAMES, VARIANTS, EXPORTED = 40, 10, 6
PIPELINE = [
    dict(type='DecordInit'),
    dict(type='BiasSampleFrames', clip_len=32, frame_interval=2, num_clips=1, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 256)),
    dict(type='CenterCrop', crop_size=224),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs'),
]


class Clips:
    """Some 40-frame test clips and a SCUBA benchmark of them without videos.

    Args:
        data: Folder with ``hmdb51_jhmdb21/`` and ``backgrounds/colour/``.
        folder: Where to build.
        count: Number of clips.
    """

    def __init__(self, data: Path, folder: Path, count: int) -> None:
        self.source, self.folder = data / 'hmdb51_jhmdb21', folder
        self.photos, self.videos = folder / 'photos', self.source / 'videos'
        _shrink(data / 'backgrounds' / 'colour', self.photos)
        with (self.source / 'index.csv').open(newline='') as stream:
            rows = [
                r
                for r in csv.DictReader(stream)
                if int(r['frames']) == FRAMES and r['hmdb51_split1'] == 'test'
            ]
        classes = sorted({row['class'] for row in rows})
        rows = rows[:: max(1, len(rows) // count)][:count]
        self.names = sorted(f'{row["class"]}/{row["video"]}' for row in rows)
        if not (self.videos / self.names[0]).suffix:
            self.names = [f'{name}.avi' for name in self.names]
        self.list_file = folder / 'test.txt'
        lines = (f'{name} {classes.index(name.partition("/")[0])}\n' for name in self.names)
        self.list_file.write_text(''.join(lines))
        self.root = folder / 'bias'
        self.build(self.root, 'none', os.cpu_count() or 1, len(self.names))

    def build(self, root: Path, encoding: str, workers: int, count: int) -> float:
        """Build SCUBA of the first clips; returns the seconds it took."""
        families = (Stripes(), ImageFolder('photos', self.photos))
        if encoding != 'none':
            families = families[1:]
        settings = BuildSettings(
            'JHMDB21',
            families,
            per_video=VARIANTS,
            sets=('scuba',),
            encoding=encoding,
            masks=JhmdbMasks(self.source / 'masks'),
        )
        sources = read_source_list(self.list_file, self.videos)
        sources = sources.without({v.video_id: '-' for v in sources.videos[count:]})
        start = time.perf_counter()
        with redirect_stdout(io.StringIO()):
            build_benchmark(root, settings, sources, workers=workers)
        return time.perf_counter() - start


def loading_seconds(
    clips: Clips, family: str, first: bool, rounds: int, say: Callable[[str], None]
) -> tuple[Pairs, Pairs]:
    """Seconds per clip and processor seconds per clip, on the fly and plainly.

    Args:
        clips: The clips.
        family: Background family.
        first: Read one variant of each video, with nothing kept in memory; else all variants.
        rounds: Times that each is read.
        say: Called with the progress.
    """
    on_the_fly = OnTheFlyBenchmarkDataset(
        PIPELINE,
        videos=clips.videos,
        backgrounds=dict(photos=clips.photos),
        scuba=[family],
        scufo=[],
        conflfg=[],
        bias_root=clips.root,
        dataset='JHMDB21',
    )
    plain = RobustVideoDataset(
        ann_file=str(clips.list_file),
        data_prefix=dict(video=str(clips.videos)),
        pipeline=PIPELINE,
        test_mode=True,
    )
    place = {plain.get_data_info(i)['filename']: i for i in range(len(plain))}
    infos = [on_the_fly.get_data_info(i) for i in range(len(on_the_fly))]
    videos: dict[str, list[int]] = {}
    for index, info in enumerate(infos):
        videos.setdefault(info['filename'], []).append(index)
    wall, cpu = [], []
    plain[0], on_the_fly[0]  # whatever is slow once
    for number in range(rounds):
        for turn, (video, items) in enumerate(sorted(videos.items())):
            frame_cache(on_the_fly.cache_mib).clear()
            forget_materials()
            chosen = items[:1] if first else items
            sides = [
                lambda c=chosen: [on_the_fly[i] for i in c],
                lambda c=chosen, v=video: [plain[place[v]] for _ in c],
            ]
            seconds = _timed(sides, (number + turn) % 2)
            wall.append(tuple(s[0] / len(chosen) for s in seconds))
            cpu.append(tuple(s[1] / len(chosen) for s in seconds))
        say(f'loading {family}, {"first" if first else "variants"}: round {number + 1}/{rounds}')
    return wall, cpu


def memory_seconds(clips: Clips, rounds: int, say: Callable[[str], None]) -> Pairs:
    """Seconds per clip of plain loading, freed memory kept and given back, in fresh processes.

    Args:
        clips: The clips.
        rounds: Number of processes of each kind.
        say: Called with the progress.
    """
    program = str(Path(__file__).with_name('_plain_loading.py'))
    pairs: Pairs = []
    for number in range(rounds):
        found = {}
        for keep in ('keep', 'return')[:: (-1) ** number]:
            command = [sys.executable, program, str(clips.list_file), str(clips.videos), keep]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found[keep] = json.loads(done.stdout.splitlines()[-1])
        pairs += zip(found['keep'], found['return'], strict=True)
        say(f'freed memory kept: round {number + 1}/{rounds}')
    return pairs


def export_seconds(clips: Clips, workers: int, rounds: int, say: Callable[[str], None]) -> Pairs:
    """Seconds per video: ours with some processes, and the published order in one.

    Args:
        clips: The clips; the first few are exported.
        workers: Processes of ours.
        rounds: Number of pairs.
        say: Called with the progress.
    """
    count = min(EXPORTED, len(clips.names))
    pairs = []
    for number in range(rounds):
        ours, theirs = clips.folder / 'ours', clips.folder / 'theirs'
        sides = [
            lambda o=ours: clips.build(o, 'jpeg', workers, count),
            lambda t=theirs: published_order(clips, t, count),
        ]
        pairs.append(tuple(wall / count for wall, _ in _timed(sides, number % 2)))
        written = [len(list(ours.rglob('*.avi'))) * FRAMES, len(list(theirs.rglob('*.jpg')))]
        if len(set(written)) > 1:
            raise RuntimeError(f'the two sides of the export wrote {written} frames')
        shutil.rmtree(ours)
        shutil.rmtree(theirs)
        say(f'export: round {number + 1}/{rounds}: {pairs[-1][0]:.2f} and {pairs[-1][1]:.2f} s')
    return pairs


def published_order(clips: Clips, folder: Path, count: int) -> None:
    """Export as the published generator does, with the backgrounds of our rows.

    Args:
        clips: The clips.
        folder: Where to write.
        count: Number of videos.
    """
    rows = [r for r in read_rows(clips.root / 'JHMDB21_SCUBA_photos')]
    names = sorted({row['video'] for row in rows}, key=lambda v: Path(v).stem)[:count]
    for row in (row for row in rows if row['video'] in names):
        frames = read_frames(clips.videos / row['video'])
        mat = clips.source / 'masks' / Path(row['video']).with_suffix('.mat')
        masks = scipy.io.loadmat(mat)['part_mask'].transpose(2, 0, 1)
        target = folder / row['id']
        target.mkdir(parents=True)
        image = Image.open(clips.photos / row['background_file']).convert('RGB')
        for number, (frame, mask) in enumerate(zip(frames, masks, strict=False), 1):
            still = np.array(image.resize(frame.shape[1::-1]))
            weight = (mask > 0)[..., None].astype(np.float64)
            mixed = (frame * weight + still * (1 - weight)).astype(np.uint8)
            Image.fromarray(mixed).save(target / f'frame{number:06}.jpg', quality=75)


def _shrink(source: Path, folder: Path) -> None:
    """Copy photos with a short side of 256 px, as the published backgrounds have."""
    folder.mkdir()
    for path in sorted(source.iterdir()):
        image = Image.open(path).convert('RGB')
        scale = 256 / min(image.size)
        image.resize([round(scale * side) for side in image.size]).save(folder / path.name)


def _timed(sides: list[Callable[[], Any]], swapped: int) -> list[tuple[float, float]]:
    """Seconds and processor seconds of each, run in one order or the other."""
    seconds = [(0.0, 0.0)] * len(sides)
    for index in (1, 0) if swapped else (0, 1):
        start, busy = time.perf_counter(), time.process_time()
        sides[index]()
        seconds[index] = time.perf_counter() - start, time.process_time() - busy
    return seconds
