"""Frames as files: a folder of images, a zip of images, a single image. Nothing is extracted."""

import os
import zipfile
from pathlib import Path, PurePosixPath

from ..utils.errors import BadVideoError, reason_of

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
        raise BadVideoError.of(str(path), f'not a readable zip ({error})') from error
    names: set[str] = set()
    for member in members:
        reason = 'comes twice' if member.filename in names else _refusal(member)
        if reason:
            raise BadVideoError.of(str(path), f'member {member.filename!r} {reason}')
        if not member.is_dir():
            names.add(member.filename)
    if not names:
        raise BadVideoError.of(str(path), 'it holds no frames')
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
        self._suffix = self.path.suffix.lower()
        self._names: list[str] | None = None

    def read(self, index: int) -> tuple[str, bytes]:
        """Name and bytes of one frame.

        Args:
            index: See the class.

        Raises:
            BadVideoError: It does not exist or cannot be read.
        """
        if self._suffix == '.zip':
            return self._read_member(index)
        alone = self._suffix in IMAGE_SUFFIXES
        if alone and index != 0:
            raise BadVideoError.of(str(self.path), f'a single image has no frame {index}')
        file = self.path if alone else self.path / self.pattern.format(index)
        try:
            return file.name, file.read_bytes()
        except OSError as error:
            reason = f'frame {file.name}: {reason_of(error)}'
            raise BadVideoError.of(str(self.path), reason) from error

    def _read_member(self, index: int) -> tuple[str, bytes]:
        self._names = self._names or zip_frame_names(self.path)
        if not 0 <= index < len(self._names):
            reason = f'it holds {len(self._names)} frames, frame {index} was asked for'
            raise BadVideoError.of(str(self.path), reason)
        name = self._names[index]
        try:
            with zipfile.ZipFile(self.path) as archive:
                return name, archive.read(name)
        except Exception as error:  # zlib, lzma and zipfile each have errors of their own
            reason = f'member {name!r} is damaged ({error})'
            raise BadVideoError.of(str(self.path), reason) from error


def _refusal(member: zipfile.ZipInfo) -> str:
    """Why a member may not be there, or ''."""
    # ZipInfo has turned the system's own separators into '/', but not those of other systems
    path = PurePosixPath(member.orig_filename.replace('\\', '/'))
    rooted = path.is_absolute() or (path.parts and path.parts[0].endswith(':'))
    a_file = not member.is_dir()
    for wrong, reason in (
        ('..' in path.parts, "leads out of the archive ('..')"),
        (rooted, 'has an absolute name'),
        ('\0' in member.orig_filename, 'has a name with a NUL byte'),
        (
            a_file and path.suffix.lower() not in IMAGE_SUFFIXES,
            f'is no image ({", ".join(IMAGE_SUFFIXES)})',
        ),
        (a_file and member.flag_bits & 1, 'is encrypted'),
        (
            a_file and member.file_size > MAX_FRAME_BYTES,
            f'unpacks to {member.file_size >> 20} MiB, too much for a frame',
        ),
    ):
        if wrong:
            return reason
    return ''
