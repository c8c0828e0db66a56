"""Background families: stripes, and folders of images."""

import hashlib
import io
import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from ..utils.errors import DatasetError, reading, reason_of
from ..utils.files import read_bytes
from .seeds import item_rng, item_seed
from .stripes import stripe_image

IMAGE_ENDINGS = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.ppm')
MIN_SIDE = 64
"""Images with a shorter side than this, in px, are refused unless asked otherwise."""
_REDRAWS = 1000
_KEPT_IMAGES = 64


class BackgroundFamily(Protocol):
    """Where the backgrounds of one set come from.

    Attributes:
        name: As in the folder of the set, e.g. ``'Places365'``; its lower case is in the rows.
    """

    name: str

    def identity(self) -> dict[str, Any]:
        """What must be the same for a build to go on; plain JSON."""

    def draw(self, seed: int, video_id: str, k: int) -> dict[str, Any]:
        """Entries of the manifest row that say which image it is; plain JSON."""

    def image(self, row: Mapping[str, Any]) -> np.ndarray:
        """The image that a row names, uint8 RGB (h, w, 3), at its own size."""


class Stripes:
    """Sinusoid stripes, a new image for every item (:mod:`albar_mm.compositing.stripes`)."""

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
        digest, number = listing.hexdigest(), len(self.files)
        return dict(name=self.name, images=number, listing_sha256=digest, min_side=self.min_side)

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
