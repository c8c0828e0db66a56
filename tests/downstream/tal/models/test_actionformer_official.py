"""The detector gives what the official ActionFormer gave with the same weights."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.structures import BaseDataElement

from albar_mm.compat import CheckpointError
from downstream.tal.convert_actionformer import convert_actionformer
from downstream.tal.models import SegmentDetector
from tests.parity.actionformer_official import BRANCH, EACH, FILE, HEADS, HIDDEN, WINDOWS
from tests.parity.tridet_official import (
    CHANNELS,
    CLASSES,
    LABELS,
    LENGTH,
    RANGES,
    SEGMENTS,
    VALID,
    WIDTH,
    inputs,
    weights,
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
        dict(type='TransformerPyramid', channels=WIDTH, heads=HEADS, hidden=HIDDEN, branch=BRANCH,
             window=WINDOWS[kind]),
        dict(type='ActionFormerHead', in_channels=WIDTH, num_classes=CLASSES, ranges=RANGES),
        data_preprocessor=dict(type='SequencePreprocessor', max_len=LENGTH, divisor=LENGTH,
                               noise=0.))  # fmt: skip
    converted = convert_actionformer(weights(REFERENCE['shapes']))
    assert converted.left_out == () and 'features of 12 channels' in converted.lines()[0]
    found.load_state_dict(converted.state_dict, strict=True)
    return found.train(False)


def batch(detector):
    samples = [BaseDataElement(snippet_segments=torch.tensor(segments),
                               snippet_labels=torch.tensor(labels))
               for segments, labels in zip(SEGMENTS, LABELS, strict=True)]  # fmt: skip
    return detector.data_preprocessor(dict(inputs=inputs(), data_samples=samples), True)


def test_levels_logits_and_distances(detector, kind):
    wanted = REFERENCE[kind]
    with torch.no_grad():
        levels, masks = detector(**batch(detector))
        logits = detector.head.cls_head(levels, masks)
        distances = detector.head.offset_head(levels, masks)
    for found, name, each in ((logits, 'logits', 1), (distances, 'offsets', 1), (masks, 'masks', 1),
                              (levels, 'levels', EACH)):  # fmt: skip
        assert len(found) == len(wanted[name]) == BRANCH + 1
        for level, numbers in zip(found, wanted[name], strict=True):
            assert level.flatten()[::each].float().tolist() == pytest.approx(numbers, abs=2e-5)
    assert int(masks[0][1].sum()) == VALID[1] and levels[0].std() > .1


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


def test_window_matters():
    first, second = (REFERENCE[kind]['levels'][0] for kind in WINDOWS)
    assert max(abs(a - b) for a, b in zip(first, second, strict=True)) > .1


@pytest.mark.parametrize('kind', ['local'], indirect=True)
def test_converted_files(detector, tmp_path):
    averaged = {f'module.{name}': value for name, value in weights(REFERENCE['shapes']).items()}
    last = {name: torch.zeros_like(value) for name, value in averaged.items()}
    torch.save(dict(epoch=35, state_dict=last, state_dict_ema=averaged), tmp_path / 'in.pth')
    tool = Path(__file__).resolve().parents[4] / 'tools' / 'convert_checkpoint.py'
    done = subprocess.run([sys.executable, str(tool), 'actionformer-official',
                           str(tmp_path / 'in.pth'), str(tmp_path / 'out.pth')],
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0 and 'an ActionFormer for features of 12 channels' in done.stdout
    saved = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    assert saved.keys() == detector.state_dict().keys()
    # the averaged weights are those that are evaluated there
    assert all(torch.equal(value, saved[name]) for name, value in detector.state_dict().items())


@pytest.mark.parametrize('names, message', [
    (['a'], 'no ActionFormer of the official code: it has no backbone.stem.0.attn.query'),
    (['module.backbone.stem.0.attn.rel_pe'], 'rel_pe: an ActionFormer with relative position'),
    (['backbone.proj.0.conv.weight'], 'proj.0.conv.weight: an ActionFormer with several streams'),
])  # fmt: skip
def test_other_weights_are_refused(names, message):
    with pytest.raises(CheckpointError, match=message):
        convert_actionformer({name: torch.zeros(3) for name in names})
