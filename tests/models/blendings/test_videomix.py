import pytest
import torch

from albar_mm.models.blendings import videomix

from .blend_batches import labels_of, make, samples


@pytest.fixture
def centre(monkeypatch):
    """Sets the drawn centre (x, y) of MMAction2's box."""

    def fix(*numbers):
        drawn = iter(numbers)
        monkeypatch.setattr(torch, 'randint', lambda *args, **kwargs: torch.tensor([next(drawn)]))

    return fix


@pytest.mark.parametrize(
    'lam, at, columns, lines, left',
    [
        (0.75, (112, 112), (56, 168), (56, 168), 0.75),
        (0.75, (0, 0), (0, 56), (0, 56), 0.9375),
        (0.3, (112, 112), (19, 205), (19, 205), 0.310507),
        (0.3, (200, 10), (107, 224), (0, 103), 0.759825),
    ],
)
def test_worked_boxes(centre, monkeypatch, lam, at, columns, lines, left):
    centre(*at)
    monkeypatch.setattr(videomix, 'draw_partners', lambda batch: [1, 0])
    monkeypatch.setattr(videomix, 'draw_beta', lambda alpha, beta: lam)
    inputs = torch.zeros(2, 1, 3, 2, 224, 224)
    inputs[1] = 1
    data = samples(inputs, [0, 1])
    out, _ = make('VideoMixBlending', num_classes=2)(inputs, data)
    pasted = torch.zeros(224, 224)
    pasted[lines[0] : lines[1], columns[0] : columns[1]] = 1
    assert torch.equal(out[0], pasted.expand(1, 3, 2, 224, 224))
    assert torch.equal(out[1], 1 - pasted.expand(1, 3, 2, 224, 224))
    expected = torch.tensor([[left, 1 - left], [1 - left, left]])
    torch.testing.assert_close(labels_of(data), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize('mode', videomix.MODES)
def test_label_is_the_volume_that_is_left(mode):
    """Counted by hand: every pixel of clip b holds b, so a pasted one tells where it is from."""
    torch.manual_seed(0)
    method, changed = make('VideoMixBlending', mode=mode), 0
    inputs = torch.arange(5.0).view(5, 1, 1, 1, 1, 1).expand(5, 2, 3, 6, 10, 12)
    for _ in range(40):
        data = samples(inputs)
        out, _ = method(inputs, data)
        labels, cuboids = labels_of(data), set()
        for b in range(5):
            counted = torch.stack([(out[b] == c).double().mean() for c in range(5)]).float()
            torch.testing.assert_close(labels[b], counted, atol=1e-6, rtol=0)
            pasted = (out[b] != b).nonzero()
            if not len(pasted):
                continue
            changed += 1
            first, last = pasted.amin(0), pasted.amax(0)
            spans = last - first + 1
            assert len(pasted) == spans.prod()  # one cuboid, in all views and channels
            assert spans[:2].tolist() == [2, 3]
            assert mode != 'spatial' or spans[2] == 6
            assert mode != 'temporal' or spans[3:].tolist() == [10, 12]
            cuboids.add((*first.tolist(), *last.tolist()))
        assert len(cuboids) <= 1  # of all samples
    assert changed > 50


@pytest.mark.parametrize(
    'mode, shape', [('temporal', (40, 1, 1)), ('spatiotemporal', (40, 60, 50))]
)
def test_cuboids_have_the_volume_of_the_draw(monkeypatch, mode, shape):
    """A cuboid in the middle of the clip, where no border cuts it off, has the share 1 - lam."""
    monkeypatch.setattr(torch, 'randint', lambda high, *args, **kwargs: torch.tensor([high // 2]))
    method = make('VideoMixBlending', mode=mode)
    for lam in (0.2, 0.5, 0.9):
        parts = method.draw_cuboid(torch.Size((2, 1, 3, *shape)), lam)
        volume = 1.0
        for part, size in zip(parts, shape, strict=True):
            volume *= (part.stop - part.start) / size
        assert volume == pytest.approx(1 - lam, abs=0.06)


@pytest.mark.parametrize('mode', videomix.MODES)
def test_one_frame_and_one_pixel(mode):
    torch.manual_seed(0)
    inputs = torch.arange(3.0).view(3, 1, 1, 1, 1, 1).expand(3, 1, 3, 1, 1, 1)
    for _ in range(20):
        out, _ = make('VideoMixBlending', mode=mode)(inputs, samples(inputs))
        assert torch.equal(out, inputs)  # int(1 * r) = 0 for every r < 1
