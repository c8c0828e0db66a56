"""The pyramid and heads give what those of the official code gave with the same weights."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from albar_mm.compat import CheckpointError
from downstream.tal.convert import convert_tridet
from downstream.tal.models import BoundaryHead, OffsetHead, SGPPyramid
from tests.parity.tridet_official import (
    BINS,
    CHANNELS,
    CLASSES,
    FACTOR,
    FILE,
    HIDDEN,
    VALID,
    WIDTH,
    WINDOWS,
    inputs,
    weights,
)

REFERENCE = json.loads(FILE.read_text())


@pytest.fixture(scope='module')
def network():
    parts = torch.nn.ModuleDict(dict(
        backbone=SGPPyramid(CHANNELS, WIDTH, HIDDEN, WINDOWS, FACTOR),
        cls_head=BoundaryHead(WIDTH, CLASSES),
        offset_head=OffsetHead(WIDTH, len(WINDOWS) + 1, BINS)))  # fmt: skip
    converted = convert_tridet(weights(REFERENCE['shapes']))
    assert converted.left_out == () and 'features of 12 channels' in converted.lines()[0]
    parts.load_state_dict(converted.state_dict, strict=True)
    return parts.train(False)


def test_logits_and_offsets_of_every_level(network):
    with torch.no_grad():
        levels, masks = network['backbone'](*inputs())
        logits = network['cls_head'](levels, masks)
        offsets = network['offset_head'](levels, masks)
    for found, wanted in ((logits, REFERENCE['logits']), (offsets, REFERENCE['offsets']),
                          (masks, REFERENCE['masks'])):  # fmt: skip
        assert len(found) == len(wanted) == len(WINDOWS) + 1
        for level, numbers in zip(found, wanted, strict=True):
            assert level.flatten().float().tolist() == pytest.approx(numbers, abs=2e-5)
    assert int(masks[0][1].sum()) == VALID[1] and logits[0].std() > .1


def test_converted_files(network, tmp_path):
    averaged = {f'module.{name}': value for name, value in weights(REFERENCE['shapes']).items()}
    last = {name: torch.zeros_like(value) for name, value in averaged.items()}
    torch.save(dict(epoch=40, state_dict=last, state_dict_ema=averaged), tmp_path / 'in.pth')
    tool = Path(__file__).resolve().parents[4] / 'tools' / 'convert_checkpoint.py'
    done = subprocess.run([sys.executable, str(tool), 'tridet-official', str(tmp_path / 'in.pth'),
                           str(tmp_path / 'out.pth')], capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0 and 'a TriDet for features of 12 channels' in done.stdout
    saved = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    assert saved.keys() == network.state_dict().keys()
    # the averaged weights are those that are evaluated there
    assert all(torch.equal(value, saved[name]) for name, value in network.state_dict().items())


def test_other_weights_are_refused():
    with pytest.raises(CheckpointError, match='no TriDet of the official code'):
        convert_tridet(dict(a=torch.zeros(3)))
