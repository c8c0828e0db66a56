"""The ablations reproduce the rows of the paper's tables."""

from copy import deepcopy
from pathlib import Path

import pytest

from albar_mm.engine.launch import load_config
from albar_mm.experiments.ablation import frame, losses, run_ablation, sweep, weights
from albar_mm.utils.errors import LaunchError

CONFIGS = Path(__file__).parents[2] / 'configs'
DEFAULTS = {'StaticAdversarialLoss': 1.0, 'StaticEntropyLoss': 4.0, 'StaticGradientPenalty': 10.0}
"""The paper's weights: all different, so that a mix-up shows."""


@pytest.fixture(scope='module')
def cfg():
    config = load_config(CONFIGS / 'albar_sprites.py')
    for term in config.model.static.losses:
        term.weight = DEFAULTS[term.type]
    return config


def applied(experiment):
    varied = load_config(experiment.config, experiment.options)
    return {term['type']: term['weight'] for term in varied.model.static.losses}


def test_losses_and_weights_as_in_the_paper(cfg):
    experiments = losses(cfg)
    names = '(a) none, (b) adv, (c) ent, (d) gp, (e) adv + ent, (f) adv + gp, (g) ent + gp, '
    assert ', '.join(e.name for e in experiments) == f'{names}(h) adv + ent + gp'
    subsets = [frozenset(applied(e)) for e in experiments]
    assert len(set(subsets)) == 8 and applied(experiments[7]) == DEFAULTS
    assert applied(experiments[5]) == {'StaticAdversarialLoss': 1.0, 'StaticGradientPenalty': 10.0}
    by_name = {e.name: e for e in weights(cfg)}
    values = dict(adv=('0', '0.5', '1', '2', '4'), ent='0248', gp=('0', '5', '10', '20'))
    assert list(by_name) == [f'{term} = {value}' for term in values for value in values[term]]
    assert applied(by_name['gp = 20']) == {**DEFAULTS, 'StaticGradientPenalty': 20}
    assert applied(by_name['adv = 1']) == DEFAULTS
    terms = by_name['gp = 5'].options['model.static.losses']
    assert [t.get('reduction') for t in terms] == [None, None, 'official']
    swept = sweep(cfg, 'optim_wrapper.optimizer.lr', [1e-3, 2e-3])
    varied = [load_config(e.config, e.options) for e in swept]
    assert [v.optim_wrapper.optimizer.lr for v in varied] == [1e-3, 2e-3]


def test_frame_reaches_recogniser_and_pipeline_of_a_wrapped_dataset(cfg):
    wrapped = cfg.copy()
    inner, choices = wrapped.train_dataloader.dataset, ('random', 'first', 'middle', 'last')
    wrapped.train_dataloader.dataset = dict(type='RepeatDataset', times=2, dataset=inner)
    for experiment, choice in zip(frame(wrapped), choices, strict=True):
        varied = load_config(experiment.config, experiment.options)
        assert experiment.name == f'frame = {choice}' and varied.model.static.frame == choice
        step = varied.train_dataloader.dataset.dataset.pipeline[-1]
        assert step == dict(type='StaticClip', frame=choice)
    assert wrapped.model.static.frame == 'random'


def test_wrong_requests_say_what_is_missing(tmp_path, cfg):
    for arguments, message in (
        (dict(which='sweep'), '--key and --values'),
        (dict(which='losses', rows=['(z)']), r'no row of --which losses starts with \(z\)'),
    ):
        with pytest.raises(LaunchError, match=message):
            run_ablation(cfg, work_dir=tmp_path, **arguments)
    with pytest.raises(LaunchError, match='model.static.losses must list StaticAdversarialLoss'):
        losses(load_config(CONFIGS / 'erm_sprites.py'))
    partial = deepcopy(cfg)
    partial.model.static.losses = partial.model.static.losses[:2]
    with pytest.raises(LaunchError, match='albar_sprites.py: .*must list StaticGradientPenalty'):
        weights(partial)
