import hashlib
import json

import pytest
import torch

from albar_mm.evaluation.results import describe_protocol, write_results
from albar_mm.utils.identity import file_identity, library_versions
from albar_mm.version import __version__


def strict_load(path):
    """NaN and Infinity are no JSON."""
    return json.loads(path.read_text(), parse_constant=pytest.fail)


def test_written_document(tmp_path):
    path = tmp_path / 'new' / 'results.json'
    sets = {'sets': {'iid/original': 3}}
    written = write_results(path, {'iid/top1': 90.0}, sets, seed=7, config=dict(file='a.py'))
    assert strict_load(path) == written and 'non_finite' not in written
    assert written['metrics'] == {'iid/top1': 90.0}
    assert written['seed'] == 7 and written['config'] == dict(file='a.py')
    assert [p.name for p in path.parent.iterdir()] == ['results.json']


def test_non_finite_metrics_become_null_and_are_named(tmp_path):
    path = tmp_path / 'results.json'
    write_results(path, {'a': float('nan'), 'b': torch.tensor(2.5), 'c': float('inf')}, {})
    loaded = strict_load(path)
    assert loaded['metrics'] == {'a': None, 'b': 2.5, 'c': None}
    assert loaded['non_finite'] == ['a', 'c']


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


def test_identity_of_files_and_versions(tmp_path):
    file = tmp_path / 'test.txt'
    file.write_bytes(b'a.avi 0\n')
    digest = hashlib.sha256(b'a.avi 0\n').hexdigest()
    assert file_identity(file) == dict(file='test.txt', bytes=8, sha256=digest)  # no folder
    assert file_identity(file, 'iid/test.txt')['file'] == 'iid/test.txt'
    versions = library_versions()
    assert (versions['albar_mm'], versions['torch']) == (__version__, torch.__version__)
    assert {'mmaction2', 'mmengine', 'mmcv', 'numpy', 'python', 'platform'} <= set(versions)


def test_protocol_of_a_plain_dataset():
    class Sampler:
        def __init__(self):
            self.clip_len, self._private, self.reader = 32, 1, object()

    class SampleFrames(Sampler):
        pass

    class Dataset(list):
        pipeline = type('Compose', (), dict(transforms=[SampleFrames()]))()
        metainfo = {}

    protocol = describe_protocol(Dataset([1, 2]))
    assert protocol['num_samples'] == 2
    assert protocol['clip_sampling'] == {'all': [dict(type='SampleFrames', clip_len=32)]}
