"""Frames as files: a folder of images, a zip of images, a single image. Nothing is extracted."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path, PurePosixPath

from ..utils.errors import BadVideoError

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp')
#: a frame is a few hundred KB; a member beyond this is no frame
MAX_FRAME_BYTES = 64 << 20


def zip_frame_names(path: str | os.PathLike) -> list[str]:
    """Names of the frames in a zip, sorted, after checking every member.

    Args:
        path: The zip.

    Returns:
        At least one name.

    Raises:
        BadVideoError: No zip, an empty one, or one with a member that is no plain image inside it;
            names the zip and the member.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise _bad(path, f'not a readable zip ({error})') from error
    names: set[str] = set()
    for member in members:
        reason = _refusal(member)
        if reason is None and member.filename in names:
            reason = 'comes twice'
        if reason is not None:
            raise _bad(path, f'member {member.filename!r} {reason}')
        if not member.is_dir():
            names.add(member.filename)
    if not names:
        raise _bad(path, 'it holds no frames')
    return sorted(names)


class FrameFiles:
    """Encoded frames of one item, by index.

    Args:
        path: A folder, a zip or an image.
        pattern: For a folder, file name by index, e.g. ``'frame{:06}.jpg'``. In a zip the index
            counts the sorted names, from 0; an image has index 0 alone.
    """

    def __init__(self, path: str | os.PathLike, pattern: str = '') -> None:
        self.path, self.pattern = Path(path), pattern
        self._is_zip = self.path.suffix.lower() == '.zip'
        self._is_image = self.path.suffix.lower() in IMAGE_SUFFIXES
        self._names: list[str] | None = None

    def read(self, index: int) -> tuple[str, bytes]:
        """Name and bytes of one frame.

        Args:
            index: See the class.

        Raises:
            BadVideoError: It does not exist or cannot be read.
        """
        if self._is_zip:
            return self._read_member(index)
        file = self.path if self._is_image else self.path / self.pattern.format(index)
        if self._is_image and index != 0:
            raise _bad(self.path, f'a single image has no frame {index}')
        try:
            return file.name, file.read_bytes()
        except OSError as error:
            raise _bad(self.path, f'frame {file.name}: {error.strerror or error}') from error

    def _read_member(self, index: int) -> tuple[str, bytes]:
        if self._names is None:
            self._names = zip_frame_names(self.path)
        if not 0 <= index < len(self._names):
            held = len(self._names)
            raise _bad(self.path, f'it holds {held} frames, frame {index} was asked for')
        name = self._names[index]
        try:
            with zipfile.ZipFile(self.path) as archive:
                return name, archive.read(name)
        except Exception as error:  # zlib, lzma and zipfile each have errors of their own
            raise _bad(self.path, f'member {name!r} is damaged ({error})') from error


def _refusal(member: zipfile.ZipInfo) -> str | None:
    """Why a member may not be there, or None."""
    # ZipInfo has turned the system's own separators into '/', but not those of other systems
    path = PurePosixPath(member.orig_filename.replace('\\', '/'))
    if '..' in path.parts:
        return "leads out of the archive ('..')"
    if path.is_absolute() or (path.parts and path.parts[0].endswith(':')):
        return 'has an absolute name'
    if '\0' in member.orig_filename:
        return 'has a name with a NUL byte'
    if member.is_dir():
        return None
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        return f'is no image ({", ".join(IMAGE_SUFFIXES)})'
    if member.flag_bits & 1:
        return 'is encrypted'
    if member.file_size > MAX_FRAME_BYTES:
        return f'unpacks to {member.file_size >> 20} MiB, too much for a frame'
    return None


def _bad(path: str | os.PathLike, reason: str) -> BadVideoError:
    return BadVideoError.of(str(path), reason)
