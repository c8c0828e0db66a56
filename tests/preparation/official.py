"""Official split lists in miniature (or in full size), and MMAction2's own parsers of them."""

import csv
import importlib.util
import shutil
from pathlib import Path

import numpy as np

from albar_mm.compat import config as _compat_config

from ..video_files import write_frames


def write_jhmdb21(folder: Path, train: int = 5, test: int = 1) -> Path:
    """``index.csv`` and real videos of 21 classes; names as in HMDB51, with two clips a source."""
    rows = [('class', 'video', 'frames', 'mask_cover', 'hmdb51_split1')]
    for c in range(21):
        for i in range(train + test):
            part, source = ('train', f'#{i // 2}_(a)!&') if i < train else ('test', 'other')
            name = f'{source}_c{c:02d}_f_nm_np1_fr_goo_{i}'
            rows.append((f'c{c:02d}', name, 6, 0.2, part))
            first = folder / 'videos' / 'c00' / f'{rows[1][1]}.avi'
            if not first.exists():
                write_frames(first, (np.full((32, 32, 3), 20 * t, np.uint8) for t in range(6)))
            target = folder / 'videos' / f'c{c:02d}' / f'{name}.avi'
            if target != first:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(first, target)
    with open(folder / 'index.csv', 'w', newline='') as stream:
        csv.writer(stream).writerows(rows)
    return folder


def write_ucf101(folder: Path) -> Path:
    """Lists of the official size of split 1: 9537 training and 3783 test entries."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f'Class{i:03d}' for i in range(101)]
    (folder / 'classInd.txt').write_text(''.join(f'{i} {n}\r\n' for i, n in enumerate(names, 1)))

    def video(i: int, first_group: int) -> str:
        name, rest = names[i % 101], i // 101
        group, clip = first_group + rest // 6, 1 + rest % 6
        return f'{name}/v_{name}_g{group:02d}_c{clip:02d}.avi'

    (folder / 'trainlist01.txt').write_text(
        ''.join(f'{video(i, 8)} {i % 101 + 1}\r\n' for i in range(9537))
    )
    (folder / 'testlist01.txt').write_text(''.join(f'{video(i, 1)}\r\n' for i in range(3783)))
    return folder


def write_kinetics400(folder: Path, train: int = 3, test: int = 1) -> Path:
    """CSV files of 400 classes; two names sort differently with a blank and with ``_``."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ['a b', 'aBc', *(f'doing thing {i:03d}' for i in range(398))]
    header = ('label', 'youtube_id', 'time_start', 'time_end', 'split')
    for part, count in (('train', train), ('val', test)):
        with open(folder / f'{part}.csv', 'w', newline='') as stream:
            writer = csv.writer(stream)
            writer.writerow(header)
            for c, name in enumerate(names):
                for i in range(count):
                    writer.writerow((name, f'-{part}_{c:03d}{i}', 10 * i, 10 * i + 10, part))
    return folder


def mmaction2_parsers():
    """MMAction2's ``tools/data/parse_file_list.py`` as a module."""
    root = Path(_compat_config.get_installed_path('mmaction2'))
    path = root / '.mim' / 'tools' / 'data' / 'parse_file_list.py'
    spec = importlib.util.spec_from_file_location('parse_file_list', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
