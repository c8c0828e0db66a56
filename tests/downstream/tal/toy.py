"""A store of features that show the truth, and its annotation."""

import json
from dataclasses import replace

import numpy as np

from downstream.features.sampling import Sampling
from downstream.features.store import FeatureStore

SAMPLING = Sampling(16, 4, tail='drop')
CHANNELS = 16
CLASSES = ('bow', 'dive', 'hop', 'jump', 'kick', 'lift', 'run', 'sit', 'throw', 'wave')
FPS = 30.0


def entry(subset='Validation', duration=20.0, actions=((2.0, 5.0, 'jump'), (9.0, 12.5, 'run'))):
    """One video of an annotation."""
    annotations = [dict(label=label, segment=[begin, end]) for begin, end, label in actions]
    return dict(subset=subset, fps=FPS, duration=duration, annotations=annotations)


def write_json(path, database):
    """Write an annotation file."""
    path.write_text(json.dumps(dict(version='toy', database=database)))
    return path


def make_store(folder):
    """An empty store."""
    settings = dict(encoder=dict(published='oracle'), sampling=SAMPLING.settings())
    return FeatureStore.create(folder, dict(settings, dtype='float32'))


def write_oracle(folder, train=60, test=40, noise=0.3, seed=0, classes=3, shuffled=False, shift=0):
    """Videos of one-hot truth of each snippet plus noise: ``segments.json`` and ``store``.

    Shuffled: the annotated segments of the training videos lie anywhere, with any class. The grid
    of the test videos is told wrongly by ``shift`` frames.
    """
    random = np.random.default_rng(seed)
    store, database = make_store(folder / 'store'), {}
    for subset, count in (('Validation', train), ('Test', test)):
        for index in range(count):
            frames = int(random.integers(230, 268))
            actions = _actions(frames, classes, random)
            grid = SAMPLING.grid(frames, FPS)
            features = random.normal(scale=noise, size=(grid.num_snippets, CHANNELS))
            centres = grid.snippet_to_second(np.arange(grid.num_snippets))
            for begin, end, label in actions:
                inside = (centres >= begin) & (centres <= end)
                features[inside, CLASSES.index(label)] += 1
            name = f'{subset.lower()}_{index:03}'
            if subset == 'Test':
                grid = replace(grid, offset_frames=grid.offset_frames + shift)
            elif shuffled:
                actions = _actions(frames, classes, random)
            store.put(name, features.astype(np.float32), grid)
            database[name] = entry(subset, frames / FPS, actions)
    write_json(folder / 'segments.json', database)
    return folder


def _actions(frames, classes, random):
    """Up to three actions of 0.7 to 2.3 seconds, apart from each other."""
    found, at = [], int(random.integers(8, 30))
    while len(found) < 3:
        length = int(random.integers(20, 70))
        if at + length > frames - 8:
            break
        found.append((at / FPS, (at + length) / FPS, CLASSES[random.integers(classes)]))
        at += length + int(random.integers(16, 40))
    return found
