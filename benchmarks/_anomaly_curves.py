"""Trainings of ``anomaly_curves.py``: their settings, runs and table."""

import argparse
import contextlib
import hashlib
import io
import json
import logging
import multiprocessing
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from _run import progress

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / 'configs' / 'downstream'
SCORES = ('auc', 'auc_anomalous')


@dataclass(frozen=True)
class Row:
    """Settings of a training.

    Attributes:
        config: File in ``configs/downstream``.
        options: Over it.
        epochs: Length; ten times what oracle features need.
        interval: Epochs between tests.
        early: Epochs at the start, after each of which is tested.
        published: The published code can be trained with them.
        oracle: For features that show the truth, all of which are run by default.
        most: Trainings at most.
    """

    config: str = 'anomaly_mgfn_ucfcrime.py'
    options: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 160
    interval: int = 8
    early: int = 0
    published: bool = False
    oracle: bool = True
    most: int = 10


_SMALL = {
    'model.backbone.channels': (32, 64, 128), 'model.backbone.depths': (1, 1, 1),
    'model.backbone.head_channels': 32, 'model.head.in_channels': 128,
    'train_dataloader.batch_size': 16}  # fmt: skip
_SLOW = {**_SMALL, 'optim_wrapper.optimizer.lr': 3e-4, 'model.head.dropout': 0.}


def _small(**options: Any) -> Row:  # noqa: ANN401
    """The slow small network, with one thing changed."""
    return Row(options={**_SLOW, **{name.replace('__', '.'): value
                                    for name, value in options.items()}}, most=5)  # fmt: skip


_BY_SCORE = dict(model__head__select='score')
ROWS: Mapping[str, Row] = MappingProxyType({
    'published': Row(epochs=32, interval=4, published=True),
    'by-score': Row('anomaly_mgfn_by_score.py', epochs=32, interval=4, most=5),
    'small-published': Row(options=_SMALL, published=True),
    'small': Row(options=_SLOW, early=8, published=True),
    'small-by-score': Row(options={**_SLOW, 'model.head.select': 'score'}, early=8),
    'rtfm': Row('anomaly_rtfm_ucfcrime.py', early=8),
    'mil': Row('anomaly_mil_ucfcrime.py', early=8),
    'random-selection': _small(model__head__dropout=0.7),
    'no-contrast': _small(model__head__weights=dict(apart=0., normal=0., anomalous=0.)),
    'contrast-of-videos': _small(model__head__intra='videos'),
    'no-sparsity-smoothness': _small(model__head__weights=dict(sparsity=0., smoothness=0.)),
    'sparsity-of-anomalous': _small(model__head__sparsity='anomalous'),
    'faster': _small(optim_wrapper__optimizer__lr=1e-3),
    'slower': _small(optim_wrapper__optimizer__lr=1e-4),
    'no-attention': _small(model__backbone__kinds=('focus',) * 3),
    'by-score-random-selection': _small(**_BY_SCORE, model__head__dropout=0.7),
    'by-score-faster': _small(**_BY_SCORE, optim_wrapper__optimizer__lr=1e-3),
    'by-score-no-attention': _small(**_BY_SCORE, model__backbone__kinds=('focus',) * 3),
    'embedded': Row('anomaly_mgfn_sprites.py', epochs=96, interval=4, oracle=False),
    'embedded-by-magnitude': Row('anomaly_mgfn_sprites.py', {'model.head.select': 'magnitude'},
                                 epochs=96, interval=4, oracle=False),
})  # fmt: skip


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Train all and return the document that ``--out`` writes.

    Args:
        args: The command line.
    """
    from albar_mm.evaluation.results import library_versions

    rows = args.rows or [name for name, row in ROWS.items() if row.oracle]
    jobs = list(_jobs(args, rows))
    found: dict[str, list[dict[str, Any]]] = {}
    # as in a fresh process each: a training must not depend on what ran before
    context = multiprocessing.get_context('spawn')
    os.environ['OMP_NUM_THREADS'] = os.environ.get('OMP_NUM_THREADS', '1')
    with ProcessPoolExecutor(args.jobs, context) as pool:
        running = [pool.submit(_run, job) for job in jobs]
        for number, done in enumerate(as_completed(running), 1):
            title, seed, noise, curve = done.result()
            found.setdefault(title, []).append(dict(seed=seed, noise=noise, **curve))
            last = '  '.join(f'{name} {curve[name][-1]:.1f}' for name in SCORES)
            progress(f'{number}/{len(jobs)}  {title}, seed {seed}, draw {noise}: {last}')
    ordered = {title: sorted(found[title], key=lambda run: (run['seed'], run['noise']))
               for title in dict.fromkeys(job['title'] for job in jobs)}  # fmt: skip
    document = dict(seeds=args.seeds, draws_of_noise=args.noise, features=args.features or 'oracle',
                    rows={name: asdict(ROWS[name]) for name in rows}, curves=ordered,
                    versions=library_versions())  # fmt: skip
    if args.picture:
        from _anomaly_picture import draw

        print(f'picture: {draw(args.picture, ordered)}')
    return document


def _jobs(args: argparse.Namespace, rows: list[str]) -> Iterator[dict[str, Any]]:
    for name in rows:
        draws = [(seed, 0) for seed in range(min(args.seeds, ROWS[name].most))]
        draws += [(0, number + 1) for number in range(args.noise)]
        peers = [None, *([args.peer] if args.peer and ROWS[name].published else [])]
        for peer in peers:
            for seed, noise in draws:
                yield dict(row=name, title=f'{name}, published code' if peer else name, seed=seed,
                           noise=noise, peer=peer and os.path.abspath(peer),
                           features=args.features, annotations=args.annotations,
                           work_dir=args.work_dir)  # fmt: skip


def _run(job: dict[str, Any]) -> tuple[str, int, int, dict[str, Any]]:
    """One training, or what an earlier one left."""
    sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]
    from albar_mm.evaluation.results import write_text_atomically

    row = ROWS[job['row']]
    used = {name: value for name, value in asdict(row).items() if name != 'most'}
    settings = json.dumps([used, {**job, 'work_dir': '', 'row': '',
                                         'peer': bool(job['peer'])}])  # fmt: skip
    digest = hashlib.sha256(settings.encode()).hexdigest()[:12]
    file = Path(job['work_dir']) / f'{job["row"]}-{digest}.json'
    if not file.is_file():
        # no log of hundreds of trainings
        logging.disable(logging.INFO)
        with contextlib.redirect_stdout(io.StringIO()):
            curve = _train(row, job)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text_atomically(file, json.dumps(curve) + '\n')
    return job['title'], job['seed'], job['noise'], json.loads(file.read_text())


def _train(row: Row, job: Mapping[str, Any]) -> dict[str, Any]:
    from albar_mm.engine.launch import train
    from downstream.anomaly.jobs import config_for
    from tests.downstream.anomaly.toy import write_oracle
    from tests.weight_noise import weight_noise

    with tempfile.TemporaryDirectory() as folder, weight_noise(job['noise']):
        if job['features']:
            store, lists = job['features'], list(job['annotations'])
        else:
            made = write_oracle(Path(folder), videos=60, seed=job['seed'])
            store, lists = made / 'store', [str(made / 'train.txt'), str(made / 'test.txt')]
        cfg = config_for(CONFIGS / row.config, store, *lists, {
            **row.options, 'train_cfg.max_epochs': row.epochs, 'log_level': 'ERROR'})
        # tested all along, which is what is looked at here: nothing is chosen
        cfg.val_dataloader, cfg.val_evaluator = cfg.test_dataloader, dict(
            type='FrameAUC', bootstrap=0, per_kind=False)
        cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=-1, save_last=False)
        cfg.train_cfg.update(val_interval=1 if row.early else row.interval, val_begin=1,
                             dynamic_intervals=[(row.early + 1, row.interval)])  # fmt: skip
        if job['peer']:
            import _mgfn_published  # noqa: F401

            cfg.model.update(type='PublishedMGFN', repository=job['peer'],
                             half=cfg.train_dataloader.batch_size // 2)  # fmt: skip
        runner = train(cfg, work_dir=str(Path(folder) / 'run'), seed=job['seed'])
        steps = len(runner.train_dataloader)
        scalars = runner.message_hub.log_scalars
        curves = {name: scalars[f'val/frame/{name}'].data[0].round(2).tolist()
                  for name in (*SCORES, 'video_auc')}  # fmt: skip
    epochs = [epoch for epoch in range(1, row.epochs + 1)
              if epoch <= row.early or not epoch % row.interval]  # fmt: skip
    return dict(steps=[steps * epoch for epoch in epochs], **curves)


def report(document: Mapping[str, Any]) -> str:
    """A line for each row and score: mean and spread at the end, and what was lost on the way."""
    lines = ['at the end: mean ± standard deviation (lowest); lost since the best test of each '
             'training: mean (most)']  # fmt: skip
    width = max(map(len, document['curves']))
    for title, runs in document['curves'].items():
        for what, chosen in (('', [run for run in runs if not run['noise']]),
                             (' noise', [run for run in runs if not run['seed']])):
            if not chosen or (what and len(chosen) < 2):
                continue
            parts = []
            for score in SCORES:
                last = [run[score][-1] for run in chosen]
                lost = [max(run[score]) - run[score][-1] for run in chosen]
                mean, spread = statistics.mean(last), statistics.pstdev(last)
                parts.append(f'{score} {mean:5.1f} ± {spread:4.1f} ({min(last):4.1f}), '
                             f'lost {statistics.mean(lost):4.1f} ({max(lost):4.1f})')
            lines.append(f'{title + what:{width + 6}}  {len(chosen):2} trainings  '
                         + '   '.join(parts))  # fmt: skip
    return '\n'.join(lines)
