"""A store of features that show the truth, and its annotation."""

import numpy as np

from downstream.features.sampling import Sampling
from downstream.features.store import FeatureStore

SAMPLING = Sampling(8, 8)
CHANNELS = 6


def write_oracle(folder, videos=24, crops=1, noise=0.3, seed=0, shuffled=False):
    """Features whose first channel is 1 in anomalous snippets, plus noise; lists of both splits.

    Args:
        folder: Gets ``store``, ``train.txt`` and ``test.txt``.
        videos: Of each split; half of them anomalous.
        crops: Of each snippet.
        noise: Standard deviation.
        seed: Of noise and events.
        shuffled: Labels of training videos that have nothing to do with what happens in them.
    """
    random = np.random.default_rng(seed)
    store = FeatureStore.create(folder / 'store', dict(
        encoder=dict(published='oracle'), sampling=SAMPLING.settings(), dtype='float32'))
    for split in ('train', 'test'):
        lines = []
        for index in range(videos):
            frames = int(random.integers(150, 400))
            grid = SAMPLING.grid(frames, 30.0)
            name = f'{split}{index:03}'
            truth = np.zeros(frames)
            kind, events = 'Normal', '-1 -1'
            if index % 2:
                start = int(random.integers(0, frames - 100))
                end = start + int(random.integers(40, 100))
                truth[start:end + 1] = 1
                kind, events = 'Fight', f'{start} {end}'
            shape = (grid.num_snippets, *([crops] if crops > 1 else []), CHANNELS)
            features = random.normal(scale=noise, size=shape).astype(np.float32)
            centres = np.minimum(np.arange(grid.num_snippets) * 8 + 4, frames - 1)
            features[..., 0] += truth[centres].reshape(-1, *[1] * (features.ndim - 2))
            store.put(name, features, grid)
            if split == 'train':
                # of anomalous and of normal videos, every other one is called anomalous
                label = index // 2 % 2 if shuffled else index % 2
                lines.append(f'{name}.mp4 {"Fight" if label else "Normal"}')
            else:
                lines.append(f'{name}.mp4 {frames} {kind} {events}')
        (folder / f'{split}.txt').write_text('\n'.join(lines) + '\n')
    return folder
