"""The detector gives what the official code gave with the same weights."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.structures import BaseDataElement

from albar_mm.compat import CheckpointError
from downstream.tal.convert import convert_tridet
from downstream.tal.models import SegmentDetector
from tests.parity.tridet_official import (
    BINS,
    CHANNELS,
    CLASSES,
    FACTOR,
    FILE,
    HIDDEN,
    LABELS,
    LENGTH,
    RANGES,
    SEGMENTS,
    VALID,
    WIDTH,
    WINDOWS,
    inputs,
    weights,
)

REFERENCE = json.loads(FILE.read_text())


@pytest.fixture(params=['alive', 'dead'])
def kind(request):
    return request.param


@pytest.fixture
def detector(kind):
    """With depth-wise convolutions that are zero, as published for THUMOS14, or not."""
    found = SegmentDetector(
        dict(type='ConvProjection', in_channels=CHANNELS, channels=WIDTH),
        dict(type='SGPPyramid', channels=WIDTH, hidden=HIDDEN, windows=WINDOWS, factor=FACTOR),
        dict(type='TridentHead', in_channels=WIDTH, num_classes=CLASSES, bins=BINS, ranges=RANGES),
        data_preprocessor=dict(type='SequencePreprocessor', max_len=LENGTH, divisor=8, noise=0.))
    converted = convert_tridet(weights(REFERENCE['shapes'], kind == 'dead'))
    assert converted.left_out == () and 'features of 12 channels' in converted.lines()[0]
    found.load_state_dict(converted.state_dict, strict=True)
    return found.train(False)


def batch(detector):
    samples = [BaseDataElement(snippet_segments=torch.tensor(segments),
                               snippet_labels=torch.tensor(labels))
               for segments, labels in zip(SEGMENTS, LABELS, strict=True)]
    return detector.data_preprocessor(dict(inputs=inputs(), data_samples=samples), True)


def test_logits_and_offsets_of_every_level(detector, kind):
    data, wanted = batch(detector), REFERENCE[kind]
    with torch.no_grad():
        levels, masks = detector(**data)
        logits = detector.head.cls_head(levels, masks)
        offsets = detector.head.offset_head(levels, masks)
    for found, name in ((logits, 'logits'), (offsets, 'offsets'), (masks, 'masks')):
        assert len(found) == len(wanted[name]) == len(WINDOWS) + 1
        for level, numbers in zip(found, wanted[name], strict=True):
            assert level.flatten().float().tolist() == pytest.approx(numbers, abs=2e-5)
    assert int(masks[0][1].sum()) == VALID[1] and logits[0].std() > .1


def test_losses_and_their_gradient(detector, kind):
    wanted = REFERENCE[kind]
    detector.head.normaliser.train()  # it counts in training alone; nothing else differs there
    losses = detector(**batch(detector), mode='loss')
    assert [losses['loss_cls'].item(), losses['loss_reg'].item()] == pytest.approx(
        wanted['losses'], rel=1e-5)
    sum(losses.values()).backward()
    gradient = detector.projection.convs[0].weight.grad.flatten()[::37].tolist()
    assert gradient == pytest.approx(wanted['gradient'], abs=1e-6)


def test_candidates(detector, kind):
    wanted = REFERENCE[kind]['candidates']
    data = detector.data_preprocessor(dict(inputs=inputs()[:1]))
    with torch.no_grad():
        (found,) = detector.head.candidates(*detector(**data))
    assert len(found.scores) == len(wanted['scores']) > 100
    assert found.scores.tolist() == pytest.approx(wanted['scores'], abs=1e-5)
    assert found.labels.tolist() == wanted['labels']
    assert found.segments.flatten().tolist() == pytest.approx(wanted['segments'], abs=1e-4)


@pytest.mark.parametrize('kind', ['dead'], indirect=True)
def test_converted_files(detector, kind, tmp_path):
    averaged = {f'module.{name}': value for name, value in
                weights(REFERENCE['shapes'], kind == 'dead').items()}
    last = {name: torch.zeros_like(value) for name, value in averaged.items()}
    torch.save(dict(epoch=40, state_dict=last, state_dict_ema=averaged), tmp_path / 'in.pth')
    tool = Path(__file__).resolve().parents[4] / 'tools' / 'convert_checkpoint.py'
    done = subprocess.run([sys.executable, str(tool), 'tridet-official', str(tmp_path / 'in.pth'),
                           str(tmp_path / 'out.pth')], capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0 and 'a TriDet for features of 12 channels' in done.stdout
    saved = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    assert saved.keys() == detector.state_dict().keys()
    # the averaged weights are those that are evaluated there
    assert all(torch.equal(value, saved[name]) for name, value in detector.state_dict().items())


def test_other_weights_are_refused():
    with pytest.raises(CheckpointError, match='no TriDet of the official code'):
        convert_tridet(dict(a=torch.zeros(3)))
