"""Ids of the videos that an annotation file lists."""

from __future__ import annotations

from typing import Any

from .text import name_some


def annotated_video_ids(dataset: Any) -> list[str]:
    """Give every video of a video dataset its path as written in the annotation file.

    That path does not depend on where the videos lie, so it joins results across machines.

    Args:
        dataset: a dataset of video files such as mmaction's ``VideoDataset``.

    Returns:
        One id per sample, in the order of the dataset.

    Raises:
        TypeError: if the samples are not video files.
        ValueError: if the dataset is empty or lists a video twice.
    """
    source = getattr(dataset, 'ann_file', '') or type(dataset).__name__
    prefix = (getattr(dataset, 'data_prefix', None) or {}).get('video') or ''
    ids = []
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        if 'filename' not in info:
            raise TypeError(
                f'{source}: items must be video files with a filename, as VideoDataset gives them; '
                f'got {sorted(info)}'
            )
        name = str(info['filename'])
        ids.append(name.removeprefix(prefix).lstrip('/') if prefix else name)
    if not ids:
        raise ValueError(f'{source} lists no videos')
    if len(set(ids)) != len(ids):
        seen: set[str] = set()
        twice = {video for video in ids if video in seen or seen.add(video)}
        raise ValueError(f'{source} lists {len(twice)} video(s) more than once: {name_some(twice)}')
    return ids
