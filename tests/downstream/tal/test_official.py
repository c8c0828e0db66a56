"""The detectors give what the official TriDet and ActionFormer gave with the same weights."""

import json

import pytest
import torch
from mmengine.structures import BaseDataElement

from albar_mm.utils.errors import CheckpointError
from downstream.tal.convert import convert_actionformer, convert_tridet
from downstream.tal.models import SegmentDetector
from tests.in_process import run_tool
from tests.parity import actionformer_official as actionformer
from tests.parity import tridet_official as tridet
from tests.parity.tridet_official import CHANNELS, CLASSES, LENGTH, RANGES, VALID, WIDTH, weights

TRIDET, ACTIONFORMER = (json.loads(each.FILE.read_text()) for each in (tridet, actionformer))


def official(kind):
    """Reference, state dict with the official names, its conversion."""
    if kind in ('alive', 'dead'):
        return TRIDET, weights(TRIDET['shapes'], kind == 'dead'), convert_tridet
    return ACTIONFORMER, weights(ACTIONFORMER['shapes']), convert_actionformer


@pytest.fixture(params=['alive', 'dead', 'local', 'full'])
def kind(request):
    """TriDet with depth-wise convolutions that are zero, as for THUMOS14, or not; ActionFormer with
    attention to a window, or to all."""
    return request.param


@pytest.fixture
def wanted(kind):
    return official(kind)[0][kind]


@pytest.fixture
def detector(kind):
    _, state, convert = official(kind)
    if convert is convert_tridet:
        sizes = dict(hidden=tridet.HIDDEN, windows=tridet.WINDOWS, factor=tridet.FACTOR)
        pyramid, head = dict(type='SGPPyramid', **sizes), dict(type='TridentHead', bins=tridet.BINS)
    else:
        names, window = ('heads', 'hidden', 'branch'), actionformer.WINDOWS[kind]
        sizes = {name: getattr(actionformer, name.upper()) for name in names}
        pyramid = dict(type='TransformerPyramid', window=window, **sizes)
        head = dict(type='ActionFormerHead')
    divisor = 8 if convert is convert_tridet else LENGTH
    found = SegmentDetector(
        dict(type='ConvProjection', in_channels=CHANNELS, channels=WIDTH),
        dict(pyramid, channels=WIDTH),
        dict(head, in_channels=WIDTH, num_classes=CLASSES, ranges=RANGES),
        data_preprocessor=dict(
            type='SequencePreprocessor', max_len=LENGTH, divisor=divisor, noise=0.0
        ),
    )
    converted = convert(state)
    assert converted.left_out == () and 'features of 12 channels' in converted.lines()[0]
    found.load_state_dict(converted.state_dict, strict=True)
    return found.train(False)


def batch(detector):
    """The two videos of the reference, padded."""
    samples = [
        BaseDataElement(snippet_segments=torch.tensor(each), snippet_labels=torch.tensor(labels))
        for each, labels in zip(tridet.SEGMENTS, tridet.LABELS, strict=True)
    ]
    return detector.data_preprocessor(dict(inputs=tridet.inputs(), data_samples=samples), True)


def test_levels_candidates_losses_and_their_gradient(detector, wanted):
    with torch.no_grad():
        levels, masks = detector(**batch(detector))
        logits = detector.head.cls_head(levels, masks)
        offsets = detector.head.offset_head(levels, masks)
    for found, name, each in (
        (logits, 'logits', 1),
        (offsets, 'offsets', 1),
        (masks, 'masks', 1),
        (levels, 'levels', actionformer.EACH),  # the reference of TriDet has none
    ):
        for level, numbers in zip(found, wanted.get(name, ()), strict=name in wanted):
            assert level.flatten()[::each].float().tolist() == pytest.approx(numbers, abs=2e-5)
    assert int(masks[0][1].sum()) == VALID[1] and logits[0].std() > 0.1 and levels[0].std() > 0.1
    best, data = wanted['candidates'], dict(inputs=tridet.inputs()[:1])
    with torch.no_grad():
        (found,) = detector.head.candidates(*detector(**detector.data_preprocessor(data)))
    found = dict(zip(PARTS, found, strict=True))
    assert len(found['scores']) == len(best['scores']) > 100
    assert found['scores'].tolist() == pytest.approx(best['scores'], abs=1e-5)
    # some scores differ by a millionth, so that another processor's rounding may exchange their
    # places: which comes first is left open, what each of them is is not
    ours, theirs = (
        torch.cat([torch.as_tensor(each[p]).reshape(len(best['scores']), -1) for p in PARTS], 1)
        for each in (found, best)
    )
    slack = torch.tensor([1e-4, 1e-4, 1e-5, 0])
    same = ((ours[:, None] - theirs).abs() <= slack).all(2)
    assert same.any(0).all() and same.any(1).all()
    detector.head.normaliser.train()  # it counts in training alone; nothing else differs there
    losses = detector(**batch(detector), mode='loss')
    found = [losses[name].item() for name in ('loss_cls', 'loss_reg')]
    assert found == pytest.approx(wanted['losses'], rel=1e-5)
    sum(losses.values()).backward()
    gradient = detector.projection.convs[0].weight.grad.flatten()[::37].tolist()
    assert gradient == pytest.approx(wanted['gradient'], abs=1e-6)


PARTS = ('segments', 'scores', 'labels')


@pytest.mark.parametrize('kind', ['dead', 'local'], indirect=True)
def test_converted_files(detector, kind, tmp_path):
    """The tool writes a state dict that the detector has."""
    name, told = dict(dead=('tridet', 'a TriDet'), local=('actionformer', 'an ActionFormer'))[kind]
    averaged = {f'module.{key}': value for key, value in official(kind)[1].items()}
    last = {key: torch.zeros_like(value) for key, value in averaged.items()}
    torch.save(dict(epoch=40, state_dict=last, state_dict_ema=averaged), tmp_path / 'in.pth')
    files = tmp_path / 'in.pth', tmp_path / 'out.pth'
    done = run_tool('convert_checkpoint', f'{name}-official', *files)
    assert done.returncode == 0 and f'{told} for features of 12 channels' in done.stdout
    saved = torch.load(files[1], weights_only=True)['state_dict']
    assert saved.keys() == detector.state_dict().keys()
    # the averaged weights are those that are evaluated there
    assert all(torch.equal(value, saved[key]) for key, value in detector.state_dict().items())


@pytest.mark.parametrize(
    'convert, name, message',
    [
        (convert_tridet, 'a', 'no TriDet of the official code'),
        (convert_actionformer, 'a', 'no ActionFormer of .*: it has no backbone.stem.0.attn.query'),
        (convert_actionformer, 'module.backbone.stem.0.attn.rel_pe', 'rel_pe: .* relative posit'),
        (convert_actionformer, 'backbone.proj.0.conv.weight', 'weight: .* with several streams'),
    ],
)
def test_other_weights_are_refused(convert, name, message):
    with pytest.raises(CheckpointError, match=message):
        convert({name: torch.zeros(3)})
