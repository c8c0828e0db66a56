"""Every data set that a config tests on, tiny, where a user's commands put it.

Lists and videos lie as ``tools/prepare_dataset.py`` writes them; the sets are built by
``tools/build_bias_benchmark.py`` without ``--out``, those of other people written in their form.
"""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

from albar_mm.annotations.manifest import read_rows
from albar_mm.annotations.official_lists import SPECS
from albar_mm.bias_sets.presets import PRESETS
from albar_mm.video.avi import avi_bytes, encode_frames
from albar_mm.video.source_video import read_frames

from ..bias_sets.toy_benchmark import write_photos
from ..in_process import run_tool

SIDE, FRAMES, FPS = 32, 8, 30
#: data set -> class folder and name of its test videos; all of them are of one length
VIDEOS = {
    'hmdb51': ('wave/Juggling_wave_u_cm_np1_fr_med_0', 'jump/Parkour_#2_jump_f_cm_np1_ba_goo_1'),
    'jhmdb21': ('wave/Juggling_wave_u_cm_np1_fr_med_0', 'jump/Parkour_@2_jump_f_cm_np1_ba_goo_1'),
    'ucf101': ('Biking/v_Biking_g01_c01', 'Diving/v_Diving_g02_c03'),
    'kinetics400': ('air drumming/a1_000001_000011', 'zumba/b-2_000010_000020'),
}
IMAGES = ['Places365=data/places365/test_256', 'VQGAN=data/vqgan']
#: preset -> its masks, and its images as ``--backgrounds``
BUILDS = {
    'hmdb51': ('jhmdb:data/hmdb51/masks', IMAGES),
    'jhmdb21': ('jhmdb:data/jhmdb21/masks', ['photos=data/backgrounds']),
    'ucf101': ('png:data/ucf101/masks', IMAGES),
    'ucf101-boxes': ('boxes:data/ucf101/boxes.txt', IMAGES),
    'kinetics400': ('union(png:data/kinetics400/masks,png:data/kinetics400/masks)', IMAGES),
}


def write_everything(root: Path) -> dict[str, int]:
    """Write ``root/data``.

    Returns:
        Exit status of the builder, by preset.
    """
    for name in ('places365/test_256', 'vqgan', 'backgrounds'):
        write_photos(root / 'data' / name)
    for name in VIDEOS:
        write_data_set(root / 'data' / name, name)
    write_list(root / 'data' / 'aras' / 'test.txt', 'kinetics400')
    (root / 'data' / 'aras' / 'videos').symlink_to(root / 'data' / 'kinetics400' / 'videos')
    boxes = ''.join(
        f'{video} {n} {x} 4 {x + 16} 28\n'
        for video in VIDEOS['ucf101']
        for n in range(1, FRAMES + 1)
        for x in (2, 14)
    )
    (root / 'data' / 'ucf101' / 'boxes.txt').write_text(boxes)
    words = '--train 8 --val 8 --test 8 --no-unbiased --workers 1'.split()
    assert run_tool('prepare_dataset', 'motion_sprites', *words, folder=root).returncode == 0
    statuses = {}
    for name in PRESETS:
        masks, images = BUILDS[name]
        words = ['--masks', masks, '--backgrounds', 'stripe', *images, '--workers', 1]
        done = run_tool('build_bias_benchmark', 'build', name, *words, folder=root)
        assert not done.stderr, done.stderr
        statuses[name] = done.returncode
    write_stillmix(root / 'data' / 'stillmix', root / 'data' / 'hmdb51' / 'bias')
    write_albar(root / 'data' / 'albar', root / 'data' / 'hmdb51' / 'bias')
    return statuses


def write_data_set(folder: Path, name: str) -> None:
    """Write videos in which a square moves, its masks, and the list."""
    write_list(folder / f'test{SPECS[name].suffix.format(split=1)}.txt', name)
    for label, video in enumerate(VIDEOS[name]):
        frames = np.full((FRAMES, SIDE, SIDE, 3), 40 + 60 * label, np.uint8)
        masks = np.zeros(frames.shape[:3], bool)
        for t in range(FRAMES):
            masks[t, 4:20, 2 + t : 18 + t] = True
        frames[masks] = 220
        path = folder / 'videos' / f'{video}.avi'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(avi_bytes(encode_frames(frames, 'jpeg'), SIDE, SIDE, FPS, 'jpeg'))
        place = folder / 'masks' / video.replace('#', '@')  # as JHMDB names it
        if BUILDS[name][0].startswith('jhmdb'):
            place.parent.mkdir(parents=True, exist_ok=True)
            savemat(f'{place}.mat', {'part_mask': np.moveaxis(masks.astype(np.uint8), 0, 2)})
            continue
        place.mkdir(parents=True)
        for t, mask in enumerate(masks):
            Image.fromarray(mask).save(place / f'{t + 1:05}.png')


def write_list(path: Path, name: str) -> None:
    """Write the test list of a data set."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (f'{v}.avi{SPECS[name].delimiter}{label}\n' for label, v in enumerate(VIDEOS[name]))
    path.write_text(''.join(lines))


def pictures(folder: Path):
    """Id, label and JPEGs of every item of a built set."""
    for row in read_rows(folder):
        jpegs = []
        for frame in read_frames(folder / row['file']):
            content = io.BytesIO()
            Image.fromarray(frame).save(content, 'JPEG')
            jpegs.append(content.getvalue())
        yield row['id'], row['label'], jpegs


def write_stillmix(root: Path, built: Path) -> None:
    """SCUBA as folders of frames and lists."""
    for name in ('Places365', 'VQGAN', 'Stripe'):
        lines = []
        for item, label, jpegs in pictures(built / f'HMDB51_SCUBA_{name}'):
            (root / name.lower() / item).mkdir(parents=True)
            for number, jpeg in enumerate(jpegs, 1):
                (root / name.lower() / item / f'frame{number:06}.jpg').write_bytes(jpeg)
            lines.append(f'{item} {len(jpegs)} {label}\n')
        (root / f'{name.lower()}.txt').write_text(''.join(lines))


def write_albar(root: Path, built: Path) -> None:
    """SCUBA and Confl-FG as zips of frames, SCUFO as pictures."""
    for folder in sorted(built.glob('HMDB51_*')):
        (root / folder.name).mkdir(parents=True)
        for item, _, jpegs in pictures(folder):
            place = root / folder.name / item
            if 'SCUFO' in folder.name:
                Path(f'{place}.jpg').write_bytes(jpegs[0])
                continue
            with zipfile.ZipFile(f'{place}.zip', 'w') as archive:
                for number, jpeg in enumerate(jpegs, 1):
                    archive.writestr(f'{number:06}.jpg', jpeg)
