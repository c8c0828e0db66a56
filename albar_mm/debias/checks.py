"""Which configs can be debiased."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log

from ..utils.config_types import is_type, mappings, type_name
from ..utils.errors import DebiasError

PLAIN_TYPES = ('Recognizer2D', 'Recognizer3D')
_OTHER_TYPES = {
    'RecognizerOmni': 'RecognizerOmni trains on images and videos at once',
    'RecognizerAudio': 'the model takes audio',
    'RecognizerGCN': 'the model takes skeletons',
    'FastRCNN': 'the model detects actions of persons, several labels each (AVA)',
    'MMRecognizer3D': 'the model takes skeletons beside RGB',
}
# beginnings of the names of steps and data sets that show what a pipeline reads
_SKELETON = ('Pose', 'Skeleton', 'GenSkeFeat', 'Kinetics400Pose', 'PreNormalize', 'GeneratePose')
_AUDIO = ('Audio', 'MelSpectrogram')
_TRAINED = {'ALBARRecognizer': 'albar', 'SDNRecognizer': 'sdn'}


def recognizer_of(model: Mapping[str, Any] | None) -> dict[str, Any]:
    """The recogniser within a model config, which may wrap it: the dict itself, not a copy.

    Raises:
        DebiasError: There is none, several, or one that no method fits.
    """
    found = list(_recognizers(model))
    if len(found) != 1:
        raise DebiasError(
            f'{len(found) or "no"} recogniser(s) in model; expected one dict with a type, a '
            'backbone and a cls_head'
        )
    (recognizer,) = found
    kind = type_name(recognizer)
    for prefix, method in _TRAINED.items():
        if kind.startswith(prefix):
            plain = f'start from the plain config that {method} was mixed into'
            raise DebiasError(f'its model is a {kind} already: {plain}')
    if kind not in PLAIN_TYPES:
        why = _OTHER_TYPES.get(kind, f'{kind} is no recogniser of MMAction2')
        taken = ' or '.join(PLAIN_TYPES)
        raise DebiasError(f'{why}; debias() takes RGB video recognisers, {taken}')
    return recognizer


def check_data(cfg: Config) -> None:
    """Refuse what is not RGB video.

    Raises:
        DebiasError: It reads skeletons, audio or optical flow, or several data sets in one step.
    """
    loader = cfg.get('train_dataloader') or cfg.get('test_dataloader')
    if isinstance(loader, (list, tuple)):
        several = 'several data sets in one step (OmniSource) cannot be debiased'
        raise DebiasError(f'train_dataloader is a list: {several}')
    for _, node in mappings(loader):
        kind, what = type_name(node), ''
        if kind.startswith(_SKELETON):
            what = 'skeletons'
        elif any(sign in kind for sign in _AUDIO):
            what = 'audio'
        elif node.get('modality') == 'Flow':
            what = 'optical flow'
        if what:
            raise DebiasError(
                f'it reads {what} ({kind}): a static clip and a background are things of RGB '
                'video; give an RGB config'
            )


def mixes_batch(model: Any) -> bool:
    """Whether a model config has StillMix without a frame bank, which takes frames of the batch."""
    blendings = (part for _, part in mappings(model) if is_type(part, 'StillMixBlending'))
    return any(not blending.get('bank') for blending in blendings)


def lacks_bank(model: Any) -> bool:
    """Whether that is another method than the published one: StillMix-random.

    ALBAR+StillMix is published with frames of the batch: there nothing is lacking.
    """
    types = (type_name(part) for _, part in mappings(model))
    return mixes_batch(model) and not any(kind.startswith('ALBARRecognizer') for kind in types)


def warn_without_bank() -> None:
    """Say what StillMix does without a frame bank."""
    print_log(
        'StillMix has no frame bank, so frames of the other clips of the batch are mixed in: this '
        'is StillMix-random, not StillMix; name a bank with bank=FILE (docs/frame_bank.md)',
        'current',
        logging.WARNING,
    )


def check_head(recognizer: Mapping[str, Any]) -> int:
    """Number of classes of a single-label head.

    Raises:
        DebiasError: The head is for several labels a clip, or tells no number of classes.
    """
    head = recognizer.get('cls_head') or {}
    loss = 'multi_class' if head.get('multi_class') else type_name(head.get('loss_cls'))
    if loss.startswith(('multi_class', 'BCE')):
        several = f'its cls_head is for several labels a clip ({loss})'
        raise DebiasError(f'{several}: the methods need one class a clip')
    classes = head.get('num_classes')
    if not isinstance(classes, int) or classes < 2:
        found = f'model.cls_head.num_classes is {classes!r}'
        raise DebiasError(f'{found}; expected the number of classes')
    return classes


def _recognizers(node: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(node, dict):
        return
    named = type_name(node).startswith(('Recognizer', 'MMRecognizer'))
    if 'type' in node and ('backbone' in node or named):
        yield node
        return
    for value in node.values():
        yield from _recognizers(value)
