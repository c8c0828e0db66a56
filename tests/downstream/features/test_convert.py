"""Files of published code: the shapes they expect, the order of crops, and what is refused."""

import numpy as np
import pytest

from albar_mm.utils.errors import DatasetError
from downstream.features.convert import LAYOUTS, export_features, import_features
from downstream.features.sampling import Sampling
from downstream.features.store import FeatureStore

SAMPLING = Sampling(16, 16)
FRAMES = {'Abuse001_x264': 60, 'Normal_Videos001_x264': 33}


def make_store(root, crops, dtype='float32'):
    store = FeatureStore.create(root, dict(encoder={}, sampling=SAMPLING.settings(), dtype=dtype))
    random = np.random.default_rng(0)
    for video, frames in FRAMES.items():
        grid = SAMPLING.grid(frames, 30.0)
        shape = (grid.num_snippets, *([crops] if crops > 1 else []), 5)
        store.put(video, random.normal(size=shape).astype(np.float32), grid)
    return store


@pytest.mark.parametrize(
    'layout, crops, shape',
    [
        ('mgfn', 10, (4, 10, 5)),
        ('mgfn', 1, (4, 1, 5)),
        ('ur-dmu', 10, (10, 4, 5)),
        ('tridet', 1, (4, 5)),
        ('actionformer', 1, (4, 5)),
        ('opentad', 1, (4, 5)),
    ],
)
def test_what_published_code_reads(tmp_path, layout, crops, shape):
    store = make_store(tmp_path / 'store', crops)
    lines = export_features(store, tmp_path / 'out', layout)
    array = np.load(tmp_path / 'out/Abuse001_x264.npy')
    assert array.shape == shape and array.dtype == np.float32 and array.flags.c_contiguous
    assert 'feat_stride=16, num_frames=16' in lines[1]


def test_ten_crops_in_the_published_order(tmp_path):
    """MMAction2: crop, flip, crop, flip; torchvision and RTFM: five crops, then their flips."""
    store = make_store(tmp_path / 'store', 10)
    export_features(store, tmp_path / 'out', 'rtfm')
    ours, theirs = store.load('Abuse001_x264'), np.load(tmp_path / 'out/Abuse001_x264_i3d.npy')
    for crop in range(5):
        assert np.array_equal(theirs[:, crop], ours[:, 2 * crop])
        assert np.array_equal(theirs[:, 5 + crop], ours[:, 2 * crop + 1])


def test_a_file_for_each_crop(tmp_path):
    export_features(make_store(tmp_path / 'store', 10), tmp_path / 'out', 'deepmil')
    names = {path.name for path in (tmp_path / 'out').iterdir()}
    assert len(names) == 20 and 'Abuse001_x264__9.npy' in names
    assert np.load(tmp_path / 'out/Abuse001_x264__5.npy').shape == (4, 5)


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('crops', [1, 10])
def test_there_and_back(tmp_path, layout, crops):
    store = make_store(tmp_path / 'store', crops)
    if LAYOUTS[layout].crops == 'TC' and crops > 1:
        with pytest.raises(DatasetError, match='10 crops, and this layout has room for one'):
            export_features(store, tmp_path / 'out', layout)
        return
    export_features(store, tmp_path / 'out', layout)
    lines, missing = import_features(
        tmp_path / 'out',
        tmp_path / 'again',
        layout,
        SAMPLING,
        {name: (frames, 30.0) for name, frames in FRAMES.items()},
    )
    assert len(lines) == 1 and missing == []
    again = FeatureStore(tmp_path / 'again')
    for video in store.ids():
        assert np.array_equal(again.load(video), store.load(video))
        assert again.grid(video) == store.grid(video)


def test_lists_keep_the_order_that_gives_labels(tmp_path):
    store = make_store(tmp_path / 'store', 1)
    order = ['Normal_Videos001_x264', 'Abuse001_x264']
    export_features(store, tmp_path / 'out', 'mgfn', {'train.list': order})
    lines = (tmp_path / 'out/train.list').read_text().splitlines()
    assert lines == [str(tmp_path / 'out' / f'{name}.npy') for name in order]
    with pytest.raises(DatasetError, match="lacks 1 listed videos, as 'Arson'"):
        export_features(store, tmp_path / 'out', 'mgfn', {'test.list': ['Arson']})


def test_published_features(real_data, tmp_path):
    """The real I3D features of a THUMOS14-like video: 164 snippets of 720 frames, one off."""
    folder = next((real_data / 'thumos14').rglob('highjump.npy')).parent
    sampling = Sampling(16, 4, tail='drop')
    lines, _ = import_features(
        folder, tmp_path / 'store', 'tridet', sampling, {'highjump': (sampling_frames(164), 30.0)}
    )
    store = FeatureStore(tmp_path / 'store')
    assert store.load('highjump').shape == (164, 2048) and len(lines) == 1


def sampling_frames(snippets):
    return (snippets - 1) * 4 + 16


def test_what_is_refused(tmp_path):
    export_features(make_store(tmp_path / 'store', 1), tmp_path / 'out', 'tridet')
    videos = {'Abuse001_x264': (60, 30.0)}
    with pytest.raises(DatasetError, match="layout 'i3d': expected one of mgfn"):
        import_features(tmp_path / 'out', tmp_path / 'a', 'i3d', SAMPLING, videos)
    with pytest.raises(DatasetError, match='has 4 snippets; its 600 frames give 38'):
        import_features(
            tmp_path / 'out', tmp_path / 'b', 'tridet', SAMPLING, {'Abuse001_x264': (600, 30.0)}
        )
    with pytest.raises(DatasetError, match='Gone.npy: no such file'):
        import_features(tmp_path / 'out', tmp_path / 'c', 'tridet', SAMPLING, {'Gone': (9, 30.0)})
    np.save(tmp_path / 'out/Abuse001_x264.npy', np.array([{}]), allow_pickle=True)
    with pytest.raises(DatasetError, match='arrays of objects are not read'):
        import_features(tmp_path / 'out', tmp_path / 'd', 'tridet', SAMPLING, videos)
    np.save(tmp_path / 'out/Abuse001_x264.npy', np.zeros((4, 10, 5)))
    with pytest.raises(DatasetError, match=r'float64 of shape \(4, 10, 5\); expected .* 2 axes'):
        import_features(tmp_path / 'out', tmp_path / 'e', 'tridet', SAMPLING, videos)
    lines, _ = import_features(
        tmp_path / 'out', tmp_path / 'f', 'mgfn', SAMPLING, {'Abuse001_x264': (70, 30.0)}
    )
    assert 'one snippet off' in lines[1]
    assert FeatureStore(tmp_path / 'f').grid('Abuse001_x264').num_snippets == 4
