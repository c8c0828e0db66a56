"""The method-cost benchmark on a tiny network: that it runs what it says."""

import json
import sys
from pathlib import Path

import pytest
import torch

BENCHMARKS = Path(__file__).resolve().parents[2] / 'benchmarks'
MODULES = ('_method_cost', '_published_fame', '_steps', '_run', '_command', 'method_cost')


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS.parent / 'tools'))
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import _method_cost

    yield _method_cost
    for name in MODULES:
        sys.modules.pop(name, None)


def test_every_step_trains_the_method_it_is_named_after(benchmark, tmp_path):
    size = benchmark.Size(2, 4, 32, 1.0, 'cpu', bank_frames=2)
    blendings = {}
    for method in benchmark.METHODS:
        step = benchmark.MethodStep(method, benchmark.setting('tiny'), size, tmp_path)
        before = [p.clone() for p in step.model.parameters()]
        step()
        changed = [
            not torch.equal(a, b) for a, b in zip(before, step.model.parameters(), strict=True)
        ]
        assert any(changed), method
        blending = step.model.data_preprocessor.blending
        blendings[method] = (type(step.model).__name__, type(blending).__name__)
    assert blendings['none'] == ('Recognizer3D', 'NoneType')
    assert blendings['sdn'] == ('SDNRecognizer3D', 'NoneType')
    assert blendings['albar+stillmix'] == ('ALBARRecognizer3D', 'StillMixBlending')
    assert len(set(blendings.values())) == len(blendings) - 1  # stillmix with and without bank


def test_walkers_leave_both_people_and_background(benchmark, tmp_path):
    """Else ActorCutMix would have nothing to do."""
    from albar_mm.models.utils.person_masks import person_masks

    run = benchmark.BlendAlone('actorcutmix', benchmark.Size(3, 8, 48, 1.0, 'cpu'), tmp_path)
    masks = person_masks([s.person_boxes for s in run.samples], 8, 48, 48, 'cpu')
    shares = masks.float().flatten(1).mean(1)
    assert (shares > 0.1).all() and (shares < 0.5).all()


def test_document_and_report(benchmark, tmp_path, capsys):
    import method_cost

    out = tmp_path / 'cost.json'
    status = method_cost.main(
        [
            '--settings',
            'tiny',
            '--methods',
            'mixup',
            '--clip',
            '4',
            '32',
            '--blend-clip',
            '4',
            '32',
            '--blend-batch-size',
            '2',
            '--rounds',
            '1',
            '--blend-rounds',
            '1',
            '--memory-repeats',
            '0',
            '--device',
            'cpu',
            '--out',
            str(out),
        ]
    )
    document = json.loads(out.read_text())
    assert status == 0
    assert list(document['settings']['tiny']['time']) == ['none', 'mixup']
    assert set(document['alone']['time']) == set(benchmark.ALONE)
    assert document['alone']['time']['clone']['median'] == 1
    assert 'target 3' in capsys.readouterr().out


def test_unknown_method_is_one_line(benchmark, capsys):
    import method_cost

    assert method_cost.main(['--methods', 'cutout', '--device', 'cpu']) == 1
    error = capsys.readouterr().err.strip()
    assert "unknown 'cutout'" in error and '\n' not in error
