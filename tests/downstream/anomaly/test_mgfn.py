"""MGFN: the official code's numbers with the same weights, worked numbers, invariants."""

import json
import math

import pytest
import torch
from mmengine.structures import BaseDataElement

from albar_mm.engine.checkpoints.convert import convert_checkpoint
from albar_mm.utils.errors import CheckpointError
from downstream.anomaly.convert import convert_mgfn
from downstream.anomaly.mgfn import ChannelNorm, SnippetConv
from downstream.anomaly.models import MGFN, AnomalyDetector, MGFNHead
from tests.in_process import run_tool
from tests.parity.mgfn_official import CHANNELS, FILE, PAIRS, features, weights

REFERENCE = json.loads(FILE.read_text())
SMALL = dict(channels=(8, 8, 16), depths=(1, 1, 1), head_channels=4)
VIDEOS = [torch.zeros(1, 4, 6), torch.zeros(1, 5, 6)]


def detector(channels=CHANNELS, small=None, **head):
    backbone = dict(type='MGFN', in_channels=channels, **(small or {}))
    width = (small or {}).get('channels', (1024,))[-1]
    return AnomalyDetector(dict(type='MGFNHead', in_channels=width, **head), backbone)


@pytest.fixture(scope='module')
def official():
    """Our detector with the weights of the official one."""
    model = detector(dropout=0.0)
    model.load_state_dict(convert_mgfn(weights(REFERENCE['shapes'])).state_dict)
    return model


def samples(labels):
    made = []
    for label in labels:
        made.append(BaseDataElement(metainfo=dict(video_id=f'v{len(made)}')))
        made[-1].gt_label = torch.tensor(label)
    return made


def test_size_scores_and_losses_are_those_of_the_official_code(official):
    """Order of the batch as there (normal ones first), and another, which must not matter."""
    size = sum(p.numel() for p in official.parameters())
    assert size == REFERENCE['parameters'] == 28_652_773
    official.train(False)
    given, labels = features(2 * PAIRS), torch.tensor([0] * PAIRS + [1] * PAIRS)
    with torch.no_grad():
        (scores,) = official(given[:1])
    assert torch.allclose(scores, torch.tensor(REFERENCE['tested']), atol=1e-5)
    official.train()
    for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
        with torch.no_grad():
            losses = official(given[order], samples(labels[order].tolist()), mode='loss')
        found = {name.removeprefix('loss_'): float(value) for name, value in losses.items()}
        assert found.pop('sparsity') == pytest.approx(REFERENCE['sparsity'], rel=1e-4)
        assert found.pop('smoothness') == pytest.approx(REFERENCE['smoothness'], rel=1e-4)
        assert sum(found.values()) == pytest.approx(REFERENCE['criterion'], rel=1e-4)


def test_converted_files(official, tmp_path):
    state = weights(REFERENCE['shapes'])
    torch.save({f'module.{name}': value for name, value in state.items()}, tmp_path / 'mgfn.pkl')
    files = tmp_path / 'mgfn.pkl', tmp_path / 'out.pth'
    done = run_tool('convert_checkpoint', 'mgfn-official', *files)
    assert done.returncode == 0, done.stderr
    assert 'an MGFN for features of 2048 channels' in done.stdout and 'left out' not in done.stdout
    saved = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    assert saved.keys() == official.state_dict().keys()
    torch.save(dict(a=torch.zeros(3)), tmp_path / 'other.pth')
    with pytest.raises(CheckpointError, match='other.pth: no MGFN of the official code'):
        convert_checkpoint(convert_mgfn, tmp_path / 'other.pth', tmp_path / 'x.pth')


def test_channel_norm_has_its_epsilon_outside_the_root():
    x = torch.tensor([[[1, 1.0001]]])
    assert ChannelNorm(2)(x).flatten().tolist() == pytest.approx([-0.83435, 0.83236], abs=2e-3)
    flat = torch.ones(1, 3, 4, requires_grad=True)
    ChannelNorm(4)(flat).sum().backward()
    assert torch.isfinite(flat.grad).all()


@pytest.mark.parametrize('length', [1, 2, 3, 40])
def test_of_any_length_and_number_of_crops(length):
    """The official code stops at fewer than three snippets."""
    for size in (1, 3, 5):  # its convolution is that of PyTorch
        conv, x = SnippetConv(4, 6, size), torch.randn(2, length, 4)
        turned = torch.conv1d(x.transpose(1, 2), conv.weight, conv.bias, padding=size // 2)
        assert torch.allclose(conv(x), turned.transpose(1, 2), atol=1e-6)
    model = detector(6, SMALL).train(False)
    videos = [torch.randn(crops, length, 6) for crops in (1, 3)]
    assert [len(scores) for scores in model(videos)] == [length] * 2
    found = model(videos, samples([0, 1]), mode='predict')
    assert found[1].scores.shape == (length,)
    assert torch.allclose(found[1].scores, model(videos[1:])[0])


@pytest.mark.parametrize('labels, crops', [([1, 0, 1], 1), ([0, 0, 0, 1, 1], 3), ([0], 2)])
@pytest.mark.parametrize(
    'switches',
    [{}, dict(intra='videos', sparsity='anomalous', smoothness='flattened', select='score')],
)
def test_any_batch(labels, crops, switches):
    torch.manual_seed(0)
    model = detector(6, SMALL, **switches)
    losses = model(torch.randn(len(labels), crops, 8, 6), samples(labels), mode='loss')
    names = ('bce', 'apart', 'normal', 'anomalous', 'sparsity', 'smoothness')
    assert list(losses) == [f'loss_{name}' for name in names]
    total = sum(losses.values())
    total.backward()
    assert torch.isfinite(total)
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize('select', ['magnitude', 'score'])
def test_which_snippets_stand_for_a_video(select):
    """Two channels, so that magnitudes and scores can be had by hand."""
    head = MGFNHead(2, k=2, dropout=0.0, select=select)
    with torch.no_grad():
        head.norm.bias.copy_(torch.tensor([0.5, 0.0]))
        head.fc.weight.copy_(torch.tensor([[-1.0, 0.0]]))
        head.fc.bias.zero_()
    # normalised to (1, -1) or (-1, 1), then (1.5, -1) or (-.5, 1): the first is larger, the
    # second scores higher
    up, down = [1.0, 0.0], [0.0, 1.0]
    feats = torch.tensor([[[up, down, up, down]], [[down, up, down, up]]])
    large, high = torch.tensor([-1.5, 0.5]).sigmoid().tolist()
    score = large if select == 'magnitude' else high
    found = head.loss(feats, torch.tensor([0, 1]))['loss_bce'].item()
    assert found == pytest.approx(-(math.log(1 - score) + math.log(score)) / 2, abs=1e-4)


@pytest.mark.parametrize(
    'call, message',
    [
        (lambda model: model(torch.zeros(1, 1, 4, 5)), 'of 5 channels, but in_channels is 6'),
        (lambda model: model(VIDEOS, samples([0, 1]), mode='loss'), 'batch: set num_segments'),
        (lambda model: model(VIDEOS, mode='test'), "mode is 'test'"),
        (lambda _: MGFNHead(weights=dict(con=1)), "weight must be one of 'bce', .*got 'con'"),
        (lambda _: MGFNHead(intra='crops'), "intra must be one of 'halves', 'videos', got 'crops'"),
        (lambda _: MGFNHead(select='all'), "select must be one of 'magnitude', 'score', got 'all'"),
        (lambda _: MGFN(4, kinds=('gb', 'focus', 'focus')), "kind of a layer must be .*got 'gb'"),
        (lambda _: MGFN(4, depths=(1, 1)), 'expected one of each for a stage'),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(detector(6, SMALL))
