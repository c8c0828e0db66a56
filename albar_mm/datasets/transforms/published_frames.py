"""Decoding the frames of published sets: folders, zips and single images."""

from contextlib import suppress

import mmcv
import numpy as np
from mmaction.datasets.transforms import RawFrameDecode
from mmaction.registry import TRANSFORMS

from ...utils.errors import BadVideoError
from ...video.frame_files import FrameFiles


@TRANSFORMS.register_module()
class PublishedFrameDecode(RawFrameDecode):
    """``RawFrameDecode`` for the sets as StillMix and ALBAR published them.

    Reads images of a folder, of a zip (in memory, nothing is extracted) or a single image. Takes
    the place of ``DecordInit`` and ``DecordDecode``; :class:`StillMixBenchmarkDataset` and
    :class:`ALBARBenchmarkDataset` give what it needs. A frame that is missing, damaged or of
    another size than the first is an error that names the file; MMAction2's own step does not see
    a truncated JPEG.

    Args:
        decoding_backend: mmcv's image decoder.

    Example:
        >>> pipeline = [
        ...     dict(type='BiasSampleFrames', clip_len=32, frame_interval=2, num_clips=1,
        ...          test_mode=True),
        ...     dict(type='PublishedFrameDecode'), ...]
    """

    def __init__(self, decoding_backend: str = 'cv2') -> None:
        super().__init__(decoding_backend=decoding_backend)

    def transform(self, results: dict) -> dict:
        """Set ``imgs`` (uint8 RGB), ``original_shape`` and ``img_shape`` (height, width).

        Args:
            results: ``filename`` (folder, zip or image), ``frame_inds`` and, for a folder,
                ``filename_tmpl``.

        Raises:
            BadVideoError: A frame cannot be read; names the file and the frame.
        """
        mmcv.use_backend(self.decoding_backend)
        files = FrameFiles(results['filename'], results.get('filename_tmpl', ''))
        decoded: dict[int, np.ndarray] = {}
        indices = np.ravel(results['frame_inds']).tolist()
        for index in indices:
            if index not in decoded:
                decoded[index] = self._decode(files, *files.read(index))
        shapes = {image.shape[:2] for image in decoded.values()}
        if len(shapes) > 1:
            raise BadVideoError.of(str(files.path), f'its frames differ in size: {sorted(shapes)}')
        # copies, as later steps may change an image in place
        imgs = [
            decoded[i] if n == indices.index(i) else decoded[i].copy()
            for n, i in enumerate(indices)
        ]
        shape = imgs[0].shape[:2]
        return dict(results, imgs=imgs, original_shape=shape, img_shape=shape)

    def _decode(self, files: FrameFiles, name: str, data: bytes) -> np.ndarray:
        cut = data[:2] == b'\xff\xd8' and b'\xff\xd9' not in data
        image = None
        if data and not cut:
            with suppress(Exception):  # each decoder has errors of its own for bad bytes
                image = mmcv.imfrombytes(data, channel_order='rgb', backend=self.decoding_backend)
        if image is None:
            reason = 'is truncated' if cut else 'is no image that can be decoded'
            raise BadVideoError.of(str(files.path), f'frame {name} {reason}')
        return image
