"""Trainings of ``anomaly_curves.py``: their settings, runs and table."""

import argparse
import hashlib
import json
import os
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

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
    'model.backbone.channels': (32, 64, 128),
    'model.backbone.depths': (1, 1, 1),
    'model.backbone.head_channels': 32,
    'model.head.in_channels': 128,
    'train_dataloader.batch_size': 16,
}
_SLOW = {**_SMALL, 'optim_wrapper.optimizer.lr': 3e-4, 'model.head.dropout': 0.0}


def _small(**options: Any) -> Row:
    """The slow small network, with one thing changed."""
    return Row(
        options={**_SLOW, **{name.replace('__', '.'): value for name, value in options.items()}},
        most=5,
    )


_BY_SCORE = dict(model__head__select='score')
ROWS: Mapping[str, Row] = MappingProxyType(
    {
        'published': Row(epochs=32, interval=4, published=True),
        'by-score': Row('anomaly_mgfn_by_score.py', epochs=32, interval=4),
        'small-published': Row(options=_SMALL, published=True),
        'small': Row(options=_SLOW, early=8, published=True),
        'small-by-score': Row(options={**_SLOW, 'model.head.select': 'score'}, early=8),
        'rtfm': Row('anomaly_rtfm_ucfcrime.py', early=8),
        'mil': Row('anomaly_mil_ucfcrime.py', early=8),
        'random-selection': _small(model__head__dropout=0.7),
        'no-contrast': _small(model__head__weights=dict(apart=0.0, normal=0.0, anomalous=0.0)),
        'contrast-of-videos': _small(model__head__intra='videos'),
        'no-sparsity-smoothness': _small(model__head__weights=dict(sparsity=0.0, smoothness=0.0)),
        'sparsity-of-anomalous': _small(model__head__sparsity='anomalous'),
        'faster': _small(optim_wrapper__optimizer__lr=1e-3),
        'slower': _small(optim_wrapper__optimizer__lr=1e-4),
        'no-attention': _small(model__backbone__kinds=('focus',) * 3),
        'by-score-random-selection': _small(**_BY_SCORE, model__head__dropout=0.7),
        'by-score-faster': _small(**_BY_SCORE, optim_wrapper__optimizer__lr=1e-3),
        'by-score-no-attention': _small(**_BY_SCORE, model__backbone__kinds=('focus',) * 3),
        'embedded': Row('anomaly_mgfn_sprites.py', epochs=96, interval=4, oracle=False),
        'embedded-by-magnitude': Row(
            'anomaly_mgfn_sprites.py',
            {'model.head.select': 'magnitude'},
            epochs=96,
            interval=4,
            oracle=False,
        ),
    }
)


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Train all and return the document that ``--out`` writes.

    Args:
        args: The command line.
    """
    from albar_mm.experiments.side_by_side import Job, run_side_by_side
    from albar_mm.utils.identity import library_versions

    rows = args.rows or [name for name, row in ROWS.items() if row.oracle]
    trainings: dict[str, list[Training]] = {}
    for each in _trainings(args, rows):
        trainings.setdefault(each.title, []).append(each)
    wanted = [
        title for title, each in trainings.items() if not all(one.file.is_file() for one in each)
    ]
    run_side_by_side(
        [
            Job(
                title,
                partial(_train_all, trainings[title]),
                Path(args.work_dir) / f'{title.replace(", ", "-").replace(" ", "-")}.log',
            )
            for title in wanted
        ],
        args.jobs,
    )
    ordered = {
        title: [
            dict(seed=one.seed, noise=one.noise, **json.loads(one.file.read_text())) for one in each
        ]
        for title, each in trainings.items()
    }
    if args.picture:
        from _anomaly_picture import draw

        print(f'picture: {draw(args.picture, ordered)}')
    return dict(
        seeds=args.seeds,
        draws_of_noise=args.noise,
        features=args.features or 'oracle',
        rows={name: asdict(ROWS[name]) for name in rows},
        scores=_summary(ordered),
        versions=library_versions(),
    )


def _summary(curves: Mapping[str, list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Row -> steps, and for each score what all trainings together and each by itself reached."""
    found = {}
    for title, runs in curves.items():
        kinds = {
            title: [run for run in runs if not run['noise']],
            f'{title}, noise': [run for run in runs if not run['seed']],
        }
        for name, chosen in kinds.items():
            if chosen is not kinds[title] and len(chosen) < 2:
                continue
            found[name] = dict(steps=chosen[0]['steps'], trainings=len(chosen))
            for score in SCORES:
                tests = list(zip(*(run[score] for run in chosen), strict=True))
                found[name][score] = dict(
                    mean=[round(statistics.mean(each), 2) for each in tests],
                    lowest=[min(each) for each in tests],
                    last=list(tests[-1]),
                    lost=[round(max(run[score]) - run[score][-1], 2) for run in chosen],
                )
    return found


@dataclass(frozen=True)
class Training:
    """One training of a row: of the published code if ``peer`` is its folder."""

    row: str
    seed: int
    noise: int
    peer: str | None
    features: str | None
    annotations: Sequence[str] | None
    work_dir: str

    @property
    def title(self) -> str:
        """Of its row."""
        return f'{self.row}, published code' if self.peer else self.row

    @property
    def file(self) -> Path:
        """Where its scores are kept; other settings are another file."""
        used = {**asdict(ROWS[self.row]), **asdict(self), 'peer': bool(self.peer)}
        text = json.dumps(
            {name: value for name, value in used.items() if name not in ('most', 'row', 'work_dir')}
        )
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        return Path(self.work_dir) / f'{self.row}-{digest}.json'


def _trainings(args: argparse.Namespace, rows: Sequence[str]) -> Iterator[Training]:
    for name in rows:
        draws = [(seed, 0) for seed in range(min(args.seeds, ROWS[name].most))]
        draws += [(0, number + 1) for number in range(args.noise)]
        peers = [
            None,
            *([os.path.abspath(args.peer)] if args.peer and ROWS[name].published else []),
        ]
        for peer in peers:
            for seed, noise in draws:
                yield Training(
                    name, seed, noise, peer, args.features, args.annotations, args.work_dir
                )


def _train_all(trainings: Sequence[Training]) -> None:
    """What a process of its own does: those of a row that are not there yet."""
    from albar_mm.utils.files import write_text

    for one in trainings:
        if not one.file.is_file():
            write_text(one.file, json.dumps(_train(ROWS[one.row], one)) + '\n')


def _train(row: Row, one: Training) -> dict[str, Any]:
    from albar_mm.engine.launch import train
    from downstream.anomaly.jobs import config_for
    from tests.downstream.anomaly.toy import write_oracle
    from tests.weight_noise import weight_noise

    with tempfile.TemporaryDirectory() as folder, weight_noise(one.noise):
        if one.features:
            store, lists = one.features, list(one.annotations)
        else:
            made = write_oracle(Path(folder), videos=60, seed=one.seed)
            store, lists = made / 'store', [str(made / 'train.txt'), str(made / 'test.txt')]
        cfg = config_for(
            CONFIGS / row.config,
            store,
            *lists,
            {**row.options, 'train_cfg.max_epochs': row.epochs, 'log_level': 'ERROR'},
        )
        # one sampling for all rows: shuffled, without what some configs hold out
        cfg.train_dataloader.batch_sampler = dict(type='BalancedAnomalySampler')
        videos = cfg.train_dataloader.dataset
        videos.update(part='train', val_share=videos.get('val_share', 0.1))
        # tested all along, which is what is looked at here: nothing is chosen
        cfg.val_cfg = dict(type='ValLoop')
        cfg.val_dataloader, cfg.val_evaluator = (
            cfg.test_dataloader,
            dict(type='FrameAUC', bootstrap=0, per_kind=False),
        )
        cfg.default_hooks.checkpoint = dict(type='CheckpointHook', interval=-1, save_last=False)
        cfg.train_cfg.update(
            val_interval=1 if row.early else row.interval,
            val_begin=1,
            dynamic_intervals=[(row.early + 1, row.interval)],
        )
        if one.peer:
            import _mgfn_published  # noqa: F401

            cfg.model.update(
                type='PublishedMGFN', repository=one.peer, half=cfg.train_dataloader.batch_size // 2
            )
        runner = train(cfg, work_dir=str(Path(folder) / 'run'), seed=one.seed)
        steps = len(runner.train_dataloader)
        scalars = runner.message_hub.log_scalars
        curves = {
            name: scalars[f'val/frame/{name}'].data[0].round(2).tolist()
            for name in (*SCORES, 'video_auc')
        }
    epochs = [
        epoch
        for epoch in range(1, row.epochs + 1)
        if epoch <= row.early or not epoch % row.interval
    ]
    return dict(steps=[steps * epoch for epoch in epochs], **curves)


def report(document: Mapping[str, Any]) -> str:
    """A line for each row: mean and spread at the end, and what was lost on the way."""
    lines = [
        'at the end: mean ± standard deviation (lowest); lost since the best test of each '
        'training: mean (most)'
    ]
    width = max(map(len, document['scores']))
    for title, row in document['scores'].items():
        parts = []
        for score in SCORES:
            last, lost = row[score]['last'], row[score]['lost']
            mean, spread = statistics.mean(last), statistics.pstdev(last)
            parts.append(
                f'{score} {mean:5.1f} ± {spread:4.1f} ({min(last):4.1f}), '
                f'lost {statistics.mean(lost):4.1f} ({max(lost):4.1f})'
            )
        lines.append(f'{title:{width}}  {row["trainings"]:2} trainings  ' + '   '.join(parts))
    return '\n'.join(lines)
