"""Scene pseudo-labels for the videos of an annotation list, made in parallel and written whole.

An image classifier of the user's own names the scene of a frame. It has a ``name``; ``parallel``,
whether several processes may run it at once; ``settings()``, all that changes its answers, as plain
JSON; ``check()``, which loads it before long work and raises a ``DatasetError`` if it cannot work;
and ``probabilities(frames)``.
"""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmaction.datasets.transforms import DecordDecode, DecordInit, OpenCVDecode, OpenCVInit

from ..bias_sets.masks.network import ImageModel, model_sha256
from ..utils.errors import DatasetError, reason_of
from ..utils.files import write_npz
from ..utils.journal import Journal
from ..utils.parallel import one_opencv_thread
from ..utils.spec import make
from ..video.source_video import decoder_name
from ..video.strict_reading import read_strictly
from .list_job import ListResult, left_out_lines, run_list_job

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
        with one_opencv_thread():
            self._scores(np.full((*self.input_size(), 3), 128, np.uint8))

    def probabilities(self, frames: Sequence[np.ndarray]) -> np.ndarray:
        """Give float64 (n, S), rows that sum to 1, for n uint8 RGB pictures (H, W, 3).

        Raises:
            DatasetError: The network gives no probabilities (or, with ``softmax``, gives them).
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
        _inferencer(self.config, str(self.checkpoint))

    def probabilities(self, frames: Sequence[np.ndarray]) -> np.ndarray:
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


def parse_classifier(text: str) -> SceneClassifier:
    """Make a classifier of its description; see :data:`CLASSIFIERS_HELP`.

    Returns:
        The classifier; its files are there, it is not loaded yet.

    Raises:
        DatasetError: There is no such classifier or option, or a file is missing.
    """
    return make(text, FORMS, 'classifier')


_DIGITS = 6  # of a probability in a text file


def label_scenes(
    list_file: Path,
    video_root: Path,
    out: Path,
    classifier: SceneClassifier,
    frames: int = 10,
    hard: bool = False,
    missing: str = 'fail',
    workers: int = 1,
    say: Callable[[str], object] = print,
) -> ListResult:
    """Label the scene of every listed video with an image classifier.

    SDN takes the softmax of a Places365 network, averaged over the frames of a video; ``hard``
    takes the class that most frames vote for instead. Written is what
    :func:`albar_mm.annotations.scene_labels.read_scene_labels` reads: JSON lines, or arrays for an
    ``out`` that ends in ``.npz`` (smaller for probabilities). Until all is done, finished videos
    lie in ``<out>.part.jsonl``, and the same call goes on from there; a complete file is not made
    again.

    Args:
        list_file: Lines ``path label``, as ``tools/prepare_dataset.py`` writes them.
        video_root: Folder that the paths start at.
        out: File to write, ``.jsonl`` or ``.npz``.
        classifier: E.g. from :func:`parse_classifier`.
        frames: Frames of every video to look at, see :func:`uniform_frames`.
        hard: Majority vote instead of mean probabilities.
        missing: With a video that cannot be read: ``'fail'``, or ``'drop'`` to leave it out.
        workers: Processes; a classifier that does not allow several runs in this one.
        say: Shows a line of text to the user.

    Raises:
        DatasetError: The list is empty or wrong, a video cannot be read, the classifier fails, or
            ``out`` or ``<out>.part.jsonl`` is of other settings.
        ValueError: For another ``missing``, or ``frames`` below 1.
    """
    if frames < 1:
        raise ValueError(f'frames must be 1 or more, got {frames}')
    if out.suffix.lower() not in ('.jsonl', '.npz'):
        raise DatasetError(f'{out}: name a file that ends in .jsonl or .npz')

    def begin(number: int) -> None:
        if number:
            classifier.check()
        say(f'labelling the scenes ({classifier.name}) of {number} videos')

    return run_list_job(
        list_file,
        out,
        'scenes',
        report=out.with_name(f'{out.name}.report.json'),
        part=out.with_name(f'{out.name}.part.jsonl'),
        settings=dict(classifier=classifier.settings(), list=None, frames=frames, hard=hard),
        missing=missing,
        workers=workers if classifier.parallel else 1,
        say=say,
        begin=begin,
        row_of=partial(_label, classifier, video_root, frames, hard),
        write=partial(_write, out),
    )


def summary(done: ListResult) -> list[str]:
    """Lines for the terminal: counts, and what was left out."""
    videos, scenes = done.row['videos'], done.row['num_scenes']
    lines = [f'{done.out}: scene labels of {videos} videos, num_scenes={scenes}']
    return lines + left_out_lines(done)


def uniform_frames(path: Path, count: int) -> list[np.ndarray]:
    """Decode the middle frame of each of so many equal parts of a video.

    Args:
        path: The video file.
        count: Number of frames; a video with fewer frames gives some of them more than once.

    Returns:
        Pictures, uint8 RGB (H, W, 3).

    Raises:
        BadVideoError: It cannot be read; names the file.
    """
    decord = decoder_name() == 'decord'
    init, decode = (DecordInit(), DecordDecode()) if decord else (OpenCVInit(), OpenCVDecode())

    def choose(results: dict[str, Any]) -> dict[str, Any]:
        middles = (np.arange(count) + 0.5) * results['total_frames'] / count
        return dict(results, frame_inds=middles.astype(int))

    return list(read_strictly([init, choose, decode], dict(filename=str(path)))['imgs'])


def video_label(probabilities: np.ndarray, hard: bool) -> int | np.ndarray:
    """Label of a video from those of its frames.

    Args:
        probabilities: (n, S), rows that sum to 1.
        hard: The class that most frames vote for, of several such the one with the higher mean
            probability; else the mean probabilities.

    Returns:
        A class index, or (S,) probabilities.
    """
    mean = probabilities.mean(0)
    if not hard:
        return mean
    votes = np.bincount(probabilities.argmax(1), minlength=len(mean))
    return int(np.where(votes == votes.max(), mean, -1).argmax())


def _label(
    classifier: SceneClassifier, root: Path, frames: int, hard: bool, name: str
) -> dict[str, Any]:
    probabilities = classifier.probabilities(uniform_frames(root / name, frames))
    label = video_label(probabilities, hard)
    if hard:
        return dict(scene=label, num_scenes=probabilities.shape[1])
    return dict(scene_prob=[round(value, _DIGITS) for value in label.tolist()])


def _write(out: Path, journal: Journal, places: list[tuple[int, int]]) -> dict[str, int]:
    names, labels, counts = [], [], set()
    for row in journal.rows(places):
        names.append(row['video'])
        labels.append(row['scene'] if 'scene' in row else row['scene_prob'])
        counts.add(row['num_scenes'] if 'scene' in row else len(row['scene_prob']))
    if len(counts) != 1:
        raise DatasetError(
            f'{journal.path}: its rows are of {sorted(counts)} scene classes; delete '
            'the file to begin anew'
        )
    (scenes,) = counts
    if out.suffix.lower() == '.jsonl':
        journal.copy(places, out)
    else:
        soft = isinstance(labels[0], list)
        key, kind = ('scene_prob', np.float32) if soft else ('scene', np.int64)
        arrays = dict(video=np.array(names), num_scenes=np.array(scenes))
        write_npz(out, {**arrays, key: np.array(labels, kind)})
    return dict(videos=len(names), num_scenes=scenes)
