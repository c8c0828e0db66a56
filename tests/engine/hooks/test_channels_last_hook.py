from types import SimpleNamespace

import pytest
import torch

from albar_mm.engine.hooks import ChannelsLastHook
from tests import toy_recognizers as toys
from tests.models.recognizers.sdn_toys import TSM

LAYOUTS = {4: torch.channels_last, 5: torch.channels_last_3d}


@pytest.mark.parametrize(
    'type, parts, shape',
    [
        ('ALBARRecognizer3D', (toys.R3D, toys.head(8)), (1, 3, 4, 16, 16)),
        ('ALBARRecognizer2D', TSM, (4, 3, 32, 32)),
    ],
)
def test_another_layout_of_the_same_network(type, parts, shape):
    found = []
    for convert in (False, True):
        model = toys.build(type, *parts)
        if convert:
            before = {name: p.detach().clone() for name, p in model.named_parameters()}
            ChannelsLastHook().before_run(SimpleNamespace(model=model))
            kernels = [p for p in model.parameters() if p.ndim in LAYOUTS]
            assert kernels
            assert all(p.is_contiguous(memory_format=LAYOUTS[p.ndim]) for p in kernels)
            assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())
        total, _ = toys.total_loss(model, toys.batch([0, 1], [1, 2], shape=shape))
        total.backward()
        found.append((total.detach(), toys.gradients(model)))
    (expected, gradients), (loss, others) = found
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-4)
    # BatchNorm of a deep network over two clips makes rounding errors large
    for name, gradient in gradients.items() if type.endswith('3D') else ():
        torch.testing.assert_close(others[name], gradient, rtol=1e-3, atol=1e-4)
