"""What all detectors are: a network over snippet features and a head that scores snippets."""

from collections.abc import Sequence
from typing import Any

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModel, BaseModule
from mmengine.structures import BaseDataElement
from torch import Tensor, nn


class AnomalyHead(BaseModule):
    """Scores snippets and computes losses; what a detector needs of a head.

    ``forward(feats)``: scores in [0, 1], the mean over crops, shape (B, T), of features of shape
    (B, crops, T, D). ``loss(feats, labels)``: losses of a batch by their names; labels of shape
    (B,) are 1 where something anomalous happens in the video, else 0.
    """


@MODELS.register_module()
class AnomalyDetector(BaseModel):
    """A network over snippet features and a head.

    Args:
        head: Config of an :class:`AnomalyHead`.
        backbone: Config of a network (B, T, C) -> (B, T, D); None: the features as they are.
        data_preprocessor: Config; by default what only brings features to the device.
        init_cfg: See ``BaseModule``.
    """

    def __init__(
        self,
        head: dict,
        backbone: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.backbone = nn.Identity() if backbone is None else MODELS.build(backbone)
        self.head = MODELS.build(head)

    def forward(
        self,
        inputs: Tensor | Sequence[Tensor],
        data_samples: Sequence[BaseDataElement] = (),
        mode: str = 'tensor',
    ) -> Any:
        """Run the detector.

        Args:
            inputs: B videos, each of shape (crops, T, C); of one T for ``'loss'``.
            data_samples: Their samples.
            mode: ``'tensor'``: list of scores, each of shape (T,). ``'predict'``: the samples, with
                ``scores``. ``'loss'``: dict of losses.

        Raises:
            ValueError: Another mode, or videos of several lengths for ``'loss'``.
        """
        if mode == 'loss':
            shapes = {tuple(video.shape) for video in inputs}
            if len(shapes) > 1:
                raise ValueError(
                    f'features of shapes {sorted(shapes)} in one training batch: set '
                    'num_segments of the training set'
                )
            labels = torch.stack([sample.gt_label for sample in data_samples])
            return self.head.loss(self.extract_feat(torch.stack(list(inputs))), labels)
        if mode not in ('tensor', 'predict'):
            raise ValueError(f"mode is {mode!r}; expected 'tensor', 'predict' or 'loss'")
        # one after another: they differ in length, and padding would change the scores
        scores = [self.head(self.extract_feat(video[None]))[0] for video in inputs]
        if mode == 'tensor':
            return scores
        for sample, values in zip(data_samples, scores, strict=True):
            sample.scores = values.float()
        return list(data_samples)

    def extract_feat(self, inputs: Tensor) -> Tensor:
        """Features that the head scores, (B, crops, T, C) -> (B, crops, T, D)."""
        batch, crops = inputs.shape[:2]
        return self.backbone(inputs.flatten(0, 1)).unflatten(0, (batch, crops))
