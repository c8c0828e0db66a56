"""Frame sampling with a named policy for clips that are too short."""

from typing import Any

import numpy as np
from mmaction.datasets.transforms import SampleFrames
from mmaction.registry import TRANSFORMS

from ...utils.numbers import one_of

SHORT_POLICIES = ('loop', 'clamp', 'halve')
STARTS = ('centre', 'first')


@TRANSFORMS.register_module()
class BiasSampleFrames(SampleFrames):
    """``SampleFrames`` that says what happens to a clip shorter than asked for.

    It matters: every SCUBA clip of HMDB51 (at most 40 frames) is shorter than 32 frames at stride
    2. The policies, for 40 frames:

    - ``'loop'``: play on from the start, as MMAction2 and StillMix do: 0, 2, …, 38, 0, 2, …, 22.
    - ``'clamp'``: repeat the last sampled frame: 0, 2, …, 38, 38, …, 38.
    - ``'halve'``: as ALBAR's code: with fewer than ``clip_len * frame_interval`` frames, sample
      from frame 0 at half the stride and repeat the last frame of the video: 0, 1, …, 31.

    Args:
        clip_len: Frames per clip.
        frame_interval: Stride, in frames.
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
        one_of(short, SHORT_POLICIES, 'BiasSampleFrames.short')
        one_of(start, STARTS, 'BiasSampleFrames.start')
        single = kwargs.get('num_clips', 1) == 1 and kwargs.get('test_mode')
        own_stride = kwargs.get('temporal_jitter') or kwargs.get('target_fps')
        for wrong, message in (
            ('out_of_bound_opt' in kwargs, ': set short, which replaces out_of_bound_opt'),
            (start == 'first' and not single, ".start='first' is for one clip with test_mode=True"),
            (
                short == 'halve' and own_stride,
                ".short='halve' has a stride of its own: leave temporal_jitter and target_fps out",
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
        results = super().transform(results)
        if self.short == 'halve' and total < self.clip_len * self.frame_interval:
            stride = max(1, self.frame_interval // 2)
            clip = np.minimum(np.arange(self.clip_len) * stride, total - 1)
            clips = len(results['frame_inds']) // self.clip_len
            results['frame_inds'] = np.tile(clip + results['start_index'], clips).astype(np.int32)
            results['frame_interval'] = stride
        return results

    def _get_test_clips(self, num_frames: int, ori_clip_len: float) -> np.ndarray:
        offsets = super()._get_test_clips(num_frames, ori_clip_len)
        return np.zeros_like(offsets) if self.start == 'first' else offsets

    def __repr__(self) -> str:
        return f'{super().__repr__()[:-1]}, short={self.short!r}, start={self.start!r})'
