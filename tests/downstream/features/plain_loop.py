"""Features by their definition, without anything that makes extraction fast."""

import numpy as np
import torch


def plain_loop(encoder, reader, path, sampling):
    """Features of a whole video, one window after another; short windows show the last frame."""
    with reader(path) as opened:
        seen = np.concatenate([encoder.view(chunk.pixels) for chunk in opened.chunks()])
    rows = []
    for index in range(sampling.num_snippets(len(seen))):
        wanted = index * sampling.stride + sampling.frame_interval * np.arange(sampling.clip_len)
        clip = seen[np.minimum(wanted, len(seen) - 1)].swapaxes(0, 1)
        batch = torch.from_numpy(encoder.formatted(clip))[None]
        rows.append(encoder.encode(batch)[0, 0].numpy())
    return np.stack(rows)
