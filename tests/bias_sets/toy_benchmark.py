"""A benchmark small enough to be built again and again in tests."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

from albar_mm.bias_sets.build import build_benchmark
from albar_mm.bias_sets.masks.source import MaskResult, MaskSource
from albar_mm.bias_sets.settings import BuildSettings
from albar_mm.bias_sets.sources import read_source_list
from albar_mm.compositing.backgrounds import ImageFolder, Stripes
from albar_mm.utils.errors import DatasetError
from albar_mm.video.avi import avi_bytes, encode_frames

#: file -> (frames, height, width, label); two classes, odd and different sizes
VIDEOS = {
    'jump/jump_a.avi': (7, 48, 64, 0),
    'jump/jump_b (1)#&!.avi': (5, 48, 64, 0),
    'wave/wave_a.avi': (6, 51, 71, 1),
}
KINDS = ('SCUBA_Stripe', 'SCUBA_Photos', 'SCUFO_Stripe', 'SCUFO_Photos', 'ConflFG_Stripe')
SETS = [f'TOY_{kind}' for kind in KINDS]


def quiet(text):
    """Takes the place of print."""


def toy_frames(name):
    """Noise, another one in every frame: no two pixels agree by chance for long."""
    frames, height, width, _ = VIDEOS[name]
    rng = np.random.RandomState(sum(name.encode()))
    return rng.randint(0, 256, (frames, height, width, 3)).astype(np.uint8)


@dataclass
class RectangleMasks(MaskSource):
    """A rectangle that moves to the right, one column a frame.

    Attributes:
        missing: Videos without a mask file.
        blank: Video -> frames without a mask.
        wrong_size: Videos whose masks are one row short.
    """

    missing: tuple = ()
    blank: dict = field(default_factory=dict)
    wrong_size: tuple = ()
    name: str = 'rectangles'

    def files(self, video):
        if video.video_id in self.missing:
            raise DatasetError(f'{video.video_id}.mat: no such mask file')
        return []

    def settings(self):
        return {'name': self.name}

    def _make(self, video):
        shape = video.frames.shape[:3]
        masks = np.zeros(shape, bool)
        top = sum(video.video_id.encode()) % 10
        blank = self.blank.get(video.video_id, ())
        for t in range(len(masks)):
            masks[t, top : top + 20, 5 + t : 5 + t + 15] = t not in blank
        return MaskResult(masks[:, 1:] if video.video_id in self.wrong_size else masks)


def write_sources(folder: Path, names=tuple(VIDEOS)) -> Path:
    """Write lossless videos below ``folder/videos`` and return their list."""
    for name in names:
        path = folder / 'videos' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        frames = toy_frames(name)
        encoded = encode_frames(frames, 'lossless')
        path.write_bytes(avi_bytes(encoded, *frames.shape[1:3], 25, 'lossless'))
    (folder / 'label_map.txt').write_text('jump\nwave\n')
    lines = ''.join(f'{name} {VIDEOS[name][3]}\n' for name in names)
    (folder / 'test_split1.txt').write_text(lines)
    return folder / 'test_split1.txt'


def write_photos(folder: Path, number: int = 3) -> Path:
    """Write colour images of different sizes."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(number):
        rng = np.random.RandomState(n)
        pixels = rng.randint(0, 256, (70 + n, 90, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f'photo{n}.png')
    return folder


def settings_of(photos: Path | None = None, **changes) -> BuildSettings:
    """Stripes, and photos if there are any, two variants."""
    families = (Stripes(),) + ((ImageFolder('Photos', photos),) if photos else ())
    usual = {'per_video': 2, 'seed': 3, 'masks': RectangleMasks()}
    return BuildSettings('TOY', families, **{**usual, **changes})


def build(root, source_list, settings, masks=None, **options):
    """Build from a list as :func:`write_sources` makes it."""
    sources = read_source_list(source_list, source_list.parent / 'videos')
    settings = replace(settings, masks=masks or settings.masks)
    options = {'say': quiet, 'workers': 1, **options}
    return build_benchmark(root, settings, sources, **options)


def tree(root: Path) -> dict:
    """All files below a folder with their content."""
    files = (path for path in sorted(root.rglob('*')) if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}
