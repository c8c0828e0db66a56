"""The benchmarks on tiny networks: that they run what they say and compare the same thing."""

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).resolve().parents[2] / 'benchmarks'


@pytest.fixture
def module(monkeypatch):
    """Import a module of the folder, which is no package; none of them stays."""
    monkeypatch.syspath_prepend(str(BENCHMARKS.parent / 'tools'))
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], '__file__', '')).startswith(str(BENCHMARKS)):
            del sys.modules[name]


def run(seed, noise, *scores):
    steps, lower = [2, 4, 8], [score - 10 for score in scores]
    return dict(seed=seed, noise=noise, steps=steps, auc=list(scores), auc_anomalous=lower)


def test_table_and_picture_of_the_curves(module, tmp_path):
    curves = module('_anomaly_curves')
    small = [run(0, 0, 90.0, 100.0, 80.0), run(1, 0, 60.0, 70.0, 90.0), run(0, 1, 90.0, 99.0, 84.0)]
    runs = dict(small=small, rtfm=[run(0, 0, 50.0, 50.0, 50.0)])
    found = curves._summary(runs)
    assert list(found) == ['small', 'small, noise', 'rtfm']
    assert found['small']['trainings'] == 2 and found['small']['steps'] == [2, 4, 8]
    assert found['small']['auc'] == dict(
        mean=[75, 85, 85], lowest=[60, 70, 80], last=[80, 90], lost=[20, 0]
    )
    assert found['small, noise']['auc_anomalous']['last'] == [70, 74]
    lines = curves.report(dict(scores=found)).splitlines()
    assert 'auc  85.0 ±  5.0 (80.0), lost 10.0 (20.0)' in lines[1] and len(lines) == 4
    picture = module('_anomaly_picture').draw(str(tmp_path / 'curves.png'), runs)
    assert picture.stat().st_size > 10_000


def test_other_settings_of_a_curve_are_another_file(module):
    one = module('_anomaly_curves').Training('small', 0, 0, None, None, None, 'work')
    data = dict(features='store', annotations=('a', 'b'))
    changes = dict(seed=1), dict(noise=1), dict(peer='MGFN'), dict(row='faster'), data
    assert len({one.file, *(replace(one, **change).file for change in changes)}) == 6
    assert replace(one, peer='a').file == replace(one, peer='b').file  # wherever the clone lies
    assert replace(one, peer='MGFN').title == 'small, published code'


def test_every_step_trains_the_method_it_is_named_after(module, tmp_path):
    cost = module('_method_cost')
    size = cost.Size(2, 4, 32, 1.0, 'cpu', bank_frames=2)
    blendings = {}
    for method in cost.METHODS:
        step = cost.MethodStep(method, cost.setting('tiny'), size, tmp_path)
        before = [p.clone() for p in step.model.parameters()]
        step()
        pairs = zip(before, step.model.parameters(), strict=True)
        assert any(not torch.equal(a, b) for a, b in pairs), method
        blending = step.model.data_preprocessor.blending
        blendings[method] = (type(step.model).__name__, type(blending).__name__)
    assert blendings['none'] == ('Recognizer3D', 'NoneType')
    assert blendings['sdn'] == ('SDNRecognizer3D', 'NoneType')
    assert blendings['albar+stillmix'] == ('ALBARRecognizer3D', 'StillMixBlending')
    assert len(set(blendings.values())) == len(blendings) - 1  # stillmix with and without bank


def test_walkers_leave_both_people_and_background(module, tmp_path):
    """Else ActorCutMix would have nothing to do."""
    from albar_mm.models.utils.person_masks import person_masks

    cost = module('_method_cost')
    made = cost.BlendAlone('actorcutmix', cost.Size(3, 8, 48, 1.0, 'cpu'), tmp_path)
    masks = person_masks([s.person_boxes for s in made.samples], 8, 48, 48, 'cpu')
    shares = masks.float().flatten(1).mean(1)
    assert (shares > 0.1).all() and (shares < 0.5).all()


def test_document_and_report_of_the_cost_of_methods(module, tmp_path, capsys):
    words = (
        '--settings tiny --methods mixup --clip 4 32 --blend-clip 4 32 --blend-batch-size 2 '
        '--rounds 1 --blend-rounds 1 --memory-repeats 0 --device cpu --out'
    )
    out = tmp_path / 'cost.json'
    assert module('method_cost').main([*words.split(), str(out)]) == 0
    document = json.loads(out.read_text())
    assert list(document['settings']['tiny']['time']) == ['none', 'mixup']
    assert set(document['alone']['time']) == set(module('_method_cost').ALONE)
    assert document['alone']['time']['clone']['median'] == 1
    assert 'target 3' in capsys.readouterr().out
    assert module('method_cost').main(['--methods', 'cutout', '--device', 'cpu']) == 1
    error = capsys.readouterr().err.strip()
    assert "unknown 'cutout'" in error and '\n' not in error


def test_published_order_and_ours_have_one_loss(module):
    """Both variants start from the same weights and clips; only the static frame is drawn."""
    steps = module('_steps')
    ours, published = (
        steps.Step(name, steps.setting('tiny'), 2, 'cpu') for name in ('albar', 'published')
    )
    published.model.load_state_dict(ours.model.state_dict())
    batch = ours.model.data_preprocessor(ours.data, training=True)
    losses = ours.model.loss(**batch)
    total = sum(value for key, value in losses.items() if 'loss' in key)
    clips, target = batch['inputs'], batch['static_target']
    static = steps.repeat_frames(batch['static_inputs'], clips.shape[3])
    reference = steps.published_loss(published.model, clips, static, target)
    torch.testing.assert_close(total, reference, rtol=1e-5, atol=1e-5)


def test_loader_hands_over_an_index_not_a_clip(module):
    steps = module('_steps')
    plain = steps.make_batch(steps.setting('tiny'), 2, static_clip=False)
    albar = steps.make_batch(steps.setting('tiny'), 2, static_clip=True)
    assert [x.shape for x in albar['inputs']] == [x.shape for x in plain['inputs']]
    assert all('static_frame' in sample.metainfo_keys() for sample in albar['data_samples'])


def test_levers_are_options_of_static_and_find_their_scores(module, tmp_path):
    levers = module('_levers')
    counts = {}
    for name, static in levers.LEVERS.items():
        step = levers.Step('albar', levers.setting('tiny'), 8, 'cpu', static)
        step()
        counts[name] = step.model.static.counts(8)
    assert counts['paper'] == (8, 8) and counts['1/4'] == (2, 2)
    assert counts['fast'] == (4, 1)
    assert counts['1/2, half of it penalised'] == (4, 2)
    file = tmp_path / 'results.json'
    records = [
        dict(options={'model.static.share': 0.25}, metrics={'contrasted/avg': score})
        for score in (70.0, 80.0)
    ]
    file.write_text(json.dumps(dict(rows={'model.static.share = 0.25': records})))
    scores = levers.accuracies([str(file)])
    assert scores == {'1/4': dict(mean=75.0, sd=pytest.approx(7.0711, abs=1e-4), seeds=2)}
    cost = dict(time=levers.spread([1.2, 1.4]), memory=1.1, operations=1.25)
    costs = dict.fromkeys(levers.LEVERS, cost)
    picture = tmp_path / 'frontier.png'
    levers.draw(str(picture), dict(settings=dict(tiny=costs), accuracy=scores))
    assert picture.stat().st_size > 10_000
    assert levers.describe(cost) == '1.30 x time, 1.25 x operations, 1.10 x memory'
    measured = levers.lever_costs(
        'tiny', 8, 1, 'cpu', ['paper', '1/4', 'every 4th step'], False, str
    )
    paper, quarter, fourth = (found['operations'] for found in measured.values())
    assert fourth - 1 == pytest.approx((paper - 1) / 4, abs=1e-6)
    assert quarter - 1 == pytest.approx((paper - 1) / 4, rel=0.02)
