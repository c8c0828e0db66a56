"""Errors, settings, numbers, config types and hashes: the small rules that all rooms share."""

import errno

import pytest
import torch
from mmaction.datasets import VideoDataset
from torch import nn

from albar_mm.utils import errors, identity
from albar_mm.utils.config_types import is_type, mappings, type_name
from albar_mm.utils.numbers import number
from albar_mm.utils.settings import difference, require_same


def test_each_error_is_also_the_built_in_one_that_it_was():
    kinds = {
        errors.DatasetError: RuntimeError,
        errors.BadFileError: ValueError,
        errors.MissingFileError: FileNotFoundError,
        errors.WriteError: OSError,
        errors.BadVideoError: RuntimeError,
        errors.CheckpointError: RuntimeError,
        errors.LaunchError: RuntimeError,
        errors.DebiasError: ValueError,
        errors.ConfigNotFoundError: FileNotFoundError,
    }
    for kind, built_in in kinds.items():
        assert issubclass(kind, errors.AlbarError) and issubclass(kind, built_in)
        assert str(kind('one line')) == 'one line'


@pytest.mark.parametrize(
    'raised, said',
    [
        (MemoryError(), 'a.txt: cannot be read as JSON: it does not fit into memory'),
        (RecursionError(), 'a.txt: cannot be read as JSON: it is nested too deeply'),
        (OSError(errno.EIO, 'I/O error'), 'a.txt: cannot be read as JSON: I/O error'),
        (OverflowError('too\nlarge'), 'a.txt: cannot be read as JSON: too large'),
        (KeyError(), 'a.txt: cannot be read as JSON: KeyError'),
        (FileNotFoundError(), 'a.txt: no such file'),
        (errors.LaunchError('as it is'), 'as it is'),
    ],
)
def test_reading(raised, said):
    with pytest.raises(errors.AlbarError) as caught, errors.reading('a.txt', 'JSON'):
        raise raised
    assert str(caught.value) == said


def test_faults_of_the_code_and_interruptions_are_no_damage():
    for raised in (KeyboardInterrupt(), NameError('typo')):
        with pytest.raises(type(raised)), errors.reading('a.txt'):
            raise raised


def test_writing_keeps_the_number_and_says_what_to_do():
    with pytest.raises(errors.WriteError, match='a.txt: .*disk is full: make room, then') as caught:
        with errors.writing('a.txt'):
            raise OSError(errno.ENOSPC, 'No space left on device')
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, 'a.txt')


def test_settings():
    found = dict(a=1, b=dict(c=[1, 2], d=0), later=5)
    assert difference(found, dict(a=1, b=dict(c=(1, 2), d=0))) == ''
    wanted = dict(a=2, b=dict(c=[1, 2], d=1, e=7))
    said = 'a is 1, asked for 2; b.d is 0, asked for 1; b.e is None, asked for 7'
    assert difference(found, wanted) == said
    with pytest.raises(errors.DatasetError) as caught:
        require_same('store', found, wanted, 'make another')
    assert str(caught.value) == f'store was made with other settings ({said}); make another'


@pytest.mark.parametrize(
    'value, limits, result',
    [
        ('2.5', {}, 2.5),
        (3, dict(low=3, high=3), 3),
        ('7', dict(whole=True), 7),
        (float('nan'), {}, 'expected a finite number, got nan'),
        ('inf', dict(low=0), 'expected a finite number from 0, got'),
        (True, {}, 'expected a finite number, got True'),
        (None, dict(above=0), 'expected a finite number above 0, got None'),
        (0, dict(above=0, high=1), 'expected a finite number above 0 to 1, got 0'),
        (2.5, dict(whole=True), 'expected a whole number, got 2.5'),
        (10**400, dict(whole=True), 'expected a whole number, got 1000'),
    ],
)
def test_numbers(value, limits, result):
    if isinstance(result, str):
        with pytest.raises(errors.DatasetError, match=f'list.txt:3: {result}'):
            number(value, 'list.txt:3', **limits)
    else:
        assert number(value, 'list.txt:3', **limits) == result


def test_a_type_is_text_or_a_class_with_or_without_its_scope():
    for node in (
        dict(type='VideoDataset'),
        dict(type='mmaction.VideoDataset'),
        dict(type=VideoDataset),
        VideoDataset,
        'mmaction.datasets.VideoDataset',
    ):
        assert type_name(node) == 'VideoDataset' and is_type(node, 'A', 'VideoDataset')
    assert type_name(nn.Linear(1, 1)) == 'Linear'
    assert type_name({}) == type_name(None) == ''
    config = dict(a=[dict(b=dict(c=1))], d=dict(type='X'))
    assert [key for key, _ in mappings(config)] == ['', 'a.0', 'a.0.b', 'd']


def test_one_hash_of_weights_and_the_old_one_is_known():
    model = nn.BatchNorm1d(3)
    digest = identity.weights_sha256(model)
    assert identity.is_weights_sha256(digest, model)
    with torch.no_grad():
        model.running_mean += 1
    assert digest != identity.weights_sha256(model)
    assert not identity.is_weights_sha256(digest, model)
