"""Frame-level scores of a test run against scikit-learn on every frame."""

import json

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from downstream.anomaly.metric import FrameAUC, snippet_of_frame
from downstream.features.sampling import Sampling
from tests.refused import refused

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
        sample = dict(video_id=f'v{index}', category=kind, events=events, num_frames=frames)
        samples.append(sample | dict(snippet_of_frame=snippets, scores=torch.tensor(values)))
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

    def pooled(*kinds):
        of = [i for i, kind in enumerate(KINDS) if kind in kinds]
        return [np.concatenate([part[i] for i in of]) for part in (truths, scores)]

    _, normal = pooled('Normal')
    whole = [kind != 'Normal' for kind in KINDS], [each['scores'].max() for each in samples]
    for name, wanted in (
        ('auc', roc_auc_score(*pooled(*KINDS))),
        ('ap', average_precision_score(*pooled(*KINDS))),
        ('auc_anomalous', roc_auc_score(*pooled('Abuse', 'Arson'))),
        ('false_alarm_rate', (normal >= 0.7).mean()),
        ('auc_Abuse', roc_auc_score(*pooled('Abuse', 'Normal'))),
        ('video_auc', roc_auc_score(*whole)),
    ):
        assert found[f'frame/{name}'] == pytest.approx(100 * wanted, abs=1e-4), name
    assert found['frame/auc_low'] < found['frame/auc'] < found['frame/auc_high']
    rows = [json.loads(line) for line in (tmp_path / 'scores.jsonl').read_text().splitlines()]
    for row, sample in zip(rows, samples, strict=True):
        assert np.array_equal(snippet_of_frame(row), sample['snippet_of_frame'])


def test_videos_twice_not_finite_or_of_which_only_the_label_is_known():
    samples, _, _ = results()
    assert evaluated([*samples, samples[1]], bootstrap=0) == evaluated(samples, bootstrap=0)
    # what cannot be had is left out
    assert list(evaluated([samples[0], samples[2]])) == ['frame/false_alarm_rate']
    broken = dict(samples[2], scores=samples[2]['scores'] * torch.nan)
    refused("'v2': its scores are not finite", evaluated, [*samples[:2], broken], error=ValueError)
    for sample in samples:
        sample['events'] = None
    assert list(evaluated(samples, frames=False)) == ['frame/video_auc']
    refused("'v0': its annotation does not say when", evaluated, samples)


def test_events_past_the_end_are_told(monkeypatch):
    samples, _, _ = results()
    length = samples[1]['num_frames']
    samples[1]['events'], told = ((5, length + 1),), []
    monkeypatch.setattr('downstream.anomaly.metric.print_log', lambda text, _: told.append(text))
    evaluated(samples, bootstrap=0)
    assert f'v1: event ends at {length + 1}, the video has {length} frames' in told[0]
    samples[1]['events'] = ((5, length + 3),)
    refused("'v1': event 5 to .* ends 4 frames past", evaluated, samples, bootstrap=0)
