"""The detector gives what the official code gave with the same weights."""

import json

import pytest
import torch

from albar_mm.utils.errors import CheckpointError
from downstream.tal.convert import convert_tridet
from downstream.tal.models import SegmentDetector
from tests.parity.tridet_official import (
    BINS,
    CHANNELS,
    CLASSES,
    FACTOR,
    FILE,
    HIDDEN,
    LENGTH,
    RANGES,
    VALID,
    WIDTH,
    WINDOWS,
    weights,
)

from .official import (
    assert_candidates,
    assert_converted_file,
    assert_losses_and_their_gradient,
    batch,
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
        data_preprocessor=dict(type='SequencePreprocessor', max_len=LENGTH, divisor=8, noise=0.0),
    )
    converted = convert_tridet(weights(REFERENCE['shapes'], kind == 'dead'))
    assert converted.left_out == () and 'features of 12 channels' in converted.lines()[0]
    found.load_state_dict(converted.state_dict, strict=True)
    return found.train(False)


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
    assert int(masks[0][1].sum()) == VALID[1] and logits[0].std() > 0.1


def test_losses_and_their_gradient(detector, kind):
    assert_losses_and_their_gradient(detector, REFERENCE[kind])


def test_candidates(detector, kind):
    assert_candidates(detector, REFERENCE[kind]['candidates'])


@pytest.mark.parametrize('kind', ['dead'], indirect=True)
def test_converted_files(detector, kind, tmp_path):
    official = weights(REFERENCE['shapes'], kind == 'dead')
    assert_converted_file(
        detector, 'tridet-official', official, 'a TriDet for features of 12 channels', tmp_path
    )


def test_other_weights_are_refused():
    with pytest.raises(CheckpointError, match='no TriDet of the official code'):
        convert_tridet(dict(a=torch.zeros(3)))
