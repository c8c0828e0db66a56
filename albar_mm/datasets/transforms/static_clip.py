"""Choosing the static frame in the loader."""

import numpy as np
from mmaction.registry import TRANSFORMS

from ...models.utils.static_frames import check_frame_choice, fixed_frame_index
from .video_fields import ShownTransform


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
