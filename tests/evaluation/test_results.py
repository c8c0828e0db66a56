import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import torch
from mmaction.registry import HOOKS
from mmengine.config import Config
from mmengine.runner import EpochBasedTrainLoop
from torch import nn

from albar_mm.evaluation import ResultsHook, results, write_results
from albar_mm.evaluation.results import describe_protocol
from albar_mm.utils.identity import file_identity, library_versions, weights_sha256
from albar_mm.version import __version__


def strict_load(path):
    """NaN and Infinity are no JSON."""
    return json.loads(path.read_text(), parse_constant=pytest.fail)


def test_written_document_and_identities(tmp_path):
    path = tmp_path / 'new' / 'results.json'
    sets = {'sets': {'iid/original': 3}}
    written = write_results(path, {'iid/top1': 90.0}, sets, seed=7, config=dict(file='a.py'))
    assert strict_load(path) == written and 'non_finite' not in written
    assert written['metrics'] == {'iid/top1': 90.0}
    assert written['seed'] == 7 and written['config'] == dict(file='a.py')
    assert [p.name for p in path.parent.iterdir()] == ['results.json']
    write_results(path, {'a': float('nan'), 'b': torch.tensor(2.5), 'c': float('inf')}, {})
    loaded = strict_load(path)
    assert loaded['metrics'] == {'a': None, 'b': 2.5, 'c': None}
    assert loaded['non_finite'] == ['a', 'c']
    file = tmp_path / 'test.txt'
    file.write_bytes(b'a.avi 0\n')
    digest = hashlib.sha256(b'a.avi 0\n').hexdigest()
    assert file_identity(file) == dict(file='test.txt', bytes=8, sha256=digest)  # no folder
    assert file_identity(file, 'iid/test.txt')['file'] == 'iid/test.txt'
    versions = library_versions()
    assert (versions['albar_mm'], versions['torch']) == (__version__, torch.__version__)
    assert {'mmaction2', 'mmengine', 'mmcv', 'numpy', 'python', 'platform'} <= set(versions)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / 'results.json'
    write_results(path, {'a': 1.0}, {})
    before = path.read_bytes()
    with pytest.raises(TypeError, match="entry 'protocol' is not plain JSON"):
        write_results(path, {'a': 2.0}, {'bad': object()})
    with pytest.raises(TypeError, match="metric 'a' must be a number"):
        write_results(path, {'a': 'many'}, {})
    with pytest.raises(ValueError, match='versions'):
        write_results(path, {'a': 2.0}, {}, versions={})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ['results.json']


def test_protocol_of_a_plain_dataset():
    class SampleFrames:
        def __init__(self):
            self.clip_len, self._private, self.reader = 32, 1, object()

    dataset = Dataset('')
    dataset.pipeline = SimpleNamespace(transforms=[SampleFrames()])
    protocol = describe_protocol(dataset)
    assert protocol['num_samples'] == 2
    assert protocol['clip_sampling'] == {'all': [dict(type='SampleFrames', clip_len=32)]}


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


def written(runner):
    return json.loads(Path(runner.work_dir, 'results.json').read_text())


def test_a_test_run_leaves_its_results(runner):
    hook = HOOKS.build(dict(type='ResultsHook'))
    metric = SimpleNamespace(results_entries={'per_class': {'0': {'scuba/avg': 50.0}}})
    runner.test_evaluator = SimpleNamespace(metrics=[SimpleNamespace(), metric])
    hook.after_test_epoch(runner, {'acc/top1': 0.5})
    document = written(runner)
    assert document['metrics'] == {'acc/top1': 0.5}
    assert document['per_class'] == {'0': {'scuba/avg': 50.0}}
    assert document['data'][0]['file'] == 'val.txt'
    assert document['checkpoint']['file'] == 'weights.pth'
    assert document['checkpoint']['weights_sha256'] == weights_sha256(runner.model)


def test_trained_weights_and_the_one_process_that_writes(runner, tmp_path, monkeypatch):
    runner._train_loop = Mock(EpochBasedTrainLoop, iter=12, epoch=3, max_epochs=4)
    ResultsHook().after_test_epoch(runner, {})
    wanted = dict(weights_sha256=weights_sha256(runner.model), file=None, trained_iterations=12)
    wanted['training'] = dict(epoch=3, epochs=4, chosen_by=None)
    assert written(runner)['checkpoint'] == wanted
    hook = ResultsHook(filename='iid.json', out_dir=tmp_path / 'elsewhere')
    with monkeypatch.context() as patch:
        patch.setattr(results, 'is_main_process', lambda: False)
        hook.after_test_epoch(runner, {'a': 1.0})
    assert not (tmp_path / 'elsewhere').exists()
    hook.after_test_epoch(runner, {'a': 1.0})
    assert (tmp_path / 'elsewhere' / 'iid.json').is_file()
