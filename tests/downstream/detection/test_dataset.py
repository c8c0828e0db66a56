"""What both data sets do alike: parts, and features that are refused."""

import numpy as np
import pytest

from albar_mm.utils.errors import DatasetError
from downstream.anomaly.dataset import AnomalyFeatureDataset
from downstream.features.sampling import Sampling
from downstream.features.store import FeatureStore
from downstream.tal.dataset import SegmentFeatureDataset
from tests.downstream.tal.toy import entry, write_json

FRAMES, SAMPLING = 600, Sampling(16, 4)
GRID = SAMPLING.grid(FRAMES, 30.0)
GOOD = np.random.default_rng(0).normal(size=(GRID.num_snippets, 3)).astype(np.float32)


@pytest.fixture(params=['anomaly', 'tal'])
def made(request, tmp_path):
    """A data set of features by their videos, of which every other is anomalous or has actions."""

    def make(features, **options):
        settings = dict(encoder={}, sampling=SAMPLING.settings(), dtype='float32')
        store = FeatureStore.create(tmp_path / 'store', settings)
        for name, values in features.items():
            if values is not None and name not in store:
                store.put(name, values, GRID)
        if request.param == 'anomaly':
            lines = (f'{n} {("Normal", "Fight")[i % 2]}\n' for i, n in enumerate(features))
            (tmp_path / 'list.txt').write_text(''.join(lines))
            return AnomalyFeatureDataset(str(tmp_path / 'list.txt'), store.root, **options)
        path = write_json(tmp_path / 'segments.json', {name: entry() for name in features})
        return SegmentFeatureDataset(str(path), store.root, 'validation', **options)

    return make


def test_parts_share_no_video(made):
    features = {f'v{index:02}': GOOD for index in range(20)}
    parts = {
        (part, seed): [v.video_id for v in made(features, part=part, val_seed=seed).videos()]
        for part, seed in (('all', 0), ('train', 0), ('val', 0), ('val', 1))
    }
    assert sorted(parts['train', 0] + parts['val', 0]) == parts['all', 0] == list(features)
    assert len(parts['val', 0]) == 4 and parts['val', 1] != parts['val', 0]


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(part='dev'), "part must be one of 'all', 'train', 'val', got 'dev'"),
        (dict(val_share=1), 'val_share is 1'),
        (dict(part='val', val_share=0.01), "part 'val' of 2 videos with 0.01 held out has no "),
    ],
)
def test_settings_that_are_refused(made, options, message):
    with pytest.raises(DatasetError, match=message):
        made(dict(a=GOOD, b=GOOD), **options)


@pytest.mark.parametrize(
    'values, message',
    [
        (np.where(GOOD < 3, np.nan, GOOD), "features of 'b' are not all finite: delete it"),
        (GOOD[:, :2], "'b' have 2 channels, others have 3"),
        (None, "lacks 1 of the 2 .*videos of .*, as 'b'"),
    ],
)
def test_features_that_are_refused(made, values, message):
    with pytest.raises(DatasetError, match=message):
        data = made(dict(a=GOOD, b=values))
        [data[index] for index in range(2)]
