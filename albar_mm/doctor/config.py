"""Everything that a config needs from this machine (needs an importable albar_mm)."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .data import check_annotation, check_folder, find_annotations, find_folders
from .decoders import install_command, works
from .machine import check_open_files, check_shared, cores, open_files, shared_bytes
from .report import Finding

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
PREFETCH = 2  # batches that PyTorch lets every worker prepare
_SPARE_FILES = 256


def check_config(
    config: str | os.PathLike, cfg_options: Sequence[str], decoders: Mapping[str, str]
) -> tuple[dict[str, str], list[Finding]]:
    """Check data, masks, checkpoint, decoder and workers of a config.

    Args:
        config: As for ``tools/train.py``.
        cfg_options: ``key=value`` strings that override settings.
        decoders: What :func:`.decoders.check_decoders` said of each decoder.

    Returns:
        Facts, and what is wrong.
    """
    from albar_mm.engine.launch import load_config, work_dir_of
    from albar_mm.utils.errors import LaunchError

    try:
        cfg = load_config(config, cfg_options)
    except LaunchError as error:
        return {'config': f'{config}: cannot be read'}, [
            Finding('error', str(error), f'python tools/train.py --help  # then correct {config}')
        ]
    facts, found = {'config': str(config)}, []
    num_classes = ((cfg.get('model') or {}).get('cls_head') or {}).get('num_classes')
    for loader in LOADERS:
        if cfg.get(loader):
            more, problems = _check_loader(cfg, loader, num_classes, decoders)
            facts.update(more)
            found += problems
    for key, weights in _checkpoints(cfg):
        facts[key], problems = _check_checkpoint(key, weights)
        found += problems
    folder = work_dir_of(cfg)
    facts['work_dir'] = folder
    return facts, found + _check_writable(folder)


def _check_loader(
    cfg: Any,  # noqa: ANN401
    loader: str,
    num_classes: int | None,
    decoders: Mapping[str, str],
) -> tuple[dict[str, str], list[Finding]]:
    settings = cfg[loader]
    facts, found, used = {}, [], set()
    for ann in find_annotations(settings.get('dataset'), f'{loader}.dataset'):
        facts[f'{ann.key}.ann_file'], problems = check_annotation(ann, num_classes)
        found += problems
        used |= {ann.decoder} - {None}
    for key, path in find_folders(settings.get('dataset'), f'{loader}.dataset'):
        problems = check_folder(key, path)
        facts[key] = f'{path}: {"missing or empty" if problems else "there"}'
        found += problems
    for decoder in sorted(used):
        facts[f'{loader} decodes with'] = decoder
        if not works(decoders.get(decoder, 'not checked')):
            found.append(
                Finding(
                    'error',
                    f'{loader}: its pipeline decodes with {decoder}, which is '
                    f'{decoders.get(decoder)}',
                    install_command(decoder),
                )
            )
    if not found:
        size, problems = _check_first_sample(cfg, loader)
        found += problems
        facts[f'{loader} first sample'] = f'{size / 2**20:.2f} MiB' if size else 'not loaded'
        found += _check_workers(loader, settings, size)
    return facts, found


def _check_first_sample(cfg: Any, loader: str) -> tuple[int, list[Finding]]:  # noqa: ANN401
    """Build the dataset as a run does and load one sample; return its size in bytes."""
    from mmaction.registry import DATASETS
    from mmengine.registry import init_default_scope

    from albar_mm.utils.errors import one_line

    init_default_scope(cfg.get('default_scope') or 'mmaction')
    try:
        dataset = DATASETS.build(cfg[loader].dataset)
        inputs = dataset[0]['inputs']
    except Exception as error:  # a dataset and its pipeline can raise anything
        return 0, [
            Finding(
                'error',
                f'{loader}: its first sample cannot be loaded ({one_line(error)})',
                f'edit {loader}.dataset of the config as the message says',
            )
        ]
    return getattr(inputs, 'nbytes', 0), []


def _check_workers(loader: str, settings: Mapping, sample_bytes: int) -> list[Finding]:
    workers, batch = settings.get('num_workers', 0), settings.get('batch_size', 1)
    if not workers:
        return []
    found, available = [], cores()
    if workers > available:
        found.append(
            Finding(
                'warning',
                f'{loader}.num_workers={workers} is more than the {available} cores here',
                f'add --cfg-options {loader}.num_workers={available} to the command',
            )
        )
    clips = workers * (settings.get('prefetch_factor') or PREFETCH) * batch
    shared, soft = shared_bytes(), open_files()
    if shared is not None:
        found += check_shared(shared, clips * sample_bytes)
    if soft is not None:
        # MMEngine collates no clips: each one's inputs and label travel as files of their own
        found += check_open_files(soft, 2 * clips + _SPARE_FILES)
    return found


def _checkpoints(cfg: Mapping) -> list[tuple[str, str]]:
    """Key and place of all weights that a run loads."""
    named = [('load_from', cfg.get('load_from'))]
    backbone = (cfg.get('model') or {}).get('backbone') or {}
    named.append(('model.backbone.pretrained', backbone.get('pretrained')))
    init = backbone.get('init_cfg')
    if isinstance(init, Mapping):
        named.append(('model.backbone.init_cfg.checkpoint', init.get('checkpoint')))
    return [(key, value) for key, value in named if isinstance(value, str) and value]


def _check_checkpoint(key: str, weights: str) -> tuple[str, list[Finding]]:
    from importlib.util import find_spec

    if weights.startswith(('torchvision://', 'modelzoo://')):
        if find_spec('torchvision') is None:
            return f'{weights}: needs torchvision', [
                Finding(
                    'error',
                    f'{key}: {weights} needs torchvision, which is missing',
                    'pip install torchvision',
                )
            ]
        return f'{weights}: comes from torchvision', []
    if '://' in weights:
        return _cached(weights), []
    if not Path(weights).is_file():
        return f'{weights}: missing', [
            Finding(
                'error',
                f'{key}: no such checkpoint: {weights}',
                f'add --cfg-options {key}=<path> to the command',
            )
        ]
    return _check_weights(key, weights)


def _cached(address: str) -> str:
    """Say whether a download is already there, where torch keeps them."""
    import torch

    name = address.rsplit('/', 1)[-1].split('?')[0]
    there = (Path(torch.hub.get_dir()) / 'checkpoints' / name).is_file()
    return f'{address}: {"downloaded before" if there else "will be downloaded by the first run"}'


def _check_weights(key: str, path: str) -> tuple[str, list[Finding]]:
    from albar_mm.compat import safe_load
    from albar_mm.utils.errors import one_line

    try:
        loaded = safe_load(path, map_location='cpu')
    except Exception as error:  # torch and pickle raise many kinds for a broken file
        return f'{path}: does not load', [
            Finding(
                'error',
                f'{key}: {path} does not load ({one_line(error)})',
                f'add --cfg-options {key}=<another checkpoint> to the command',
            )
        ]
    state = loaded.get('state_dict', loaded) if isinstance(loaded, Mapping) else {}
    return f'{path}: {len(state)} tensors', []


def _check_writable(folder: str) -> list[Finding]:
    path = Path(folder).absolute()
    existing = next(part for part in (path, *path.parents) if part.exists())
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return []
    return [
        Finding(
            'error',
            f'work_dir {folder}: {existing} is no folder that you may write to',
            'add --work-dir <folder> to the command',
        )
    ]
