"""Everything that a config needs from this machine (needs an importable albar_mm)."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from mmaction.registry import DATASETS, METRICS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from albar_mm.compat import safe_load
from albar_mm.debias.methods import static_cost
from albar_mm.engine.checkpoints.source import state_of
from albar_mm.engine.launch import load_config, work_dir_of
from albar_mm.engine.launch.checks import (
    FROM_TORCHVISION,
    check_dataset,
    check_save_best,
    check_schedule,
    lacking_weights,
    named_weights,
)
from albar_mm.engine.launch.data import cure
from albar_mm.engine.launch.run import LOADERS
from albar_mm.utils.errors import DebiasError, LaunchError, one_line

from .data import check_annotation, check_folder, find_annotations, find_folders
from .libraries import install_command, works
from .machine import check_open_files, check_shared, cores, open_files, shared_bytes
from .report import Finding, error, warning

PREFETCH = 2  # batches that PyTorch lets every worker prepare
_SPARE_FILES = 256


def check_config(
    config: str | os.PathLike, cfg_options: Sequence[str], decoders: Mapping[str, str]
) -> tuple[dict[str, str], list[Finding]]:
    """Check data, masks, checkpoint, decoder and workers of a config.

    Args:
        config: As for ``tools/train.py``.
        cfg_options: ``key=value`` strings that override settings.
        decoders: What :func:`.libraries.check_decoders` said of each decoder.

    Returns:
        Facts, and what is wrong.
    """
    try:
        cfg = load_config(config, cfg_options)
    except LaunchError as fault:
        fix = f'python tools/train.py --help  # then correct {config}'
        return {'config': f'{config}: cannot be read'}, error(str(fault), fix)
    facts, found = {'config': str(config)}, []
    if not any(map(cfg.get, LOADERS)):
        fix = 'name the config of a training or a test'
        found += error(f'{config}: has no {", ".join(LOADERS)}: nothing could run', fix)
    for loader in filter(cfg.get, LOADERS):
        more, problems = _check_loader(cfg, loader, decoders)
        facts.update(more)
        found += problems
    found += _check_choice(cfg)
    for key, weights in named_weights(cfg):
        facts[key], problems = _check_checkpoint(key, weights)
        found += problems
    try:
        if cost := static_cost(cfg):
            facts['model.static'] = cost
    except DebiasError as fault:
        found += error(str(fault), 'edit model.static of the config as the message says')
    facts['work_dir'] = folder = work_dir_of(cfg)
    path = Path(folder).absolute()
    existing = next(part for part in (path, *path.parents) if part.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        what = f'work_dir {folder}: {existing} is no folder that you may write to'
        found += error(what, 'add --work-dir <folder> to the command')
    return facts, found


def _check_loader(
    cfg: Config, loader: str, decoders: Mapping[str, str]
) -> tuple[dict[str, str], list[Finding]]:
    dataset, key = cfg[loader].get('dataset'), f'{loader}.dataset'
    classes = ((cfg.get('model') or {}).get('cls_head') or {}).get('num_classes')
    facts, found, used = {}, [], set()
    for ann in find_annotations(dataset, key):
        facts[f'{ann.key}.ann_file'], problems = check_annotation(ann, classes)
        found += problems
        used |= {ann.decoder} - {None}
    for name, path in find_folders(dataset, key):
        problems = check_folder(name, path)
        facts[name] = f'{path}: {"missing or empty" if problems else "there"}'
        found += problems
    for decoder in sorted(used):
        facts[f'{loader} decodes with'] = decoder
        if not works(decoders.get(decoder, 'not checked')):
            what = f'{loader}: its pipeline decodes with {decoder}, which is'
            found += error(f'{what} {decoders.get(decoder)}', install_command(decoder))
    if not found:
        size, more = _check_first_sample(cfg, loader)
        found += more
        facts[f'{loader} first sample'] = f'{size / 2**20:.2f} MiB' if size else 'not loaded'
        found += _check_workers(loader, cfg[loader], size)
    return facts, found


def _check_first_sample(cfg: Config, loader: str) -> tuple[int, list[Finding]]:
    """Build the dataset as a run does and load one sample; return its size in bytes."""
    init_default_scope(cfg.get('default_scope') or 'mmaction')
    classes = ((cfg.get('model') or {}).get('cls_head') or {}).get('num_classes')
    try:
        dataset = DATASETS.build(cfg[loader].dataset)
        check_dataset(dataset, loader, classes)
        if loader == LOADERS[0]:
            check_schedule(cfg, max(1, len(dataset) // cfg[loader].get('batch_size', 1)))
        inputs = dataset[0]['inputs']
    except LaunchError as fault:
        return 0, error(str(fault), 'as it says')
    except Exception as fault:  # a dataset and its pipeline can raise anything
        what = f'{loader}: its first sample cannot be loaded ({one_line(fault)})'
        return 0, error(what, f'edit {loader}.dataset of the config as the message says')
    lacking = getattr(dataset, 'metainfo', {}).get('missing_sets')
    left_out = f'{loader}: bias sets that are not there are left out: {", ".join(lacking or ())}'
    fix = cure('bias_root', cfg[loader].dataset.get('bias_root') or '')
    return getattr(inputs, 'nbytes', 0), warning(left_out, fix) if lacking else []


def _check_choice(cfg: Config) -> list[Finding]:
    """Whether the validation gives the score that checkpoints are chosen by."""
    hook = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    given = cfg.get('val_evaluator') or []
    try:
        metrics = [METRICS.build(one) for one in ([given] if 'type' in given else given)]
        check_save_best(hook.get('save_best') if metrics else None, metrics)
    except LaunchError as fault:
        return error(str(fault), 'as it says')
    except Exception as fault:  # a metric can raise anything
        what = f'val_evaluator cannot be made ({one_line(fault)})'
        return error(what, 'edit val_evaluator of the config as the message says')
    return []


def _check_workers(loader: str, settings: Mapping, sample_bytes: int) -> list[Finding]:
    workers, batch = settings.get('num_workers', 0), settings.get('batch_size', 1)
    if not workers:
        return []
    found, available = [], cores()
    if workers > available:
        found += warning(
            f'{loader}.num_workers={workers} is more than the {available} cores here',
            f'add --cfg-options {loader}.num_workers={available} to the command',
        )
    clips = workers * (settings.get('prefetch_factor') or PREFETCH) * batch
    found += check_shared(shared_bytes(), clips * sample_bytes)
    # MMEngine collates no clips: each one's inputs and label travel as files of their own
    return found + check_open_files(open_files(), 2 * clips + _SPARE_FILES)


def _check_checkpoint(key: str, weights: str) -> tuple[str, list[Finding]]:
    if wrong := lacking_weights(key, weights):
        return f'{weights}: missing', error(*wrong)
    if weights.startswith(FROM_TORCHVISION):
        return f'{weights}: comes from torchvision', []
    if '://' in weights:  # a download lies where torch keeps them
        name = weights.rsplit('/', 1)[-1].split('?')[0]
        there = (Path(torch.hub.get_dir()) / 'checkpoints' / name).is_file()
        else_ = f'the first run downloads it; without a network add --cfg-options {key}=<file>'
        return f'{weights}: {"downloaded before" if there else else_}', []
    try:
        loaded = safe_load(weights, map_location='cpu')
    except Exception as fault:  # torch and pickle raise many kinds for a broken file
        return f'{weights}: does not load', error(
            f'{key}: {weights} does not load ({one_line(fault)})',
            f'add --cfg-options {key}=<another checkpoint> to the command',
        )
    return f'{weights}: {len(state_of(loaded))} tensors', []
