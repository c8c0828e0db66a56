"""What an experiment trains and tests, and what it does not do twice."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.config import Config

from albar_mm.experiments import experiment
from albar_mm.experiments.experiment import Experiment, is_finished, run_experiment
from albar_mm.utils.errors import LaunchError
from albar_mm.utils.files import read_json, write_json

CONFIG = Config(dict(model=dict(type='Recognizer3D')))


@pytest.fixture
def tested(monkeypatch):
    """Checkpoints that are tested; a training of three epochs whose best is that of ``best``."""
    done = SimpleNamespace(best=3, checkpoints=[], trainings=0)

    def train(cfg, work_dir, seed, resume):
        done.trainings += 1
        folder = Path(work_dir)
        for name in ('epoch_3.pth', f'best_val_contrast_epoch_{done.best}.pth'):
            (folder / name).touch()
        (folder / 'last_checkpoint').write_text(str(folder / 'epoch_3.pth'))
        current = SimpleNamespace(current=lambda: 50.0)
        return SimpleNamespace(message_hub=SimpleNamespace(log_scalars={'val/val/top1': current}))

    def test(cfg, checkpoint, work_dir):
        done.checkpoints.append(Path(checkpoint).name)
        return {'iid/top1': float(len(done.checkpoints))}

    monkeypatch.setattr(experiment, 'train', train)
    monkeypatch.setattr(experiment, 'test', test)
    return done


def run(folder, **kwargs):
    return run_experiment(Experiment('None', CONFIG), folder, seed=1, **kwargs)


@pytest.mark.parametrize(
    ('best', 'checkpoints'),
    [(13, ['epoch_3.pth', 'best_val_contrast_epoch_13.pth']), (3, ['epoch_3.pth'])],
)
def test_best_weights_are_tested_once(tested, tmp_path, best, checkpoints):
    tested.best = best
    record = run(tmp_path, test_best=True)
    assert tested.checkpoints == checkpoints
    assert record['metrics'] == {'iid/top1': 1.0}
    assert record['metrics_best'] == {'iid/top1': float(len(checkpoints))}
    assert record['best_checkpoint'] == f'best_val_contrast_epoch_{best}.pth'
    assert run(tmp_path, test_best=True) == record
    assert tested.trainings == 1 and tested.checkpoints == checkpoints


def test_is_finished(tested, tmp_path):
    asked = Experiment('None', CONFIG)
    for wanted in (dict(test_after=False), {}, dict(test_best=True)):
        assert not is_finished(asked, tmp_path, 1, **wanted)
        run(tmp_path, **wanted)
        assert is_finished(asked, tmp_path, 1, **wanted)
    with pytest.raises(LaunchError, match='holds a run of other settings'):
        is_finished(asked, tmp_path, 2)


@pytest.mark.parametrize('scores', [None, [[1]], 'text', {'iid/top1': None}, {'a': 10**400}])
def test_a_record_that_holds_no_scores(tested, tmp_path, scores):
    run(tmp_path)
    path = tmp_path / 'experiment.json'
    write_json(path, dict(read_json(path), metrics=scores))
    with pytest.raises(LaunchError, match=r'experiment.json: metrics: expected scores by their'):
        run(tmp_path)
