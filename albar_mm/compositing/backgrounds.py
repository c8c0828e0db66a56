"""Background families: sinusoid stripes (Li et al., StillMix, ICCV 2023), and folders of images.

All randomness of a benchmark comes from a hash of what is being drawn.
"""

import hashlib
import io
import json
import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..utils.errors import DatasetError, reading, reason_of
from ..utils.files import read_bytes


def item_seed(seed: int, video_id: str, k: int, family: str, purpose: str) -> int:
    """Seed of one draw, in [0, 2**32): the first 32 bits of the SHA-256 of its name.

    It depends on nothing else: not on the order of the work, the number of processes or which other
    videos there are. The name is the seed of the benchmark, the source video, its variant k from 0,
    the background family in lower case, and what is drawn, e.g. ``'background'``.
    """
    name = json.dumps([seed, video_id, k, family, purpose], separators=(',', ':'))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], 'big')


def item_rng(seed: int, video_id: str, k: int, family: str, purpose: str) -> np.random.RandomState:
    """Generator of one draw; see :func:`item_seed`. Its stream is fixed by NumPy for good."""
    return np.random.RandomState(item_seed(seed, video_id, k, family, purpose))


CANVAS = 384
"""Side of the square that is painted before rotation, in px: 1.5 x the output side."""
SIDE = 256
"""Side of the returned image, in px."""
#: row about which the curve swings. The source paints a 256-row curve on a 384-row canvas
_OFFSET = 128.0
#: first copy of a band is clipped here, not at the canvas border (kept for fidelity)
_CLIP = 255


def stripe_columns(
    y: np.ndarray, half_thickness: float, spacing: float, canvas: int = CANVAS
) -> np.ndarray:
    """Painted rows of the canvas columns: bool, shape (canvas, W), True where the colour goes.

    ``y`` is the row of the curve in each of W columns, ``half_thickness`` that of a band,
    ``spacing`` the distance between two, more than 1; all in px.
    """
    low = np.maximum(0, y - half_thickness).astype(np.int64)
    high = np.minimum(_CLIP, y + half_thickness).astype(np.int64)
    copies = np.arange(-int(_CLIP / spacing) - 1, int(canvas / spacing) + 2)
    shifts = copies[:, None] * spacing
    # the source truncates toward 0, as astype does
    starts = (low + shifts).astype(np.int64).clip(0, canvas)
    ends = (high + shifts).astype(np.int64).clip(0, canvas)
    # a band begins with +1 and ends with -1: the running sum counts the bands over a pixel
    steps = np.zeros((canvas + 1, len(y)), np.int16)
    flat, columns = steps.reshape(-1), np.arange(len(y))
    np.add.at(flat, (starts * len(y) + columns).reshape(-1), np.int16(1))
    np.subtract.at(flat, (ends * len(y) + columns).reshape(-1), np.int16(1))
    return steps.cumsum(0, dtype=np.int16)[:-1] > 0


def stripe_image(rng: np.random.RandomState) -> np.ndarray:
    """Draw one random image of rotated sinusoid stripes: uint8 RGB (256, 256, 3) of two colours.

    All parameters are uniform: base colour in [0, 1)^3 and its complement, half-thickness 5-20 px,
    spacing 3-5 half-thicknesses, period 4-1004 px, amplitude 10-110 px, rotation 0-360 degrees. The
    same state of ``rng`` gives the same image.
    """
    base = rng.uniform(0, 1, size=3)
    half_thickness = rng.uniform(5, 20)
    spacing = half_thickness * rng.uniform(3, 5)
    omega = 2 * np.pi / rng.uniform(4, 1004)
    phase = omega * rng.uniform(-100, 100)
    amplitude = rng.uniform(10, 110)
    angle = rng.uniform(0, 360)

    y = amplitude * np.sin(omega * np.arange(CANVAS) + phase) + _OFFSET
    painted = stripe_columns(y, half_thickness, spacing)
    turned = Image.fromarray(painted.astype(np.uint8)).rotate(angle, Image.NEAREST, expand=True)
    left, top = (turned.width - SIDE) // 2, (turned.height - SIDE) // 2
    centre = turned.crop((left, top, left + SIDE, top + SIDE))
    colours = (255 * np.stack([base, 1 - base])).astype(np.uint8)
    centre.putpalette(colours.tobytes())  # much faster than to index an array of colours
    return np.asarray(centre.convert('RGB'))


IMAGE_ENDINGS = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.ppm')
MIN_SIDE = 64
"""Images with a shorter side than this, in px, are refused unless asked otherwise."""
_REDRAWS = 1000
_KEPT_IMAGES = 64


class Stripes:
    """Sinusoid stripes, a new image for every item.

    A family has a ``name``, as in the folder of the set (its lower case is in the rows);
    ``identity()``, what must be the same for a build to go on, and ``draw()``, the entries of the
    manifest row that say which image it is, both plain JSON; and ``image(row)``, the image that a
    row names, uint8 RGB (h, w, 3), at its own size.
    """

    name = 'Stripe'

    def identity(self) -> dict[str, Any]:
        return dict(name=self.name)

    def draw(self, seed: int, video_id: str, k: int) -> dict[str, Any]:
        return dict(stripe_seed=item_seed(seed, video_id, k, self.name.lower(), 'background'))

    def image(self, row: Mapping[str, Any]) -> np.ndarray:
        return stripe_image(np.random.RandomState(row['stripe_seed']))


class ImageFolder:
    """Colour images of a folder and its sub-folders, drawn with replacement.

    Grey-scale images (one channel, or equal channels), files that are no readable image and images
    with a side shorter than ``min_side`` are refused and another one is drawn. Images are looked at
    when they are drawn, for a folder may hold hundreds of thousands. Alpha is dropped; the
    orientation tag of a photo is not followed.

    Args:
        name: Name of the family, letters, digits and hyphens, e.g. ``'Places365'``.
        folder: The folder.
        min_side: Shortest side allowed, in px.

    Raises:
        DatasetError: The name or the folder cannot be used.
    """

    def __init__(self, name: str, folder: str | os.PathLike, min_side: int = MIN_SIDE) -> None:
        if not name.replace('-', '').isalnum() or name.lower() in ('avg', 'stripe', 'original'):
            raise DatasetError(
                f'--backgrounds {name}=...: not a name for a family; use letters, digits and '
                'hyphens, and not avg, stripe or original'
            )
        self.name, self.folder, self.min_side = name, Path(folder), min_side
        if not self.folder.is_dir():
            raise DatasetError(f'{folder}: no such folder of background images (family {name})')
        self.files = sorted(
            Path(place, file).relative_to(self.folder).as_posix()
            for place, _, files in os.walk(self.folder)
            for file in files
            if file.lower().endswith(IMAGE_ENDINGS) and not file.startswith('.')
        )
        self._checked: dict[str, tuple[str, str]] = {}
        if not self.files:
            raise DatasetError(
                f'{folder}: holds no images ({", ".join(IMAGE_ENDINGS)}) for the backgrounds {name}'
            )

    def identity(self) -> dict[str, Any]:
        listing = hashlib.sha256('\n'.join(self.files).encode(errors='surrogateescape'))
        return dict(
            name=self.name,
            images=len(self.files),
            listing_sha256=listing.hexdigest(),
            min_side=self.min_side,
        )

    def draw(self, seed: int, video_id: str, k: int) -> dict[str, Any]:
        rng = item_rng(seed, video_id, k, self.name.lower(), 'background')
        number = len(self.files)
        for _ in range(_REDRAWS):
            index = int(rng.randint(number))
            if not self._look(self.files[index])[0]:
                break
        else:  # nearly all are refused: take the next one that is not
            following = (i % number for i in range(index, index + number))
            index = next((i for i in following if not self._look(self.files[i])[0]), -1)
        if index < 0:
            raise DatasetError(
                f'{self.folder}: all {number} images are refused as backgrounds {self.name}, '
                f'{self.files[0]} as {self._look(self.files[0])[0]}; expected colour images of at '
                f'least {self.min_side} px a side'
            )
        file = self.files[index]
        return dict(background_file=file, background_sha256=self._look(file)[1])

    def image(self, row: Mapping[str, Any]) -> np.ndarray:
        path = self.folder / row['background_file']
        content = read_bytes(path)
        if hashlib.sha256(content).hexdigest() != row['background_sha256']:
            raise DatasetError(
                f'{path}: not the image that the manifest was made with (its SHA-256 differs); '
                'restore it, or build again'
            )
        with reading(path, 'a background'):
            return _colour(content)

    def report(self, at_most: int = 2000) -> dict[str, Any]:
        """``images``, ``looked_at`` (both numbers) and ``refused`` (``file`` and ``reason`` each).

        All images of a folder of at most so many are looked at first, so that every refused one is
        listed.
        """
        for file in self.files if len(self.files) <= at_most else ():
            self._look(file)
        checked = sorted(self._checked.items())
        refused = [dict(file=file, reason=reason) for file, (reason, _) in checked if reason]
        return dict(images=len(self.files), looked_at=len(checked), refused=refused)

    def __getstate__(self) -> dict[str, Any]:
        # worker processes read the images that rows name; they draw none
        return dict(self.__dict__, files=[], _checked={})

    def _look(self, file: str) -> tuple[str, str]:
        """Why an image is refused ('' if it is not) and its SHA-256."""
        if file not in self._checked:
            try:
                content = read_bytes(self.folder / file)
                reason = _refused(_colour(content), self.min_side)
                self._checked[file] = reason, hashlib.sha256(content).hexdigest()
            except Exception as error:  # noqa: BLE001  a broken image can fail in any way
                self._checked[file] = f'unreadable: {reason_of(error)}', ''
        return self._checked[file]


BackgroundFamily = Stripes | ImageFolder


class Backgrounds:
    """All families of a benchmark; gives the stretched background of any row.

    Args:
        families: The families; names differ.

    Raises:
        DatasetError: None, or two of one name.
    """

    def __init__(self, families: Iterable[BackgroundFamily]) -> None:
        self.families = tuple(families)
        self._by_name = {family.name.lower(): family for family in self.families}
        if len(self._by_name) < len(self.families) or not self.families:
            names = ', '.join(family.name for family in self.families) or 'none'
            raise DatasetError(f'--backgrounds: expected different names, got {names}')

    def of_row(self, row: Mapping[str, Any], height: int, width: int) -> np.ndarray:
        """The background of an item, stretched to the video's size by PIL's default filter.

        Args:
            row: Row of a manifest.
            height: Of the video, in px.
            width: Of the video, in px.

        Returns:
            uint8 RGB, shape (height, width, 3), read-only.

        Raises:
            DatasetError: The image is gone or another one, or its family is not known here.
        """
        family = self._by_name.get(row['background'])
        if family is None:
            raise DatasetError(
                f'no folder was given for the backgrounds {row["background"]!r}; '
                'name it with --backgrounds NAME=FOLDER'
            )
        keys = ('stripe_seed', 'background_file', 'background_sha256')
        entries = tuple((key, row[key]) for key in keys if key in row)
        return _stretched(family, entries, height, width)


@lru_cache(_KEPT_IMAGES)
def _stretched(
    family: BackgroundFamily, entries: tuple[tuple[str, Any], ...], height: int, width: int
) -> np.ndarray:
    return np.asarray(Image.fromarray(family.image(dict(entries))).resize((width, height)))


def parse_background(text: str, min_side: int = MIN_SIDE) -> BackgroundFamily:
    """Read ``stripe`` or ``NAME=FOLDER``; ``min_side`` is for folders of images.

    Raises:
        DatasetError: It is neither, or the folder cannot be used.
    """
    if text.lower() == 'stripe':
        return Stripes()
    name, equals, folder = text.partition('=')
    if not (name and equals and folder):
        raise DatasetError(
            f"--backgrounds {text}: expected 'stripe' or NAME=FOLDER, e.g. Places365=/data/test_256"
        )
    return ImageFolder(name, folder, min_side)


def _colour(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        if image.mode in ('L', 'LA', '1', 'I', 'F') or image.mode.startswith('I;'):
            # one channel is grey whatever its depth, and deep ones do not convert
            return np.zeros((image.height, image.width, 3), np.uint8)
        return np.asarray(image.convert('RGB'))


def _refused(image: np.ndarray, min_side: int) -> str:
    height, width = image.shape[:2]
    if min(height, width) < min_side:
        return f'too small: {width}x{height} px'
    if (image == image[..., :1]).all():
        return 'grey-scale'
    return ''
