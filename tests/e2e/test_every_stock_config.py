"""Every RGB config of MMAction2 that builds and steps also does so debiased."""

import sys

import pytest

from albar_mm.debias.methods import debias

from .stock_configs import FAMILIES, ROOT, Stepper, stock_configs, try_config

METHODS = ('albar', 'stillmix')
#: Not RGB clips: optical flow, and images beside videos.
REFUSED = {
    'omnisource/slowonly_r50_8xb16-8x8x1-256e_imagenet-kinetics400-rgb.py',
    'slowonly/slowonly_r50_8xb16-16x4x1-256e_kinetics400-flow.py',
    'tsn/tsn_imagenet-pretrained-r50_8xb32_5x1x3-110e_kinetics400-flow.py',
}


@pytest.fixture(scope='module')
def stepper(real_data, tmp_path_factory):
    return Stepper(real_data / 'clips' / 'R6llTwEh07w.mp4', tmp_path_factory.mktemp('frames'))


def of_debiased(outcome):
    """Failures of a debiased variant where the stock config does not fail in the same part."""
    return {
        key: why
        for key, why in outcome.failures.items()
        if key[0] != 'stock' and ('stock', key[1]) not in outcome.failures
    }


@pytest.mark.parametrize('name', FAMILIES)
def test_one_config_of_every_family_of_backbones(name, stepper):
    # a blending leaves the network as it is: that one steps in the slow test
    outcome = try_config(ROOT / name, stepper, METHODS[:1], debias)
    assert not outcome.refused and not of_debiased(outcome), outcome
    assert ('stock', 'step') not in outcome.failures, outcome


@pytest.mark.slow
def test_every_config(stepper, capsys):
    paths = stock_configs()
    assert len(paths) == 125
    broken, refused = {}, set()
    for number, path in enumerate(paths, 1):
        name = path.relative_to(ROOT).as_posix()
        outcome = try_config(path, stepper, METHODS, debias)
        if outcome.refused:
            refused.add(name)
        if of_debiased(outcome):
            broken[name] = of_debiased(outcome)
        stock = {part: why for (who, part), why in outcome.failures.items() if who == 'stock'}
        with capsys.disabled():
            told = f'refused: {outcome.refused}' if outcome.refused else '; '.join(outcome.notes)
            print(
                f'{number:3}/125 {name}: {told}',
                *(f'; stock {part} fails: {why}' for part, why in stock.items()),
                file=sys.stderr,
                flush=True,
            )
    assert not broken
    assert refused == REFUSED
