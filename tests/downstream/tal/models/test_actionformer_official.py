"""The detector gives what the official ActionFormer gave with the same weights."""

import json

import pytest
import torch

from albar_mm.utils.errors import CheckpointError
from downstream.tal.convert import convert_actionformer
from downstream.tal.models import SegmentDetector
from tests.parity.actionformer_official import BRANCH, EACH, FILE, HEADS, HIDDEN, WINDOWS
from tests.parity.tridet_official import CHANNELS, CLASSES, LENGTH, RANGES, VALID, WIDTH, weights

from .official import (
    assert_candidates,
    assert_converted_file,
    assert_losses_and_their_gradient,
    batch,
)

REFERENCE = json.loads(FILE.read_text())


@pytest.fixture(params=['local', 'full'])
def kind(request):
    return request.param


@pytest.fixture
def detector(kind):
    """With attention to a window, or to all."""
    found = SegmentDetector(
        dict(type='ConvProjection', in_channels=CHANNELS, channels=WIDTH),
        dict(
            type='TransformerPyramid',
            channels=WIDTH,
            heads=HEADS,
            hidden=HIDDEN,
            branch=BRANCH,
            window=WINDOWS[kind],
        ),
        dict(type='ActionFormerHead', in_channels=WIDTH, num_classes=CLASSES, ranges=RANGES),
        data_preprocessor=dict(
            type='SequencePreprocessor', max_len=LENGTH, divisor=LENGTH, noise=0.0
        ),
    )
    converted = convert_actionformer(weights(REFERENCE['shapes']))
    assert converted.left_out == () and 'features of 12 channels' in converted.lines()[0]
    found.load_state_dict(converted.state_dict, strict=True)
    return found.train(False)


def test_levels_logits_and_distances(detector, kind):
    wanted = REFERENCE[kind]
    with torch.no_grad():
        levels, masks = detector(**batch(detector))
        logits = detector.head.cls_head(levels, masks)
        distances = detector.head.offset_head(levels, masks)
    for found, name, each in (
        (logits, 'logits', 1),
        (distances, 'offsets', 1),
        (masks, 'masks', 1),
        (levels, 'levels', EACH),
    ):
        assert len(found) == len(wanted[name]) == BRANCH + 1
        for level, numbers in zip(found, wanted[name], strict=True):
            assert level.flatten()[::each].float().tolist() == pytest.approx(numbers, abs=2e-5)
    assert int(masks[0][1].sum()) == VALID[1] and levels[0].std() > 0.1


def test_losses_and_their_gradient(detector, kind):
    assert_losses_and_their_gradient(detector, REFERENCE[kind])


def test_candidates(detector, kind):
    assert_candidates(detector, REFERENCE[kind]['candidates'])


def test_window_matters():
    first, second = (REFERENCE[kind]['levels'][0] for kind in WINDOWS)
    assert max(abs(a - b) for a, b in zip(first, second, strict=True)) > 0.1


@pytest.mark.parametrize('kind', ['local'], indirect=True)
def test_converted_files(detector, tmp_path):
    official = weights(REFERENCE['shapes'])
    assert_converted_file(
        detector,
        'actionformer-official',
        official,
        'an ActionFormer for features of 12 channels',
        tmp_path,
    )


@pytest.mark.parametrize(
    'names, message',
    [
        (['a'], 'no ActionFormer of the official code: it has no backbone.stem.0.attn.query'),
        (['module.backbone.stem.0.attn.rel_pe'], 'rel_pe: an ActionFormer with relative position'),
        (
            ['backbone.proj.0.conv.weight'],
            'proj.0.conv.weight: an ActionFormer with several streams',
        ),
    ],
)
def test_other_weights_are_refused(names, message):
    with pytest.raises(CheckpointError, match=message):
        convert_actionformer({name: torch.zeros(3) for name in names})
