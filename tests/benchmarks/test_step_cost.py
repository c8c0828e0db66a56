"""The step-cost benchmark on a tiny network: that it compares the same thing."""

import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def steps(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / 'benchmarks'))
    import _steps

    yield _steps
    sys.modules.pop('_steps')


def test_published_order_and_ours_have_one_loss(steps):
    """Both variants start from the same weights and clips; only the static frame is drawn."""
    ours = steps.Step('albar', steps.setting('tiny'), 2, 'cpu')
    published = steps.Step('published', steps.setting('tiny'), 2, 'cpu')
    published.model.load_state_dict(ours.model.state_dict())
    batch = ours.model.data_preprocessor(ours.data, training=True)
    losses = ours.model.loss(**batch)
    total = sum(value for key, value in losses.items() if 'loss' in key)
    static = steps.repeat_frames(batch['static_inputs'], batch['inputs'].shape[3])
    reference = steps.published_loss(
        published.model, batch['inputs'], static, batch['static_target']
    )
    torch.testing.assert_close(total, reference, rtol=1e-5, atol=1e-5)


def test_loader_hands_over_an_index_not_a_clip(steps):
    plain = steps.make_batch(steps.setting('tiny'), 2, static_clip=False)
    albar = steps.make_batch(steps.setting('tiny'), 2, static_clip=True)
    assert [x.shape for x in albar['inputs']] == [x.shape for x in plain['inputs']]
    assert all('static_frame' in sample.metainfo_keys() for sample in albar['data_samples'])
