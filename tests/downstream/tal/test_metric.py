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


def test_by_the_published_numbers():
    truth = [('v0', 0, 10, 0), ('v0', 20, 30, 0)]
    rows = [('v0', 0, 6.5, 0, 0.9), ('v0', 1, 10, 0, 0.8), ('v0', 24, 29, 0, 0.7)]
    maps = {'mAP@0.3': 83.3333, 'mAP@0.4': 83.3333, 'mAP@0.5': 83.3333, 'mAP@0.6': 50}
    wanted = maps | {'mAP@0.7': 25, 'mAP': 65, 'recall@1x@0.5': 50, 'recall@5x@0.5': 100}
    kinds = dict(background=0, localisation=0, wrong_label=0, double_detection=33.3333, confusion=0)
    wanted |= {f'fp_{kind}': share for kind, share in kinds.items()}
    found = evaluated(samples_of(truth, rows, 1))
    assert found == pytest.approx({f'tal/{name}': value for name, value in wanted.items()})


def test_every_setting_reaches_its_function(tmp_path):
    truth, rows = random_test(3, decimals=1)
    path = tmp_path / 'found.json'
    options = dict(
        tious=(0.2, 0.45),
        ties='first',
        drop_duplicates=False,
        per_class=True,
        recall_k=(2,),
        recall_tiou=(0.25,),
    )
    found = evaluated(
        samples_of(truth, rows), prefix='x', false_positives=False, out_file=str(path), **options
    )
    wanted = temporal_map(
        segments(truth), segments(rows), (0.2, 0.45), ties='first', drop_duplicates=False
    )
    recall = recall_at(
        segments(truth), segments(rows), 0.25, 2, ties='first', drop_duplicates=False
    )
    names = {f'x/AP_{CLASSES[label]}': 100 * ap.mean() for label, ap in wanted.per_class.items()}
    assert found == pytest.approx(
        {
            'x/mAP': 100 * wanted.mean,
            'x/mAP@0.2': 100 * wanted.at[0],
            'x/mAP@0.45': 100 * wanted.at[1],
            'x/recall@2x@0.25': 100 * recall[0, 0],
            **names,
        },
        abs=1e-4,
    )
    assert list(json.loads(path.read_text())['results']) == [f'v{video}' for video in range(6)]
    # the file gives the numbers of the run
    again = evaluate_file(
        path,
        segments(truth),
        CLASSES,
        [f'v{video}' for video in range(6)],
        breakdown=False,
        **options,
    )
    assert {f'x/{name}': value for name, value in again.items()} == found


def test_a_video_that_comes_twice_counts_once():
    samples = samples_of(*random_test(1))
    assert evaluated([*samples, samples[1]]) == evaluated(samples)


def test_half_precision():
    samples = samples_of([('v0', 0, 8, 0)], [('v0', 0, 8, 0, 0.5)], 1)
    samples[0]['pred_scores'] = samples[0]['pred_scores'].bfloat16()
    assert evaluated(samples)['tal/mAP'] == 100


def test_no_detection_at_all(monkeypatch):
    told = []
    monkeypatch.setattr('downstream.tal.metric.print_log', lambda *given: told.append(given))
    truth = [('v0', 0, 10, 0)]
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
        (
            dict(pred_labels=torch.tensor([4])),
            "'v0': detections: labels 4 to 4; .* expected 0 to 3",
        ),
        (dict(gt_labels=np.array([-1])), "'v0': annotation: labels -1 to -1"),
        (
            dict(pred_labels=torch.tensor([0, 0])),
            r"'v0': detections: shapes \(1, 2\) of pred_segments, \(2,\) of pred_labels",
        ),
    ],
)
def test_samples_that_are_refused(changes, message):
    sample = samples_of([('v0', 0, 10, 0)], [('v0', 0, 10, 0, 0.5)], 1)[0] | changes
    with pytest.raises(ValueError, match=message):
        evaluated([sample])


def test_what_is_refused():
    with pytest.raises(ValueError, match='none of the 6 tested videos has an annotated action'):
        evaluated(samples_of([], [('v0', 0, 10, 0, 0.5)]))
    for options in (
        dict(tious=(0,)),
        dict(ties='any'),
        dict(recall_k=(0,)),
        dict(false_positive_tiou=2),
    ):
        with pytest.raises(ValueError, match='expected|must be one of'):
            TemporalMAP(**options)
    with pytest.raises(ValueError, match="no names of classes: its metainfo needs 'classes'"):
        TemporalMAP().process(None, [])
