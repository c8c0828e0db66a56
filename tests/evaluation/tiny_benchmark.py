"""A bias benchmark of a few tiny video files, for tests."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from mmengine.registry import init_default_scope

from albar_mm.utils.files import write_json_lines

from ..video_files import write_frames

SIZE, NUM_FRAMES = 32, 8
#: source video -> (label, variants); labels: 0 = brightness rises, 1 = it falls
SOURCES = {'rise_a': (0, 2), 'rise_b': (0, 1), 'fall_a': (1, 2)}


@pytest.fixture(autouse=True, scope='module')
def mmaction_scope():
    """Pipelines name mmaction's transforms without a scope, as in any MMAction2 config."""
    init_default_scope('mmaction')


def ramp(label, start=100, step=12):
    """Grey frames (T, H, W, 3) whose brightness rises (label 0) or falls (label 1)."""
    sign = 1 if label == 0 else -1
    levels = np.clip(start + sign * step * np.arange(NUM_FRAMES), 0, 255).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (NUM_FRAMES, SIZE, SIZE, 3)).copy()


def write_manifest(folder, rows):
    write_json_lines(Path(folder) / 'manifest.jsonl', rows)


def item_ids():
    """id -> (source video, label) of every OOD item."""
    items = SOURCES.items()
    return {f'{name}__{k}': (name, label) for name, (label, last) in items for k in range(last)}


def write_set(root, folder_name, frames_of, **extra):
    """Write one set; ``frames_of(item_id, label)`` gives the frames, ``extra`` manifest entries."""
    folder = Path(root) / folder_name
    rows = []
    for item, (video, label) in item_ids().items():
        write_frames(folder / f'{item}.avi', frames_of(item, label))
        row = dict(id=item, file=f'{item}.avi', label=label, video=video, seed=0, generator='test')
        rows.append(row | {key: value(label) for key, value in extra.items()})
    write_manifest(folder, rows)
    return folder


def write_benchmark(root, dataset='TOY', backgrounds=('Places365', 'Stripe')):
    """Write IID videos, SCUBA, SCUFO and Confl-FG; return the dataset's arguments."""
    root = Path(root)
    lines = []
    for name, (label, _) in SOURCES.items():
        write_frames(root / 'videos' / f'{name}.avi', ramp(label))
        lines.append(f'{name}.avi {label}')
    (root / 'test.txt').write_text('\n'.join(lines) + '\n')
    for start, background in zip(itertools.count(90, 10), backgrounds):

        def moving(item, label, start=start):
            return ramp(label, start)

        def still(item, label, moving=moving):
            return np.repeat(moving(item, label)[3:4], NUM_FRAMES, axis=0)

        write_set(root / 'bias', f'{dataset}_SCUBA_{background}', moving)
        write_set(root / 'bias', f'{dataset}_SCUFO_{background}', still, scufo_frame=lambda _: 3)
    conflict = dict(conflict_label=lambda label: 1 - label)
    write_set(
        root / 'bias', f'{dataset}_ConflFG_Stripe', lambda _, label: ramp(label, 120), **conflict
    )
    return dict(
        iid=dict(ann_file=str(root / 'test.txt'), data_prefix=dict(video=str(root / 'videos'))),
        bias_root=str(root / 'bias'),
        dataset=dataset,
        scuba=[name.lower() for name in backgrounds],
        scufo=[name.lower() for name in backgrounds],
        conflfg=['stripe'],
    )


def test_pipeline(clip_len=NUM_FRAMES, size=SIZE):
    return [
        dict(type='OpenCVInit'),
        dict(type='SampleFrames', clip_len=clip_len, frame_interval=1, num_clips=1, test_mode=True),
        dict(type='OpenCVDecode'),
        dict(type='Resize', scale=(size, size), keep_ratio=False),
        dict(type='FormatShape', input_format='NCTHW'),
        dict(type='PackActionInputs'),
    ]


test_pipeline.__test__ = False
