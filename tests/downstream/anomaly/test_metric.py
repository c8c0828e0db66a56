"""Frame-level scores of a test run against scikit-learn on every frame."""

import json
import os

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from sklearn.metrics import average_precision_score, roc_auc_score

from albar_mm.utils.errors import DatasetError
from downstream.anomaly.metric import FrameAUC, snippet_of_frame
from downstream.features.sampling import Sampling

KINDS = ('Normal', 'Abuse', 'Normal', 'Arson', 'Abuse', 'Normal')


def results(seed=0):
    """Samples as a test run gives them, with the truth of each frame beside."""
    random = np.random.default_rng(seed)
    samples, truths, scores = [], [], []
    for index, kind in enumerate(KINDS):
        frames = int(random.integers(60, 200))
        grid = Sampling(16, 16).grid(frames, 30.0)
        start = int(random.integers(0, frames - 40))
        events = () if kind == 'Normal' else ((start, start + 30),)
        truth = np.zeros(frames, bool)
        for begin, end in events:
            truth[begin : end + 1] = True
        snippets = grid.snippet_of_frame()
        values = random.random(grid.num_snippets)
        samples.append(
            dict(
                video_id=f'v{index}',
                category=kind,
                events=events,
                num_frames=frames,
                snippet_of_frame=snippets,
                scores=torch.tensor(values),
            )
        )
        truths.append(truth)
        scores.append(values[snippets])
    return samples, truths, scores


def evaluated(samples, **options):
    metric = FrameAUC(**options)
    for sample in samples:
        metric.process(None, [sample])
    return metric.evaluate(len(samples))


def test_every_number_against_scikit_learn(tmp_path):
    samples, truths, scores = results()
    found = evaluated(samples, bootstrap=50, threshold=0.7, out_file=str(tmp_path / 'scores.jsonl'))
    every = np.concatenate(truths), np.concatenate(scores)
    some = [i for i, kind in enumerate(KINDS) if kind != 'Normal']
    anomalous = np.concatenate([truths[i] for i in some]), np.concatenate([scores[i] for i in some])
    normal = np.concatenate([scores[i] for i in range(6) if KINDS[i] == 'Normal'])
    abuse = [i for i, kind in enumerate(KINDS) if kind in ('Abuse', 'Normal')]
    assert found['frame/auc'] == pytest.approx(100 * roc_auc_score(*every), abs=1e-4)
    assert found['frame/ap'] == pytest.approx(100 * average_precision_score(*every), abs=1e-4)
    assert found['frame/auc_anomalous'] == pytest.approx(100 * roc_auc_score(*anomalous), abs=1e-4)
    assert found['frame/false_alarm_rate'] == pytest.approx(100 * (normal >= 0.7).mean(), abs=1e-4)
    assert found['frame/auc_Abuse'] == pytest.approx(
        100
        * roc_auc_score(
            np.concatenate([truths[i] for i in abuse]), np.concatenate([scores[i] for i in abuse])
        ),
        abs=1e-4,
    )
    assert found['frame/video_auc'] == pytest.approx(
        100
        * roc_auc_score([kind != 'Normal' for kind in KINDS], [s['scores'].max() for s in samples]),
        abs=1e-4,
    )
    assert found['frame/auc_low'] < found['frame/auc'] < found['frame/auc_high']
    rows = [json.loads(line) for line in (tmp_path / 'scores.jsonl').read_text().splitlines()]
    for row, sample in zip(rows, samples, strict=True):
        assert np.array_equal(snippet_of_frame(row), sample['snippet_of_frame'])


def test_a_video_that_comes_twice_counts_once():
    samples, _, _ = results()
    assert evaluated([*samples, samples[1]], bootstrap=0) == evaluated(samples, bootstrap=0)


def test_videos_of_which_only_the_label_is_known():
    samples, _, _ = results()
    for sample in samples:
        sample['events'] = None
    assert list(evaluated(samples, frames=False)) == ['frame/video_auc']
    with pytest.raises(DatasetError, match="'v0': its annotation does not say when"):
        evaluated(samples)


def test_numbers_that_cannot_be_had_are_left_out():
    samples, _, _ = results()
    found = evaluated([samples[0], samples[2]])
    assert list(found) == ['frame/false_alarm_rate']


def test_events_past_the_end_are_told(capsys):
    samples, _, _ = results()
    length = samples[1]['num_frames']
    samples[1]['events'] = ((5, length + 1),)
    evaluated(samples, bootstrap=0)
    samples[1]['events'] = ((5, length + 3),)
    with pytest.raises(DatasetError, match="'v1': event 5 to .* ends 4 frames past"):
        evaluated(samples, bootstrap=0)


def test_scores_that_are_not_finite():
    samples, _, _ = results()
    samples[2]['scores'][0] = float('nan')
    with pytest.raises(ValueError, match="'v2': its scores are not finite"):
        evaluated(samples)


def share_of_process(rank, folder):
    """Half of an odd number of videos, filled up as MMEngine's sampler does."""
    os.environ.setdefault('GLOO_SOCKET_IFNAME', 'lo')
    dist.init_process_group('gloo', f'file://{folder}/store', rank=rank, world_size=2)
    samples = results()[0][:5]
    metric = FrameAUC(bootstrap=20)
    for index in (rank, rank + 2, (rank + 4) % 5):
        metric.process(None, [samples[index]])
    torch.save(metric.evaluate(5), os.path.join(folder, f'{rank}.pt'))
    dist.destroy_process_group()


def test_two_processes_give_the_numbers_of_one(tmp_path):
    mp.start_processes(share_of_process, (str(tmp_path),), nprocs=2, start_method='spawn')
    found = [torch.load(tmp_path / f'{rank}.pt', weights_only=True) for rank in range(2)]
    alone = evaluated(results()[0][:5], bootstrap=0)
    for name, value in alone.items():
        assert found[0][name] == found[1][name] == pytest.approx(value, abs=1e-4)
