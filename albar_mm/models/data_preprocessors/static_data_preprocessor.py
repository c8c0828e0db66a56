"""A data preprocessor that keeps one unblended frame per clip."""

from typing import Any

from mmaction.models.data_preprocessors import ActionDataPreprocessor
from mmaction.registry import MODELS

from ..utils.labels import batch_labels
from ..utils.static_frames import check_frame_choice, static_frame_indices, take_frames, time_axis


@MODELS.register_module()
class StaticDataPreprocessor(ActionDataPreprocessor):
    """:class:`ActionDataPreprocessor` that also hands on a static frame and its label.

    In training, after normalisation and *before* blending, it takes one frame of every clip and
    adds two keys to the batch: ``static_inputs``, (B, N, C, 1, H, W) for ``NCTHW`` or
    (B, 1, C, H, W) for ``NCHW``, and ``static_target``, the labels before blending, int64 (B,).
    A recogniser that does not know the keys ignores them. Outside training nothing changes.

    The index comes from the sample's ``static_frame`` (transform ``StaticClip``); without one,
    from ``frame``.

    Args:
        *args: See :class:`ActionDataPreprocessor`.
        frame: ``'random'``, ``'middle'``, ``'first'``, ``'last'`` or an index >= 0. Leave it None
            inside a static-pass recogniser, which sets it from its own ``static.frame``;
            elsewhere None means ``'random'``.
        **kwargs: See :class:`ActionDataPreprocessor`.

    Attributes:
        emit_static (bool): Whether the two keys are added. A recogniser that has no use for them
            switches this off.

    Raises:
        ValueError: For an illegal ``frame`` or ``format_shape='MIX2d3d'``.
    """

    def __init__(self, *args: Any, frame: str | int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.format_shape == 'MIX2d3d':
            raise ValueError(
                "StaticDataPreprocessor does not support format_shape='MIX2d3d': use "
                "'NCHW' or 'NCTHW'"
            )
        self.frame = (
            None if frame is None else check_frame_choice(frame, 'StaticDataPreprocessor.frame')
        )
        self.emit_static = True

    def forward(self, data: dict, training: bool = False) -> dict:
        """Preprocess one batch.

        Args:
            data: ``inputs``, a list of (N, C, T, H, W) or (N, C, H, W), and ``data_samples``.
            training: Whether to blend and to add the static frame.

        Raises:
            TypeError: If several batches come at once (a tuple) in training.
        """
        if training and self.emit_static and not isinstance(data, dict):
            raise TypeError(
                'StaticDataPreprocessor takes one batch at a time in training, got '
                f'{type(data).__name__}: several data sets in one step (OmniSource) '
                'cannot be combined with a static pass'
            )
        return super().forward(data, training)

    def forward_onesample(self, data: dict, training: bool = False) -> dict:
        """See the parent class; adds ``static_inputs`` and ``static_target`` in training."""
        if not (training and self.emit_static):
            return super().forward_onesample(data, training=training)
        # In the parent ``training`` switches the blending on and nothing else.
        data = super().forward_onesample(data, training=False)
        inputs, data_samples = data['inputs'], data['data_samples']
        indices = static_frame_indices(
            data_samples,
            inputs.shape[time_axis(inputs)],
            'random' if self.frame is None else self.frame,
            inputs.device,
        )
        data['static_inputs'] = take_frames(inputs, indices)
        data['static_target'] = batch_labels(data_samples, inputs.device)
        if self.blending is not None:
            data['inputs'], data['data_samples'] = self.blending(inputs, data_samples)
        return data
