"""Mixing a debiasing method into any RGB recogniser config of MMAction2."""

from __future__ import annotations

import copy
import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..compat.load_config import load_config
from ..utils.errors import DebiasError
from ..utils.text import did_you_mean
from .checks import check_data, check_head, recognizer_of
from .pipelines import change_train_pipelines, with_static_clip
from .settings import DATASETS, PRETRAININGS, albar_static, data_set_of, published

__all__ = ['METHODS', 'DebiasError', 'debias', 'difference']

_AVERAGED = r'.*(loss|time|data_time|grad_norm).*'  # MMEngine's own log_processor.mean_pattern
_COMMON = ('data_set', 'pretraining')


@dataclass
class _Target:
    """A config on its way, with what is known of it."""

    cfg: Config
    name: str
    recognizer: dict[str, Any]
    num_classes: int
    data_set: str | None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def preprocessor(self) -> dict[str, Any]:
        if self.recognizer.get('data_preprocessor') is None:
            self.recognizer['data_preprocessor'] = dict(type='ActionDataPreprocessor')
        return self.recognizer['data_preprocessor']

    def settings(self, method: str) -> dict[str, Any]:
        """Published settings with the caller's over them; ``boxes`` and the like left out."""
        settings = published(method, self.data_set, self.options.get('pretraining'))
        given = {k: v for k, v in self.options.items() if k not in (*_COMMON, *_FILES, 'missing')}
        return {**settings, **given}

    def normalisation(self) -> dict[str, Any]:
        """``mean`` and ``std`` of the data preprocessor; those of no normalisation without it."""
        mean, std = self.preprocessor.get('mean'), self.preprocessor.get('std')
        if mean is None or std is None:
            mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        return dict(mean=list(mean), std=list(std))

    def file(self, option: str, method: str, how: str) -> str:
        """A file that the method cannot do without."""
        path = self.options.get(option)
        if not path:
            raise DebiasError(f'{method} needs {option}=FILE: {how}')
        if not Path(path).is_file():
            raise DebiasError(f'{method}: {option}={path}: no such file; {how}')
        return os.fspath(path)


_FILES = ('boxes', 'scenes', 'bank')
_HOW_BOXES = (
    'person boxes of the training videos, written by tools/detect_people.py or published '
    '(docs/person_boxes.md)'
)
_HOW_SCENES = 'scene labels of the training videos, written by tools/label_scenes.py (docs/sdn.md)'
_HOW_BANK = 'a frame bank, written by tools/build_frame_bank.py (docs/frame_bank.md)'


def debias(
    cfg: Config | Mapping[str, Any] | str | os.PathLike,
    method: str,
    **options: Any,  # noqa: ANN401
) -> Config:
    """Mix a debiasing method into a config and leave everything else as it is.

    Works on any RGB recogniser config of MMAction2, 2D or 3D, with any backbone: the model is that
    of the config with another ``type`` (ALBAR, SDN) or a blending in its data preprocessor (all
    others). A blending of the config's own stays, and works on what ours leaves. Optimiser and
    schedule are not touched; ``configs/<method>/`` holds the published ones. Testing is as before,
    and so is the checkpoint (SDN: after ``tools/strip_checkpoint.py``).

    Args:
        cfg: The config, or its path.
        method: One of :data:`METHODS`.
        **options: Of every method: ``data_set`` (``'hmdb51'``, ``'ucf101'``, ``'kinetics400'``; by
            default told from the training list and the number of classes) and ``pretraining``
            (``'k400'``, ``'imagenet'``), which choose the published settings. Of one method:

            - mixup: ``alpha``, ``prob``
            - videomix: ``alpha``, ``prob``, ``mode``
            - be: ``scale``, ``prob``
            - actorcutmix: ``boxes`` (file, needed), ``min_score``, ``missing``, ``prob``
            - fame: ``fg_fraction``, ``hue_mode``, ``prob``
            - stillmix: ``bank`` (file; None: frames of the other clips of the batch), ``alpha``,
              ``beta``, ``prob``
            - sdn: ``scenes`` (file), ``boxes`` (file), ``missing``, ``scene``, ``mask`` (settings
              of a branch, None to leave it out), ``num_scenes``
            - albar: ``static`` (see ``ALBARRecognizer3D``), ``frame``
            - albar+stillmix: those of both

    Returns:
        A new config.

    Raises:
        DebiasError: An unknown method or option, a file that is missing or does not fit, or a
            config of another kind (skeleton, audio, optical flow, several labels a clip).

    Example:
        >>> cfg = debias('mmaction::recognition/tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_'
        ...              'kinetics400-rgb.py', 'stillmix')
        >>> cfg.model.data_preprocessor.blending.type
        'StillMixBlending'
    """
    chosen = METHODS.get(_method_name(method))
    if chosen is None:
        near = did_you_mean(_method_name(method), METHODS)
        raise DebiasError(f'unknown method {method!r}{near}; there are {", ".join(METHODS)}')
    unknown = sorted(options.keys() - {*chosen.options, *_COMMON})
    if unknown:
        known = (*chosen.options, *_COMMON)
        near = did_you_mean(unknown[0], known)
        raise DebiasError(
            f'{method}: unknown option {unknown[0]!r}{near}; there are {", ".join(known)}'
        )
    target = _target(_copied(cfg), options)
    chosen.mix(target)
    _import_albar_mm(target.cfg)
    return target.cfg


def difference(before: Config, after: Config) -> str:
    """Unified diff of two configs as text, '' if they are the same.

    Args:
        before: The first.
        after: The second.
    """
    name = Path(before.filename or 'config').name
    return '\n'.join(
        difflib.unified_diff(
            before.pretty_text.splitlines(),
            after.pretty_text.splitlines(),
            name,
            f'{name} (debiased)',
            lineterm='',
        )
    )


def _mixup(target: _Target) -> None:
    _blend(target, 'ClipMixupBlending', target.settings('mixup'))


def _videomix(target: _Target) -> None:
    _blend(target, 'VideoMixBlending', target.settings('videomix'))


def _be(target: _Target) -> None:
    _blend(target, 'BEBlending', target.settings('be'))


def _fame(target: _Target) -> None:
    _blend(target, 'FAMEBlending', {**target.normalisation(), **target.settings('fame')})


def _actorcutmix(target: _Target) -> None:
    settings = target.settings('actorcutmix')
    boxes = target.file('boxes', 'actorcutmix', _HOW_BOXES)
    _load_boxes(target, boxes, settings.pop('min_score'))
    _blend(target, 'ActorCutMixBlending', settings)


def _stillmix(target: _Target) -> None:
    settings = target.settings('stillmix')
    if target.options.get('bank'):
        from ..annotations.frame_bank import load_frame_bank

        bank = target.file('bank', 'stillmix', _HOW_BANK)
        try:
            classes = load_frame_bank(bank).num_classes
        except ValueError as error:
            raise DebiasError(f'stillmix: {error}') from error
        if classes != target.num_classes:
            raise DebiasError(
                f'stillmix: bank={bank} was scored for {classes} classes, '
                f'{target.name} has {target.num_classes}: build one with a reference '
                'network of the same data set'
            )
        settings['bank'] = bank
    _blend(target, 'StillMixBlending', {**target.normalisation(), **settings})


def _sdn(target: _Target) -> None:
    from ..annotations.scene_labels import scene_count
    from ..datasets.transforms import with_scene_labels
    from ..models.recognizers._sdn_options import SDNOptions

    options, missing = target.options, target.options.get('missing', 'fail')
    sdn: dict[str, Any] = {}
    if options.get('scene', {}) is not None:
        scenes = target.file('scenes', 'sdn', _HOW_SCENES + '; scene=None leaves the branch out')
        sdn['num_scenes'] = options.get('num_scenes') or scene_count(scenes)
        sdn['scene'] = dict(options.get('scene') or {})
        change_train_pipelines(
            target.cfg, lambda pipeline: with_scene_labels(pipeline, scenes, missing=missing)
        )
    else:
        sdn['scene'] = None
    if options.get('mask', {}) is not None:
        boxes = target.file('boxes', 'sdn', _HOW_BOXES + '; mask=None leaves the branch out')
        sdn['mask'] = dict(options.get('mask') or {})
        _load_boxes(target, boxes, 0.3)
    else:
        sdn['mask'] = None
    _checked('sdn', lambda: SDNOptions.from_config(sdn))
    target.recognizer.update(type=f'SDN{_plain_type(target)}', sdn=sdn)
    _average(target.cfg, '^(scene_top1|mask_entropy)$')


def _albar(target: _Target) -> None:
    from ..models.recognizers.static_options import StaticOptions

    static = albar_static(target.options.get('static'))
    if 'frame' in target.options:
        static['frame'] = target.options['frame']
    _checked('albar', lambda: StaticOptions.from_config(static))
    target.recognizer.update(type=f'ALBAR{_plain_type(target)}', static=static)
    # another type of preprocessor stays: the recogniser then takes its frame after it
    if target.preprocessor.get('type') == 'ActionDataPreprocessor':
        target.preprocessor['type'] = 'StaticDataPreprocessor'
    frame = static.get('frame', 'random')
    change_train_pipelines(target.cfg, lambda pipeline: with_static_clip(pipeline, frame))
    _average(target.cfg, '^static_')


def _albar_stillmix(target: _Target) -> None:
    own = ('static', 'frame')
    _albar(target)
    rest = {key: value for key, value in target.options.items() if key not in own}
    # ALBAR's paper: the variant without a reference network, probability 0.75
    target.options = {'prob': 0.75, 'alpha': 200.0, 'beta': 200.0, **rest}
    _stillmix(target)


@dataclass(frozen=True)
class _Method:
    mix: Callable[[_Target], None]
    options: tuple[str, ...]


_STILLMIX, _ALBAR = ('bank', 'alpha', 'beta', 'prob'), ('static', 'frame')
METHODS: dict[str, _Method] = {
    'mixup': _Method(_mixup, ('alpha', 'prob')),
    'videomix': _Method(_videomix, ('alpha', 'prob', 'mode')),
    'sdn': _Method(_sdn, ('scenes', 'boxes', 'missing', 'scene', 'mask', 'num_scenes')),
    'be': _Method(_be, ('scale', 'prob')),
    'actorcutmix': _Method(_actorcutmix, ('boxes', 'min_score', 'missing', 'prob')),
    'fame': _Method(_fame, ('fg_fraction', 'hue_mode', 'prob')),
    'stillmix': _Method(_stillmix, _STILLMIX),
    'albar': _Method(_albar, _ALBAR),
    'albar+stillmix': _Method(_albar_stillmix, _ALBAR + _STILLMIX),
}
"""Name -> how it is mixed in, in the order of the paper's table."""


def _method_name(method: str) -> str:
    return str(method).lower().replace('_', '+' if 'albar' in str(method).lower() else '')


def _copied(cfg: Config | Mapping[str, Any] | str | os.PathLike) -> Config:
    return (
        Config(copy.deepcopy(dict(cfg)))
        if (isinstance(cfg, Mapping) and not isinstance(cfg, Config))
        else load_config(cfg)
    )


def _target(cfg: Config, options: Mapping[str, Any]) -> _Target:
    name = Path(cfg.filename or 'config').name
    check_data(cfg, name)
    recognizer = recognizer_of(cfg.get('model'), name)
    classes = check_head(recognizer, name)
    data_set, pretraining = options.get('data_set'), options.get('pretraining')
    for key, value, known in (
        ('data_set', data_set, DATASETS),
        ('pretraining', pretraining, PRETRAININGS),
    ):
        if value not in (None, *known):
            raise DebiasError(f'{key}={value!r}: expected one of {", ".join(known)}')
    return _Target(
        cfg, name, recognizer, classes, data_set or data_set_of(cfg, classes), dict(options)
    )


def _plain_type(target: _Target) -> str:
    return str(target.recognizer['type']).rpartition('.')[2]


def _blend(target: _Target, kind: str, settings: Mapping[str, Any]) -> None:
    """Set the blending; one that is there comes after it."""
    from mmaction.registry import MODELS

    blending = dict(type=kind, num_classes=target.num_classes, **settings)
    values = {k: v for k, v in blending.items() if k not in ('type', 'bank')}
    _checked(kind, lambda: MODELS.get(kind)(**values))
    own = target.preprocessor.get('blending')
    for there in () if own is None else own.get('blendings') or [own]:
        if str(there.get('type')).rpartition('.')[2] == kind:
            raise DebiasError(
                f'{target.name}: its data_preprocessor.blending is a {kind} already: '
                'start from the plain config, or set its options'
            )
    target.preprocessor['blending'] = (
        blending if own is None else dict(type='ChainedBlending', blendings=[blending, own])
    )


def _checked(what: str, read: Callable[[], object]) -> None:
    """Let a component read its settings, so that a wrong one is named before a run begins."""
    try:
        read()
    except (TypeError, ValueError) as error:
        raise DebiasError(f'{what}: {error}') from error


def _load_boxes(target: _Target, boxes: str, min_score: float) -> None:
    from ..datasets.transforms.box_pipeline import with_person_boxes

    missing = target.options.get('missing', 'fail')

    def change(pipeline: list[dict[str, Any]]) -> list[dict[str, Any]]:
        try:
            return with_person_boxes(pipeline, boxes, min_score, missing)
        except ValueError as error:
            raise DebiasError(f'{target.name}: {error}') from error

    change_train_pipelines(target.cfg, change)


def _average(cfg: Config, pattern: str) -> None:
    """Let MMEngine average what a recogniser logs, as it does with losses."""
    known = (cfg.get('log_processor') or {}).get('mean_pattern', _AVERAGED)
    if pattern not in known:
        cfg.log_processor = dict(cfg.get('log_processor') or {}, mean_pattern=f'{known}|{pattern}')


def _import_albar_mm(cfg: Config) -> None:
    """Register the components also where the config is run by MMAction2's own tools."""
    given = dict(cfg.get('custom_imports') or dict(imports=[], allow_failed_imports=False))
    imports = [given['imports']] if isinstance(given['imports'], str) else list(given['imports'])
    if 'albar_mm' not in imports:
        cfg.custom_imports = dict(given, imports=[*imports, 'albar_mm'])
