"""Snippets cut from a stream are those of a plain loop over the whole video."""

import numpy as np
import pytest

from albar_mm.utils.errors import LaunchError
from downstream.features.sampling import OUTSIDE, Sampling, Windows
from downstream.features.videos import CHUNK


def whole(sampling, frames):
    """All snippets by the definition, from the video as one array."""
    snippets, count = [], len(frames)
    for index in range(sampling.num_snippets(count)):
        first = index * sampling.stride
        if sampling.align == 'centre':
            first += sampling.stride // 2 - sampling.span // 2
        clip = []
        for frame in range(first, first + sampling.span, sampling.frame_interval):
            if sampling.padding == 'loop':
                clip.append(frames[frame % count])
            elif 0 <= frame < count or sampling.padding == 'repeat':
                clip.append(frames[min(max(frame, 0), count - 1)])
            else:
                clip.append(np.zeros_like(frames[0]))
        snippets.append(np.stack(clip))
    return snippets


def two_crops(frames):
    return np.stack([frames[:, :1], frames[:, 1:]], axis=1)


@pytest.mark.parametrize(
    'length, interval, stride', [(16, 1, 16), (4, 2, 3), (3, 4, 1), (2, 3, 40)]
)
@pytest.mark.parametrize(
    'convention', ['left pad repeat', 'left pad loop', 'left drop repeat', 'centre pad zero']
)
def test_a_stream_gives_the_snippets_of_the_whole(length, interval, stride, convention):
    sampling = Sampling(length, stride, interval, *convention.split())
    random = np.random.default_rng(0)
    for count in (1, 2, 7, sampling.span, sampling.span + 1, 61):
        frames = random.integers(1, 255, (count, 2, 3, 3), np.uint8)
        cuts = np.sort(random.integers(0, count, 4))
        windows = Windows(sampling, two_crops)
        found = list(windows.cut(part for part in np.split(frames, cuts) if len(part)))
        wanted = whole(sampling, frames)
        assert len(found) == len(wanted) == sampling.num_snippets(count)
        assert windows.num_frames == count
        for one, other in zip(found, wanted, strict=True):
            assert one.shape == (2, length, 1, 3, 3)
            assert np.array_equal(np.concatenate([*one.swapaxes(0, 1).swapaxes(0, 1)], 1), other)


@pytest.mark.parametrize(
    'settings',
    [(32, 4, 2), (16, 500), (16, 16, 1, 'left', 'pad', 'loop'), (8, 4, 2, 'centre', 'pad', 'zero')],
)
def test_frames_are_resized_once_and_memory_does_not_grow_with_the_video(settings):
    sampling = Sampling(*settings)
    windows, held = Windows(sampling, lambda frames: frames[:, None]), []

    seen, frames = [], np.arange(100, dtype=np.uint8)[:, None, None, None].repeat(3, 3)
    view = lambda part: seen.extend(part[:, 0, 0, 0].tolist()) or part[:, None]  # noqa: E731
    list(Windows(Sampling(4, 10, 2, tail='drop'), view).cut([frames[:50], frames[50:]]))
    assert sorted(seen) == [i for i in range(100) if i % 10 in (0, 2, 4, 6)]  # those shown, once

    def chunks():
        for _ in range(200):
            yield np.zeros((CHUNK, 1, 1, 3), np.uint8)
            held.append(sum(frame is not None for frame in windows._frames))

    for _ in windows.cut(chunks()):
        held.append(sum(frame is not None for frame in windows._frames))
    assert 0 < max(held) <= sampling.span + CHUNK + sampling.stride * (sampling.stride < CHUNK)


def test_numbers_centres_and_padding():
    """Conventions of published features: THUMOS14, 5094 frames; UCF-Crime, 155 and 107,997."""
    assert Sampling(16, 4, tail='drop').num_snippets(5094) == (5094 - 16) // 4 + 1
    assert Sampling(32, 64, 2).num_snippets(155) == 3
    assert Sampling(16, 16).num_snippets(107997) == 6750
    assert Sampling(16, 4, tail='drop').num_snippets(3) == 1
    # clips of L frames at interval r, aligned left, are centred at ((L - 1) r + 1) / 2
    assert Sampling(16, 4).grid(100, 30.0).offset_frames == 8
    assert Sampling(32, 64, 2).grid(100, 30.0).offset_frames == 31.5
    assert Sampling(32, 4, 2, align='centre').grid(100, 30.0).offset_frames == 2.5
    assert Sampling(4, 4, padding='zero').frames(1, 6).tolist() == [4, 5, OUTSIDE, OUTSIDE]
    assert Sampling(4, 4, padding='loop').frames(1, 6).tolist() == [4, 5, 0, 1]
    assert Sampling(4, 4).frames(1, 6).tolist() == [4, 5, 5, 5]


@pytest.mark.parametrize(
    'wrong, message',
    [
        (dict(clip_len=0), 'clip_len: expected a whole number from 1, got 0'),
        (dict(stride=-4), 'stride: expected a whole number from 1, got -4'),
        (dict(align='right'), "align must be one of 'left', 'centre', got 'right'"),
        (dict(padding='mirror'), "one of 'repeat', 'loop', 'zero', got 'mirror'"),
        (dict(fps=0), 'fps: expected a finite number above 0'),
        (dict(align='centre', tail='drop'), 'needs tail='),
        (dict(align='centre', padding='loop'), 'cannot go with'),
    ],
)
def test_what_cannot_be(wrong, message):
    with pytest.raises(LaunchError, match=message):
        Sampling(**{'clip_len': 4, 'stride': 4, **wrong})
