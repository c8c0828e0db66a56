"""Segments from rows that are easy to read."""

import numpy as np

from downstream.tal.ranking import Segments


def segments(rows):
    """Of ``(video, begin, end, label)`` or ``(video, begin, end, label, score)``."""
    columns = list(zip(*rows, strict=True)) or [[], [], [], []]
    scores = columns[4] if len(columns) > 4 else None
    return Segments(columns[0], np.stack(columns[1:3], 1), columns[3], scores)


def random_test(seed, decimals=8):
    """Annotation and detections with overlaps, foreign classes and videos without either."""
    random = np.random.default_rng(seed)
    truth, rows = [], []
    for video in range(6):
        for _ in range(random.integers(0, 6) if video else 3):
            begin = random.random() * 20
            truth.append(
                (f'v{video}', begin, begin + 1 + random.random() * 8, int(random.integers(3)))
            )
        for _ in range(random.integers(0, 40)):
            _, begin, end, label = truth[random.integers(len(truth))]
            begin, end = begin + random.normal(), end + random.normal()
            label = label if random.random() < 0.7 else int(random.integers(4))
            rows.append(
                (f'v{video}', begin, max(end, begin + 0.1), label, round(random.random(), decimals))
            )
    return truth, rows


def overlap(one, other):
    """Temporal IoU of two rows."""
    both = max(0, min(one[2], other[2]) - max(one[1], other[1]))
    return both / (one[2] - one[1] + other[2] - other[1] - both)
