"""The ablations of the ALBAR paper as overrides of one ALBAR config."""

import ast
import os
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..engine.launch import load_config
from ..utils.config_types import is_type, mappings, type_name
from ..utils.errors import LaunchError
from ..utils.lock import sole_user_of
from .experiment import Experiment, run_seeds, summary_table, write_summary

TERMS = {'adv': 'StaticAdversarialLoss', 'ent': 'StaticEntropyLoss', 'gp': 'StaticGradientPenalty'}

LOSS_ROWS = {
    'a': (),
    'b': ('adv',),
    'c': ('ent',),
    'd': ('gp',),
    'e': ('adv', 'ent'),
    'f': ('adv', 'gp'),
    'g': ('ent', 'gp'),
    'h': ('adv', 'ent', 'gp'),
}
"""Table 3: row -> terms that are on."""

FRAMES = ('random', 'first', 'middle', 'last')
"""Table 4."""

WEIGHTS = {'adv': (0, 0.5, 1, 2, 4), 'ent': (0, 2, 4, 8), 'gp': (0, 5, 10, 20)}
"""Tables 10-12. At weight 0 only the swept term is off; the paper prints the plain baseline there,
with all three off."""


def losses(cfg: Config) -> list[Experiment]:
    """Table 3, rows a-h: which static terms are on."""
    terms = _terms(cfg)
    return [
        _with_losses(cfg, f'({row}) {" + ".join(on) or "none"}', [terms[name] for name in on])
        for row, on in LOSS_ROWS.items()
    ]


def frame(cfg: Config) -> list[Experiment]:
    """Table 4: which frame is repeated."""
    _terms(cfg)
    experiments = []
    for choice in FRAMES:
        varied = deepcopy(cfg)
        varied.model.static.frame = choice
        for _, step in mappings(varied.train_dataloader):
            if is_type(step, 'StaticClip'):
                step['frame'] = choice
        experiments.append(Experiment(f'frame = {choice}', varied))
    return experiments


def weights(cfg: Config) -> list[Experiment]:
    """Tables 10-12: one weight at a time, the other two as in the config."""
    terms = _terms(cfg)
    experiments = []
    for swept, values in WEIGHTS.items():
        for value in values:
            varied = {**terms, swept: dict(terms[swept], weight=value)}
            experiments.append(_with_losses(cfg, f'{swept} = {value:g}', list(varied.values())))
    return experiments


ABLATIONS = {'losses': losses, 'frame': frame, 'weights': weights}


def sweep(cfg: Config, key: str, values: list[Any]) -> list[Experiment]:
    """One experiment for each value of any one setting, by its dotted key."""
    return [Experiment(f'{key} = {value}', cfg, {key: value}) for value in values]


@sole_user_of('work_dir')
def run_ablation(
    config: str | os.PathLike,
    which: str,
    work_dir: str | os.PathLike,
    *,
    seeds: Sequence[int] = (0,),
    key: str | None = None,
    values: Sequence[str] | None = None,
    rows: Sequence[str] | None = None,
    cfg_options: Mapping[str, Any] | Sequence[str] | None = None,
    test_after: bool = True,
    trials: str | os.PathLike | None = None,
) -> dict:
    """Run an ablation, print its table after every row, write ``<work_dir>/<which>/results.json``.

    Args:
        config: ALBAR config (any config for a sweep).
        which: ``'losses'``, ``'frame'``, ``'weights'`` or ``'sweep'``.
        work_dir: Finished runs found there are not repeated.
        seeds: One run of every row for each.
        key: Setting to sweep.
        values: Its values, as written in Python.
        rows: Only rows whose name starts with one of these.
        cfg_options: Settings for every run, see :func:`albar_mm.engine.launch.run.train`.
        test_after: Run the test sets. False leaves the validation scores alone.
        trials: See :func:`run_experiment`.

    Returns:
        Row name to the records of its seeds.

    Raises:
        LaunchError: The config cannot be ablated so, or a run fails.
    """
    cfg = load_config(config, cfg_options)
    if which == 'sweep':
        if not key or not values:
            raise LaunchError('--which sweep needs --key and --values')
        experiments = sweep(cfg, key, [_literal(v) for v in values])
    else:
        experiments = ABLATIONS[which](cfg)
    if rows:
        experiments = [e for e in experiments if e.name.startswith(tuple(rows))]
    if not experiments:
        raise LaunchError(f'no row of --which {which} starts with {" or ".join(rows or ())}')
    results: dict[str, list] = {}
    folder = Path(work_dir) / which
    for experiment in experiments:
        slug = re.sub(r'[^A-Za-z0-9.+-]+', '_', experiment.name).strip('_')
        results[experiment.name] = run_seeds(
            experiment, folder / slug, seeds, test_after=test_after, trials=trials
        )
        print(summary_table(results, f'{which}, {len(seeds)} seed(s)'), flush=True)
    write_summary(folder / 'results.json', results)
    return results


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _terms(cfg: Config) -> dict[str, Mapping[str, Any]]:
    """The three static losses of a config by their short names."""
    given = ((cfg.get('model') or {}).get('static') or {}).get('losses') or []
    by_type = {type_name(term): term for term in given}
    missing = [kind for kind in TERMS.values() if kind not in by_type]
    if missing:
        raise LaunchError(
            f'{cfg.filename}: model.static.losses must list {", ".join(missing)}: the ablations '
            'start from a full ALBAR config such as configs/albar_sprites.py'
        )
    return {name: by_type[kind] for name, kind in TERMS.items()}


def _with_losses(cfg: Config, name: str, terms: Sequence[Mapping[str, Any]]) -> Experiment:
    return Experiment(name, cfg, {'model.static.losses': [dict(deepcopy(term)) for term in terms]})
