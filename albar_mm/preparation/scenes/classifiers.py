"""Image classifiers of the user's own that name the scene of a frame (used by ``scenes`` only)."""

import importlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ...bias_sets.masks.network import ImageModel, model_sha256
from ...utils.errors import DatasetError, reason_of
from ...utils.parallel import one_opencv_thread
from ...utils.spec import make

CLASSIFIERS_HELP = """\
classifiers (SPEC):
  onnx:MODEL[,OPTION=VALUE...]    an .onnx (or .tflite) model that OpenCV runs on the CPU; options:
    size=HEIGHTxWIDTH             input in px (default: what the model says)
    scale=NUMBER                  factor of the pixel values 0 to 255 (default: 1/255)
    mean=R/G/B  std=R/G/B         subtracted and divided by after that (default: 0/0/0 and 1/1/1)
    channels=rgb|bgr              order of the colours (default: rgb)
    softmax=true                  the model gives logits (default: probabilities)
    layer=NAME                    the output, where there are several
      onnx:resnet50_places365.onnx,size=224x224,mean=0.485/0.456/0.406,std=0.229/0.224/0.225,softmax=true
  mmpretrain:CONFIG,CHECKPOINT    a classifier of MMPreTrain, which must be installed
      mmpretrain:places365.py,places365.pth
"""  # noqa: E501
_SLACK = 1e-2  # how far from 1 the sum of probabilities may be, for half precision


@dataclass(frozen=True)
class OnnxClassifier(ImageModel):
    """A model that OpenCV's ``dnn`` runs, one frame at a time, in several processes at once.

    A frame is resized to the input, whatever its aspect ratio, and fed as NCHW. The output has one
    value per class.

    Attributes:
        softmax: Whether the model gives logits.
    """

    softmax: bool = False
    parallel = True

    @property
    def name(self) -> str:
        return f'onnx:{self.model.name}'

    def settings(self) -> dict[str, Any]:
        model, sha256 = self.model.name, model_sha256(self.model)
        options = {key: value for key, value in asdict(self).items() if key != 'model'}
        return dict(classifier='onnx', model=model, sha256=sha256, **options)

    def check(self) -> None:
        """Load the model and run it on a grey picture.

        Raises:
            DatasetError: It cannot be loaded or run, or gives no values of classes.
        """
        with one_opencv_thread():
            self._scores(np.full((*self.input_size(), 3), 128, np.uint8))

    def probabilities(self, frames: Sequence[np.ndarray]) -> np.ndarray:
        """Give float64 (n, S), rows that sum to 1, for n uint8 RGB pictures (H, W, 3).

        Raises:
            DatasetError: The model gives no probabilities (or, with ``softmax``, gives them).
        """
        scores = np.stack([self._scores(frame) for frame in frames])
        if not self.softmax:
            return checked(scores, f'{self.model}: ', '; add softmax=true if they are logits')
        if (scores >= 0).all() and (np.abs(scores.sum(1) - 1) < 1e-4).all():
            raise DatasetError(f'{self.model}: gives probabilities already; leave softmax out')
        powers = np.exp(scores - scores.max(1, keepdims=True))
        return powers / powers.sum(1, keepdims=True)

    def _scores(self, frame: np.ndarray) -> np.ndarray:
        size = self.input_size()[::-1]
        output = self.run(cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR))
        if output.size < 2 or output.size != max(output.shape):
            raise DatasetError(
                f'{self.model}: gives an output of shape {output.shape}; expected '
                'one value per class, (1, S)'
            )
        return output.reshape(-1).astype(np.float64)


@dataclass(frozen=True)
class MMPretrainClassifier:
    """A classifier of MMPreTrain; its own test pipeline prepares the frames.

    Attributes:
        config: Config file, or the name of a model that MMPreTrain knows.
        checkpoint: Its weights.
    """

    config: str
    checkpoint: Path
    parallel = False  # it may hold a GPU

    @property
    def name(self) -> str:
        return f'mmpretrain:{Path(self.config).name}'

    def settings(self) -> dict[str, Any]:
        config = Path(self.config)
        return dict(
            classifier='mmpretrain',
            config=config.name,
            checkpoint=self.checkpoint.name,
            sha256=model_sha256(self.checkpoint),
            config_sha256=model_sha256(config) if config.is_file() else None,
        )

    def check(self) -> None:
        """Build the network.

        Raises:
            DatasetError: MMPreTrain is not installed, or cannot build it.
        """
        _inferencer(self.config, str(self.checkpoint))

    def probabilities(self, frames: Sequence[np.ndarray]) -> np.ndarray:
        """As :meth:`OnnxClassifier.probabilities`.

        Raises:
            DatasetError: The network gives no probabilities.
        """
        inferencer = _inferencer(self.config, str(self.checkpoint))
        # arrays are taken for BGR, as mmcv reads files
        pictures = [np.ascontiguousarray(frame[..., ::-1]) for frame in frames]
        scores = []
        # the two halves of its __call__, which would show a progress bar for every video
        for batch in inferencer.preprocess(pictures, batch_size=len(pictures)):
            scores += [one.pred_score.double().cpu().numpy() for one in inferencer.forward(batch)]
        return checked(np.stack(scores), f'{self.checkpoint}: ', '')


@lru_cache(maxsize=1)
def _inferencer(config: str, checkpoint: str) -> Any:
    try:
        apis = importlib.import_module('mmpretrain.apis')
    except ImportError as error:
        raise DatasetError(
            'mmpretrain:... needs MMPreTrain: pip install mmpretrain (or export the classifier to '
            f'ONNX and take onnx:MODEL): {error}'
        ) from error
    try:
        return apis.ImageClassificationInferencer(config, pretrained=checkpoint)
    except Exception as error:  # whatever the config or the weights make it raise
        raise DatasetError(
            f'MMPreTrain cannot build {config} with {checkpoint}: '
            f'{type(error).__name__}: {reason_of(error)}'
        ) from error


def checked(scores: np.ndarray, where: str, advice: str) -> np.ndarray:
    """Rows of probabilities, scaled to the sum 1.

    Args:
        scores: (n, S).
        where: Begin of the message.
        advice: End of the message.

    Raises:
        DatasetError: They are none.
    """
    sums = scores.sum(1)
    if not (
        np.isfinite(scores).all() and (scores >= 0).all() and (np.abs(sums - 1) < _SLACK).all()
    ):
        raise DatasetError(
            f'{where}gives values from {scores.min():.3g} to {scores.max():.3g} that sum to '
            f'{sums[0]:.3g}, which are no probabilities{advice}'
        )
    return scores / sums[:, None]


def _mmpretrain(files: str) -> MMPretrainClassifier:
    parts = [part.strip() for part in files.split(',')]
    if len(parts) != 2 or not all(parts):
        raise DatasetError('expected two files, mmpretrain:CONFIG,CHECKPOINT')
    config, checkpoint = (Path(part).expanduser() for part in parts)
    if config.suffix == '.py' and not config.is_file():
        raise DatasetError(f'{config}: no such config file')
    model_sha256(checkpoint)
    return MMPretrainClassifier(str(config), checkpoint)


SceneClassifier = OnnxClassifier | MMPretrainClassifier
FORMS = {'onnx:MODEL[,key=value]': OnnxClassifier, 'mmpretrain:CONFIG,CHECKPOINT': _mmpretrain}
"""How a form is written -> the classifier; see :mod:`albar_mm.utils.spec`."""


def parse_classifier(text: str) -> SceneClassifier:
    """Make a classifier of its description; see :data:`CLASSIFIERS_HELP`.

    Args:
        text: E.g. ``'onnx:places365.onnx,size=224x224,softmax=true'``.

    Returns:
        The classifier; its files are there, it is not loaded yet.

    Raises:
        DatasetError: There is no such classifier or option, or a file is missing.
    """
    return make(text, FORMS, 'classifier')
