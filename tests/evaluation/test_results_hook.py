import json
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from mmaction.registry import HOOKS
from mmengine.config import Config
from mmengine.runner import EpochBasedTrainLoop
from torch import nn

from albar_mm.evaluation import results_hook
from albar_mm.utils.identity import weights_sha256


class Dataset(list):
    metainfo = {}
    pipeline = None

    def __init__(self, ann_file):
        super().__init__([1, 2])
        self.ann_file = str(ann_file)


@pytest.fixture
def runner(tmp_path):
    (tmp_path / 'val.txt').write_text('a.avi 0\n')
    (tmp_path / 'weights.pth').write_bytes(b'weights')
    return SimpleNamespace(
        model=nn.Linear(2, 2),
        test_dataloader=SimpleNamespace(dataset=Dataset(tmp_path / 'val.txt')),
        work_dir=str(tmp_path / 'work'),
        seed=5,
        cfg=Config(dict(a=1)),
        timestamp='20250101_000000',
        # not built yet; asking for runner.iter would build it, and training data with it
        _train_loop=dict(type='EpochBasedTrainLoop'),
        _load_from=str(tmp_path / 'weights.pth'),
    )


def written(runner, name='results.json'):
    with open(f'{runner.work_dir}/{name}') as stream:
        return json.load(stream)


def test_a_test_run_leaves_its_results(runner):
    hook = HOOKS.build(dict(type='ResultsHook'))
    hook.after_test_epoch(runner, {'acc/top1': 0.5})
    document = written(runner)
    assert document['metrics'] == {'acc/top1': 0.5}
    assert document['data'][0]['file'] == 'val.txt'
    assert document['checkpoint']['file'] == 'weights.pth'
    assert document['checkpoint']['weights_sha256'] == weights_sha256(runner.model)


def test_weights_trained_in_this_run_are_not_passed_off_as_the_loaded_file(runner):
    runner._train_loop = Mock(EpochBasedTrainLoop, iter=12)
    results_hook.ResultsHook().after_test_epoch(runner, {})
    assert written(runner)['checkpoint'] == dict(
        weights_sha256=weights_sha256(runner.model), file=None, trained_iterations=12
    )


def test_only_the_main_process_writes(runner, tmp_path, monkeypatch):
    monkeypatch.setattr(results_hook, 'is_main_process', lambda: False)
    results_hook.ResultsHook().after_test_epoch(runner, {'a': 1.0})
    assert not (tmp_path / 'work').exists()


def test_place_and_name_can_be_chosen(runner, tmp_path):
    hook = results_hook.ResultsHook(filename='iid.json', out_dir=tmp_path / 'elsewhere')
    hook.after_test_epoch(runner, {'a': 1.0})
    assert (tmp_path / 'elsewhere' / 'iid.json').is_file()


def test_what_metrics_have_besides_their_scores_is_written_too(runner):
    metric = SimpleNamespace(results_entries={'per_class': {'0': {'scuba/avg': 50.0}}})
    runner.test_evaluator = SimpleNamespace(metrics=[SimpleNamespace(), metric])
    results_hook.ResultsHook().after_test_epoch(runner, {'a': 1.0})
    assert written(runner)['per_class'] == {'0': {'scuba/avg': 50.0}}
