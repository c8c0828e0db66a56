"""What both detectors are asked against the numbers of their official code."""

import pytest
import torch
from mmengine.structures import BaseDataElement

from tests.in_process import run_tool
from tests.parity.tridet_official import LABELS, SEGMENTS, inputs


def batch(detector):
    """The two videos of the reference, padded."""
    samples = [
        BaseDataElement(
            snippet_segments=torch.tensor(segments), snippet_labels=torch.tensor(labels)
        )
        for segments, labels in zip(SEGMENTS, LABELS, strict=True)
    ]
    return detector.data_preprocessor(dict(inputs=inputs(), data_samples=samples), True)


def assert_losses_and_their_gradient(detector, wanted):
    detector.head.normaliser.train()  # it counts in training alone; nothing else differs there
    losses = detector(**batch(detector), mode='loss')
    assert [losses['loss_cls'].item(), losses['loss_reg'].item()] == pytest.approx(
        wanted['losses'], rel=1e-5
    )
    sum(losses.values()).backward()
    gradient = detector.projection.convs[0].weight.grad.flatten()[::37].tolist()
    assert gradient == pytest.approx(wanted['gradient'], abs=1e-6)


def assert_candidates(detector, wanted):
    data = detector.data_preprocessor(dict(inputs=inputs()[:1]))
    with torch.no_grad():
        (found,) = detector.head.candidates(*detector(**data))
    assert len(found.scores) == len(wanted['scores']) > 100
    assert found.scores.tolist() == pytest.approx(wanted['scores'], abs=1e-5)
    # some scores differ by a millionth, so that another processor's rounding may exchange their
    # places: which comes first is left open, what each of them is is not
    ours, theirs = (
        torch.cat(
            [
                torch.as_tensor(each[part]).reshape(len(found.scores), -1)
                for part in ('segments', 'scores', 'labels')
            ],
            1,
        )
        for each in (vars(found), wanted)
    )
    slack = torch.tensor([1e-4, 1e-4, 1e-5, 0])
    same = ((ours[:, None] - theirs).abs() <= slack).all(2)
    assert same.any(0).all() and same.any(1).all()


def assert_converted_file(detector, kind, official, told, folder):
    """The tool writes a state dict that the detector has.

    Args:
        detector: With the weights of ``official``, converted.
        kind: Of the conversion.
        official: State dict with the official names.
        told: What the tool says of it.
        folder: Gets the files.
    """
    averaged = {f'module.{name}': value for name, value in official.items()}
    last = {name: torch.zeros_like(value) for name, value in averaged.items()}
    torch.save(dict(epoch=40, state_dict=last, state_dict_ema=averaged), folder / 'in.pth')
    done = run_tool('convert_checkpoint', kind, folder / 'in.pth', folder / 'out.pth')
    assert done.returncode == 0 and told in done.stdout
    saved = torch.load(folder / 'out.pth', weights_only=True)['state_dict']
    assert saved.keys() == detector.state_dict().keys()
    # the averaged weights are those that are evaluated there
    assert all(torch.equal(value, saved[name]) for name, value in detector.state_dict().items())
