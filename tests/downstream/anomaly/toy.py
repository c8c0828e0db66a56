"""A store of features that show the truth, and its annotation."""

import numpy as np

from downstream.features.sampling import Sampling
from downstream.features.store import FeatureStore

SAMPLING = Sampling(8, 8)
CHANNELS = 16


def write_oracle(folder, videos=24, crops=1, noise=0.3, scene=0.0, seed=0, labels=None):
    """The truth of each snippet as one of two channels plus noise: ``store``, lists of both splits.

    Every other video is anomalous, in training unless ``labels`` tell otherwise. ``scene`` is the
    standard deviation of what all snippets of a video share, as they do a background.
    """
    random = np.random.default_rng(seed)
    settings = dict(encoder=dict(published='oracle'), sampling=SAMPLING.settings(), dtype='float32')
    store = FeatureStore.create(folder / 'store', settings)
    for split in ('train', 'test'):
        lines = []
        for index in range(videos):
            frames = int(random.integers(600, 1600))
            grid = SAMPLING.grid(frames, 30.0)
            name = f'{split}{index:03}'
            truth = np.zeros(frames)
            kind, events = 'Normal', '-1 -1'
            if index % 2:
                start = int(random.integers(0, frames - 260))
                end = start + int(random.integers(80, 250))
                truth[start : end + 1] = 1
                kind, events = 'Fight', f'{start} {end}'
            shape = (grid.num_snippets, *([crops] if crops > 1 else []), CHANNELS)
            features = random.normal(scale=noise, size=shape)
            features += random.normal(scale=scene, size=CHANNELS)
            centres = np.minimum(np.arange(grid.num_snippets) * 8 + 4, frames - 1)
            seen = truth[centres].reshape(-1, *[1] * (features.ndim - 2))
            features[..., 0] += seen
            features[..., 1] += 1 - seen
            store.put(name, features.astype(np.float32), grid)
            if split == 'train':
                label = index % 2 if labels is None else labels[index]
                lines.append(f'{name}.mp4 {"Fight" if label else "Normal"}')
            else:
                lines.append(f'{name}.mp4 {frames} {kind} {events}')
        (folder / f'{split}.txt').write_text('\n'.join(lines) + '\n')
    return folder
