"""The reference network of a comparison: what is asked for is checked before it is trained."""

import json
from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest

from albar_mm.annotations.frame_bank import load_frame_bank
from albar_mm.debias import checks
from albar_mm.experiments import comparison
from albar_mm.experiments.comparison import ReferenceBank
from albar_mm.utils.errors import LaunchError
from tests.preparation.toy_reference import write_reference

_STILL = ('stillmix', 'albar+stillmix')


@pytest.fixture
def reference(toy_videos, tmp_path):
    """A config, and a training that only notes that it ran and leaves finished weights."""
    config, weights = write_reference(tmp_path, toy_videos)
    return config, weights


@pytest.fixture
def trainings(reference, monkeypatch):
    seen = []

    def train(cfg, work_dir, resume):
        seen.append(resume)
        with open(f'{work_dir}/last_checkpoint', 'w') as stream:
            stream.write(str(reference[1]))

    monkeypatch.setattr(comparison, 'train', train)
    return seen


def made(reference, **given):
    config = reference[0]
    return ReferenceBank.from_config(dict(config=config.name, **given), config.parent)


@pytest.mark.parametrize(
    'given, text',
    [
        (dict(sise=3), "unknown 'sise'; expected config, cfg_options, window"),
        (dict(window=(1, 0.5)), '--window 1 0.5: expected 0 <= first < second'),
        (dict(size='many'), '--size: expected a whole number from 1, got .*many'),
    ],
)
def test_options_are_checked_before_the_training(reference, given, text):
    with pytest.raises(LaunchError, match=f'^comparison.reference: .*{text}'):
        made(reference, **given)
    with pytest.raises(LaunchError, match='^comparison.reference: no config; expected config'):
        ReferenceBank.from_config({}, reference[0].parent)


def test_one_training_and_one_bank(reference, trainings, tmp_path):
    bank = made(reference, size=5, frame_size=16, window=[0, 1])
    folder = tmp_path / 'work'
    path = bank.make(folder)
    assert path == bank.path(folder) and load_frame_bank(path).frames.shape == (5, 16, 16, 3)
    before = path.read_bytes()
    path.unlink()
    assert bank.make(folder).read_bytes() == before  # stopped between training and bank
    assert trainings == ['auto']
    with pytest.raises(LaunchError, match=f'{folder} holds a run of other settings'):
        made(reference, size=6, frame_size=16, window=[0, 1]).make(folder)
    assert np.array_equal(load_frame_bank(path).frames, load_frame_bank(bank.make(folder)).frames)


def test_a_broken_state_is_named_and_an_interrupted_one_kept(reference, tmp_path, monkeypatch):
    stopped, path = Mock(side_effect=KeyboardInterrupt), tmp_path / 'work' / 'reference.json'
    monkeypatch.setattr(comparison, 'train', stopped)
    with pytest.raises(KeyboardInterrupt):
        made(reference).make(path.parent)
    state = json.loads(path.read_text())
    assert not state.get('trained') and len(state['settings_sha256']) == 64
    for content in ('{"settings', '[]'):
        path.write_text(content)
        with pytest.raises(LaunchError, match=r'work/reference.json: .*: delete'):
            made(reference).make(path.parent)
    stopped.assert_called_once()


def test_stillmix_without_a_bank_is_a_row_of_its_own(reference, toy_config, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(checks, 'print_log', lambda text, *_: said.append(text))
    plan = comparison.read_plan(toy_config)
    rows = {m: comparison._experiment(plan, m, tmp_path) for m in ('none', *_STILL)}
    assert [row.name for row in rows.values()] == ['None', 'StillMix-random', 'ALBAR+StillMix']
    notes = comparison._batch_notes(rows)
    assert list(notes) == list(_STILL)
    assert 'no frame bank' in notes['stillmix'] and 'as published' in notes['albar+stillmix']
    assert len(said) == 1 and 'StillMix-random' in said[0]
    with_bank = replace(plan, reference=made(reference))
    row = comparison._experiment(with_bank, 'stillmix', tmp_path)
    assert row.name == 'StillMix' and len(said) == 1
    assert comparison._batch_notes(dict(stillmix=row)) == {}
