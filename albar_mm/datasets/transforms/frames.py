"""Which frames a clip is made of: sampled, decoded from published sets, and the static one."""

from contextlib import suppress
from typing import Any

import mmcv
import numpy as np
from mmaction.datasets.transforms import RawFrameDecode, SampleFrames
from mmaction.registry import TRANSFORMS

from ...models.utils.static_frames import check_frame_choice, fixed_frame_index
from ...utils.errors import BadVideoError
from ...utils.numbers import one_of
from ...video.frame_files import FrameFiles
from .video_fields import ShownTransform


@TRANSFORMS.register_module()
class BiasSampleFrames(SampleFrames):
    """``SampleFrames`` that says what happens to a clip shorter than asked for.

    It matters: every SCUBA clip of HMDB51 (at most 40 frames) is shorter than 32 frames at stride
    2. The policies, for 40 frames:

    - ``'loop'``: play on from the start, as MMAction2 and StillMix do: 0, 2, …, 38, 0, 2, …, 22.
    - ``'clamp'``: repeat the last sampled frame: 0, 2, …, 38, 38, …, 38.
    - ``'halve'``: as ALBAR's code (``build_clip``): with fewer than ``clip_len * frame_interval``
      frames take half the stride s, frame i being start + int(s * i), and repeat the last frame of
      the video: 0, 1, …, 31. In training the start is drawn from the first
      max(1, int(frames - s * clip_len)) frames, of long videos too, which is one start less than
      MMAction2 draws from; in testing a short video starts at frame 0 (of several clips, at equal
      distances up to max(0, frames - s * clip_len - 10)).

    Args:
        clip_len: Frames per clip.
        frame_interval: Stride, in frames; half of an odd one is no whole number: of 3 it gives the
            frames 0, 1, 3, 4, ….
        short: The policy.
        start: Where a single test clip of a long video starts: ``'centre'`` (MMAction2), or
            ``'first'``, frame 0, as in ALBAR's code.
        **kwargs: Further arguments of ``SampleFrames``, but not ``out_of_bound_opt``, which
            ``short`` replaces.

    Raises:
        ValueError: An unknown policy or start, or arguments that contradict them.

    Example:
        >>> step = dict(type='BiasSampleFrames', clip_len=32, frame_interval=2, num_clips=1,
        ...             test_mode=True, short='loop')
    """

    def __init__(
        self,
        clip_len: int,
        frame_interval: int = 1,
        short: str = 'loop',
        start: str = 'centre',
        **kwargs: Any,
    ) -> None:
        one_of(short, ('loop', 'clamp', 'halve'), 'BiasSampleFrames.short')
        one_of(start, ('centre', 'first'), 'BiasSampleFrames.start')
        single = kwargs.get('num_clips', 1) == 1 and kwargs.get('test_mode')
        others = ('temporal_jitter', 'target_fps', 'twice_sample', 'keep_tail_frames')
        for wrong, message in (
            ('out_of_bound_opt' in kwargs, ': set short, which replaces out_of_bound_opt'),
            (start == 'first' and not single, ".start='first' is for one clip with test_mode=True"),
            (
                short == 'halve' and any(kwargs.get(key) for key in others),
                f".short='halve' has strides and starts of its own: leave {', '.join(others)} out",
            ),
        ):
            if wrong:
                raise ValueError(f'BiasSampleFrames{message}')
        policy = 'loop' if short == 'loop' else 'repeat_last'
        super().__init__(clip_len, frame_interval, out_of_bound_opt=policy, **kwargs)
        self.short, self.start = short, start

    def transform(self, results: dict) -> dict:
        """Set ``frame_inds``, int32 of shape (clips * clip_len,).

        Args:
            results: ``total_frames`` and ``start_index``, the index of the first frame.

        Raises:
            ValueError: A video without frames.
        """
        total = results['total_frames']
        if total < 1:
            raise ValueError(f'BiasSampleFrames: {results.get("filename")} has no frames')
        short = total < self.clip_len * self.frame_interval
        if self.short != 'halve' or self.test_mode and not short:
            return super().transform(results)
        stride = self.frame_interval / 2 if short else self.frame_interval
        left = total - stride * self.clip_len
        if self.test_mode:
            starts = np.linspace(0, max(0, left - 10), self.num_clips).astype(int)
        else:
            starts = np.random.randint(max(1, int(left)), size=self.num_clips)
        frames = starts[:, None] + (stride * np.arange(self.clip_len)).astype(int)
        return dict(
            results,
            frame_inds=(np.minimum(frames, total - 1).ravel() + results['start_index']).astype(
                np.int32
            ),
            clip_len=self.clip_len,
            frame_interval=stride,
            num_clips=self.num_clips,
        )

    def _get_test_clips(self, num_frames: int, ori_clip_len: float) -> np.ndarray:
        offsets = super()._get_test_clips(num_frames, ori_clip_len)
        return np.zeros_like(offsets) if self.start == 'first' else offsets

    def __repr__(self) -> str:
        return f'{super().__repr__()[:-1]}, short={self.short!r}, start={self.start!r})'


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


@TRANSFORMS.register_module()
class StaticClip(ShownTransform):
    """Write into the data sample which frame becomes the static clip of the sample.

    Stands *after* ``PackActionInputs``. Only the index travels (metainfo ``static_frame``, int);
    the frame is taken and repeated on the device. ``'random'`` draws from numpy's global state,
    which MMEngine seeds per worker.

    Args:
        frame: ``'random'`` (default), ``'middle'`` (T // 2), ``'first'``, ``'last'``, or an index
            >= 0, clamped to the last frame.

    Raises:
        ValueError: For an illegal ``frame``.

    Example:
        >>> pipeline = [..., dict(type='PackActionInputs'), dict(type='StaticClip')]
    """

    def __init__(self, frame: str | int = 'random') -> None:
        self.frame = check_frame_choice(frame, 'StaticClip.frame')

    def transform(self, results: dict) -> dict:
        """Set ``static_frame`` in ``results['data_samples']``.

        Args:
            results: ``inputs``, (N, C, T, H, W) or, for 2D recognisers, (N, C, H, W) where N counts
                the frames; and ``data_samples``.

        Raises:
            KeyError: If ``PackActionInputs`` has not run yet.
            ValueError: For inputs of another shape.
        """
        if 'data_samples' not in results or 'inputs' not in results:
            raise KeyError(
                'StaticClip must stand after PackActionInputs in the pipeline: '
                "'inputs' and 'data_samples' are not there yet"
            )
        shape = tuple(getattr(results['inputs'], 'shape', ()))
        if len(shape) not in (4, 5):
            got = shape or type(results['inputs']).__name__
            raise ValueError(
                f'StaticClip needs inputs of shape (N, C, T, H, W) or (N, C, H, W), got {got}'
            )
        num_frames = shape[2] if len(shape) == 5 else shape[0]
        if self.frame == 'random':
            index = np.random.randint(num_frames)
        else:
            index = fixed_frame_index(self.frame, num_frames)
        results['data_samples'].set_metainfo(dict(static_frame=int(index)))
        return results
