"""Mixing a debiasing method into any RGB recogniser config of MMAction2."""

import copy
import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..compat.load_config import load_config
from ..utils.config_types import is_type, mappings, type_name
from ..utils.errors import DebiasError, absence
from ..utils.text import did_you_mean
from .checks import check_data, check_head, lacks_bank, recognizer_of, warn_without_bank
from .settings import DATASETS, PRETRAININGS, albar_static, data_set_of, published

__all__ = ['METHODS', 'DebiasError', 'debias', 'difference']

Pipeline = list[dict[str, Any]]
_AVERAGED = r'.*(loss|time|data_time|grad_norm).*'  # MMEngine's own log_processor.mean_pattern
_COMMON = ('data_set', 'pretraining')
_HOW = {
    'boxes': 'person boxes of the training videos, written by tools/detect_people.py or published '
    '(docs/person_boxes.md)',
    'scenes': 'scene labels of the training videos, written by tools/label_scenes.py (docs/sdn.md)',
    'bank': 'a frame bank, written by tools/build_frame_bank.py (docs/frame_bank.md)',
}
"""Option that names a file -> what the file is."""


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
        left_out = (*_COMMON, *_HOW, 'missing')
        return settings | {k: v for k, v in self.options.items() if k not in left_out}

    def normalisation(self) -> dict[str, Any]:
        """``mean`` and ``std`` of the data preprocessor; those of no normalisation without it."""
        mean, std = self.preprocessor.get('mean'), self.preprocessor.get('std')
        if mean is None or std is None:
            mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        return dict(mean=list(mean), std=list(std))

    def file(self, option: str, method: str, instead: str = '') -> str:
        """A file that the method cannot do without."""
        path, how = self.options.get(option), _HOW[option] + instead
        if not path:
            raise DebiasError(f'{method} needs {option}=FILE: {how}')
        if why := absence(path):
            raise DebiasError(f'{method}: {option}={path}: {why}; {how}')
        return os.fspath(path)

    def change_pipelines(self, change: Callable[[Pipeline], Pipeline]) -> None:
        """Change every training pipeline in place, however deep its data set is wrapped.

        The variable ``train_pipeline``, which many configs have, follows where it is one of them.
        """
        loader, variable = self.cfg.get('train_dataloader'), self.cfg.get('train_pipeline')
        holders = [
            part
            for place, part in mappings(loader)
            if isinstance(part.get('pipeline'), list | tuple) and 'pipeline' not in place.split('.')
        ]
        before = [list(holder['pipeline']) for holder in holders]
        for holder in holders:
            holder['pipeline'] = change(holder['pipeline'])
        if variable is not None and list(variable) in before:
            self.cfg.train_pipeline = change(variable)

    def load_boxes(
        self, method: str, min_score: float, instead: str = '', above: bool = False
    ) -> None:
        """Let the training pipelines load the person boxes that the options name."""
        from ..datasets.transforms.person_boxes import with_person_boxes

        boxes, missing = self.file('boxes', method, instead), self.options.get('missing', 'fail')

        def change(pipeline: Pipeline) -> Pipeline:
            return with_person_boxes(pipeline, boxes, min_score, missing, above)

        _checked(self.name, lambda: self.change_pipelines(change))

    def average(self, pattern: str) -> None:
        """Let MMEngine average what a recogniser logs, as it does with losses."""
        given = dict(self.cfg.get('log_processor') or {})
        known = given.get('mean_pattern', _AVERAGED)
        if pattern not in known:
            self.cfg.log_processor = dict(given, mean_pattern=f'{known}|{pattern}')


def debias(
    cfg: Config | Mapping[str, Any] | str | os.PathLike,
    method: str,
    **options: Any,
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
            - stillmix: ``bank`` (file; without one, frames of the other clips of the batch: then
              this is StillMix-random, and a warning says so unless it is given as None),
              ``alpha``, ``beta``, ``prob``
            - sdn: ``scenes`` (file), ``boxes`` (file), ``missing``, ``scene``, ``mask`` (settings
              of a branch, None to leave it out), ``num_scenes``
            - albar: ``static`` (see ``ALBARRecognizer3D``), and its ``frame`` and ``preset``
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
    name = str(method).lower()
    name = name.replace('_', '+' if 'albar' in name else '')
    if name not in METHODS:
        near = did_you_mean(name, METHODS)
        raise DebiasError(f'unknown method {method!r}{near}; there are {", ".join(METHODS)}')
    mix, own = METHODS[name]
    known = (*own, *_COMMON)
    unknown = sorted(options.keys() - set(known))
    if unknown:
        near = did_you_mean(unknown[0], known)
        raise DebiasError(
            f'{method}: unknown option {unknown[0]!r}{near}; there are {", ".join(known)}'
        )
    target = _target(cfg, options)
    mix(target)
    if 'bank' not in options and lacks_bank(target.cfg.model):
        warn_without_bank()
    # also where the config is run by MMAction2's own tools
    given = dict(target.cfg.get('custom_imports') or dict(imports=[], allow_failed_imports=False))
    imports = [given['imports']] if isinstance(given['imports'], str) else list(given['imports'])
    if 'albar_mm' not in imports:
        target.cfg.custom_imports = dict(given, imports=[*imports, 'albar_mm'])
    return target.cfg


def static_cost(cfg: Config) -> str:
    """What a training step with the static pass of a config costs, in a sentence; '' without one.

    Args:
        cfg: The config.
    """
    from ..models.recognizers.options import StaticOptions

    model = cfg.get('model') or {}
    if not str(type_name(model)).startswith('ALBAR'):
        return ''
    options = _checked('model.static', lambda: StaticOptions.from_config(model.get('static', {})))
    return options.cost((cfg.get('train_dataloader') or {}).get('batch_size') or 1)


def difference(before: Config, after: Config) -> str:
    """Unified diff of two configs as text, '' if they are the same."""
    name = Path(before.filename or 'config').name
    return '\n'.join(
        difflib.unified_diff(
            before.pretty_text.split('\n'),
            after.pretty_text.split('\n'),
            name,
            f'{name} (debiased)',
            lineterm='',
        )
    )


def _blending(method: str, kind: str, normalised: bool = False) -> Callable[[_Target], None]:
    """What mixes a blending of batches in; ``normalised`` ones are told ``mean`` and ``std``."""

    def mix(target: _Target) -> None:
        settings = target.settings(method)
        if method == 'actorcutmix':
            target.load_boxes(method, settings.pop('min_score'), above=True)
        elif method == 'stillmix' and target.options.get('bank'):
            settings['bank'] = _bank(target)
        _blend(target, kind, {**(target.normalisation() if normalised else {}), **settings})

    return mix


def _bank(target: _Target) -> str:
    from ..annotations.frame_bank import load_frame_bank

    bank = target.file('bank', 'stillmix')
    classes = _checked('stillmix', lambda: load_frame_bank(bank)).num_classes
    if classes != target.num_classes:
        raise DebiasError(
            f'stillmix: bank={bank} was scored for {classes} classes, {target.name} has '
            f'{target.num_classes}: build one with a reference network of the same data set'
        )
    return bank


def _sdn(target: _Target) -> None:
    from ..annotations.scene_labels import scene_count
    from ..datasets.transforms import with_scene_labels
    from ..models.recognizers.options import SDNOptions

    options, sdn = target.options, dict[str, Any](scene=None, mask=None)
    if options.get('scene', {}) is not None:
        scenes = target.file('scenes', 'sdn', '; scene=None leaves the branch out')
        sdn['num_scenes'] = options.get('num_scenes') or scene_count(scenes)
        sdn['scene'] = dict(options.get('scene') or {})
        missing = options.get('missing', 'fail')
        target.change_pipelines(lambda steps: with_scene_labels(steps, scenes, missing=missing))
    if options.get('mask', {}) is not None:
        target.load_boxes('sdn', 0.3, '; mask=None leaves the branch out')
        sdn['mask'] = dict(options.get('mask') or {})
    _checked('sdn', lambda: SDNOptions.from_config(sdn))
    target.recognizer.update(type=f'SDN{type_name(target.recognizer)}', sdn=sdn)
    target.average('^(scene_top1|mask_entropy)$')


def _albar(target: _Target) -> None:
    from ..models.recognizers.options import StaticOptions

    static = albar_static(target.options.get('static'))
    static.update({key: target.options[key] for key in _OF_STATIC if key in target.options})
    _checked('albar', lambda: StaticOptions.from_config(static))
    target.recognizer.update(type=f'ALBAR{type_name(target.recognizer)}', static=static)
    # another type of preprocessor stays: the recogniser then takes its frame after it
    if is_type(target.preprocessor, 'ActionDataPreprocessor'):
        target.preprocessor['type'] = 'StaticDataPreprocessor'

    def with_static_clip(pipeline: Pipeline) -> Pipeline:
        there = any(is_type(step, 'StaticClip') for step in pipeline)
        step = dict(type='StaticClip', frame=static.get('frame', 'random'))
        return [*pipeline] if there else [*pipeline, step]

    target.change_pipelines(with_static_clip)
    target.average('^static_')


def _albar_stillmix(target: _Target) -> None:
    _albar(target)
    rest = {key: value for key, value in target.options.items() if key not in _ALBAR}
    # ALBAR's paper: the variant without a reference network, probability 0.75
    target.options = {'prob': 0.75, 'alpha': 200.0, 'beta': 200.0, **rest}
    mix, _ = METHODS['stillmix']
    mix(target)


_OF_STATIC = ('frame', 'preset')
_STILLMIX, _ALBAR = ('bank', 'alpha', 'beta', 'prob'), ('static', *_OF_STATIC)
METHODS: dict[str, tuple[Callable[[_Target], None], tuple[str, ...]]] = {
    'mixup': (_blending('mixup', 'ClipMixupBlending'), ('alpha', 'prob')),
    'videomix': (_blending('videomix', 'VideoMixBlending'), ('alpha', 'prob', 'mode')),
    'sdn': (_sdn, ('scenes', 'boxes', 'missing', 'scene', 'mask', 'num_scenes')),
    'be': (_blending('be', 'BEBlending'), ('scale', 'prob')),
    'actorcutmix': (
        _blending('actorcutmix', 'ActorCutMixBlending'),
        ('boxes', 'min_score', 'missing', 'prob'),
    ),
    'fame': (_blending('fame', 'FAMEBlending', True), ('fg_fraction', 'hue_mode', 'prob')),
    'stillmix': (_blending('stillmix', 'StillMixBlending', True), _STILLMIX),
    'albar': (_albar, _ALBAR),
    'albar+stillmix': (_albar_stillmix, _ALBAR + _STILLMIX),
}
"""Name -> how it is mixed in and the names of its options, in the order of the paper's table."""


def _target(cfg: Config | Mapping[str, Any] | str | os.PathLike, options: dict) -> _Target:
    if isinstance(cfg, Mapping) and not isinstance(cfg, Config):
        cfg = Config(copy.deepcopy(dict(cfg)))
    else:
        cfg = load_config(cfg)
    name = Path(cfg.filename or 'config').name
    _checked(name, lambda: check_data(cfg))
    recognizer = _checked(name, lambda: recognizer_of(cfg.get('model')))
    classes = _checked(name, lambda: check_head(recognizer))
    for key, known in (('data_set', DATASETS), ('pretraining', PRETRAININGS)):
        if options.get(key) not in (None, *known):
            raise DebiasError(f'{key}={options[key]!r}: expected one of {", ".join(known)}')
    data_set = options.get('data_set') or data_set_of(cfg, classes)
    return _Target(cfg, name, recognizer, classes, data_set, dict(options))


def _blend(target: _Target, kind: str, settings: Mapping[str, Any]) -> None:
    """Set the blending; one that is there comes after it."""
    from mmaction.registry import MODELS

    blending = dict(type=kind, num_classes=target.num_classes, **settings)
    values = {k: v for k, v in blending.items() if k not in ('type', 'bank')}
    _checked(kind, lambda: MODELS.get(kind)(**values))
    own = target.preprocessor.get('blending')
    if any(is_type(there, kind) for there in (own or {}).get('blendings') or [own]):
        raise DebiasError(
            f'{target.name}: its data_preprocessor.blending is a {kind} already: start from the '
            'plain config, or set its options'
        )
    target.preprocessor['blending'] = (
        blending if own is None else dict(type='ChainedBlending', blendings=[blending, own])
    )


def _checked(what: str, read: Callable[[], Any]) -> Any:
    """Let a component read its settings, so that a wrong one is named before a run begins."""
    try:
        return read()
    except (TypeError, ValueError) as error:
        raise DebiasError(f'{what}: {error}') from error
