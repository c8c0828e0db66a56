"""Scores of a test run, as MMEngine gives the samples."""

import json

import numpy as np
import pytest
import torch
from mmaction.registry import METRICS
from mmaction.structures import ActionDataSample

from downstream.tal.metric import TemporalMAP
from downstream.tal.scores import evaluate_file, recall_at, temporal_map

from .rows import random_test, segments

CLASSES = ['Dive', 'Throw', 'Jump', 'Run']


def samples_of(truth, rows, videos=6):
    """What the evaluator hands on: data samples as dicts."""
    samples = []
    for video in range(videos):
        name = f'v{video}'
        own, found = ([row for row in part if row[0] == name] for part in (truth, rows))
        segments = np.array([row[1:3] for row in own]).reshape(-1, 2)
        labels = np.array([row[3] for row in own], np.int64)
        sample = ActionDataSample()
        sample.set_metainfo(dict(video_id=name, gt_segments=segments, gt_labels=labels))
        sample.pred_segments = torch.tensor([row[1:3] for row in found], dtype=torch.float64)
        sample.pred_labels = torch.tensor([row[3] for row in found], dtype=torch.int64)
        sample.pred_scores = torch.tensor([row[4] for row in found], dtype=torch.float64)
        samples.append(sample.to_dict())
    return samples


def evaluated(samples, **options):
    metric = METRICS.build(dict(type='TemporalMAP', **options))
    metric.dataset_meta = dict(classes=CLASSES)
    for sample in samples:
        metric.process(None, [sample])
    return metric.evaluate(len(samples))


def test_published_numbers_and_a_video_that_comes_twice():
    truth = [('v0', 0, 10, 0), ('v0', 20, 30, 0)]
    rows = [('v0', 0, 6.5, 0, 0.9), ('v0', 1, 10, 0, 0.8), ('v0', 24, 29, 0, 0.7)]
    maps = {'mAP@0.3': 83.3333, 'mAP@0.4': 83.3333, 'mAP@0.5': 83.3333, 'mAP@0.6': 50}
    wanted = maps | {'mAP@0.7': 25, 'mAP': 65, 'recall@1x@0.5': 50, 'recall@5x@0.5': 100}
    kinds = dict(background=0, localisation=0, wrong_label=0, double_detection=33.3333, confusion=0)
    wanted |= {f'fp_{kind}': share for kind, share in kinds.items()}
    found = evaluated(samples_of(truth, rows, 1))
    assert found == pytest.approx({f'tal/{name}': value for name, value in wanted.items()})
    samples = samples_of(*random_test(1))
    assert evaluated([*samples, samples[1]]) == evaluated(samples)


def test_every_setting_reaches_its_function(tmp_path):
    truth, rows = random_test(3, decimals=1)
    path = tmp_path / 'found.json'
    options = dict(tious=(0.2, 0.45), ties='first', drop_duplicates=False, per_class=True)
    options |= dict(recall_k=(2,), recall_tiou=(0.25,))
    given = dict(options, prefix='x', false_positives=False, out_file=str(path))
    found = evaluated(samples_of(truth, rows), **given)
    parts, rules = (segments(truth), segments(rows)), dict(ties='first', drop_duplicates=False)
    wanted = temporal_map(*parts, (0.2, 0.45), **rules)
    shares = {f'AP_{CLASSES[label]}': ap.mean() for label, ap in wanted.per_class.items()}
    shares |= {'mAP': wanted.mean, 'mAP@0.2': wanted.at[0], 'mAP@0.45': wanted.at[1]}
    shares['recall@2x@0.25'] = recall_at(*parts, 0.25, 2, **rules)[0, 0]
    wanted = {f'x/{name}': 100 * share for name, share in shares.items()}
    assert found == pytest.approx(wanted, abs=1e-4)
    assert list(json.loads(path.read_text())['results']) == [f'v{video}' for video in range(6)]
    # the file gives the numbers of the run
    videos = [f'v{video}' for video in range(6)]
    again = evaluate_file(path, segments(truth), CLASSES, videos, breakdown=False, **options)
    assert {f'x/{name}': value for name, value in again.items()} == found


def test_half_precision_and_no_detection_at_all(monkeypatch):
    told = []
    monkeypatch.setattr('downstream.tal.metric.print_log', lambda *given: told.append(given))
    truth = [('v0', 0, 10, 0)]
    half = samples_of(truth, [('v0', 0, 10, 0, 0.5)], 1)
    half[0]['pred_scores'] = half[0]['pred_scores'].bfloat16()
    assert evaluated(half)['tal/mAP'] == 100 and told == []
    found = evaluated(samples_of(truth, [], 2), per_class=True)
    assert found['tal/AP_Dive'] == 0 and not any(found.values())
    ((text, _, level),) = told
    assert level == 30 and 'no action was detected in any of the 2 videos' in text
    evaluated(samples_of(truth, [('v0', 0, 1, 1, 0.5)], 2))
    assert len(told) == 1


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(pred_scores=torch.tensor([float('nan')])), "'v0': detections: not finite"),
        (dict(pred_segments=torch.tensor([[0, torch.inf]])), "'v0': detections: not finite"),
        (dict(pred_labels=torch.tensor([4])), "'v0': detections: labels 4 to 4; .* 0 to 3"),
        (dict(gt_labels=np.array([-1])), "'v0': annotation: labels -1 to -1"),
        (dict(pred_labels=torch.tensor([0, 0])), r"'v0': .*: shapes \(1, 2\) of .*, \(2,\) of"),
        (dict(gt_labels=np.zeros(0, int), gt_segments=np.zeros((0, 2))), 'none of the 1 tested'),
    ],
)
def test_samples_that_are_refused(changes, message):
    sample = samples_of([('v0', 0, 10, 0)], [('v0', 0, 10, 0, 0.5)], 1)[0] | changes
    with pytest.raises(ValueError, match=message):
        evaluated([sample])


def test_settings_that_are_refused():
    wrong = dict(tious=(0,), ties='any', recall_k=(0,), false_positive_tiou=2)
    for name, value in wrong.items():
        with pytest.raises(ValueError, match='expected|must be one of'):
            TemporalMAP(**{name: value})
    with pytest.raises(ValueError, match="no names of classes: its metainfo needs 'classes'"):
        TemporalMAP().process(None, [])
