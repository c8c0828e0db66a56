"""The frame bank of StillMix: training frames in which a 2D network recognises the action.

A reference network (configs/stillmix/reference) sees one frame at a time; where it is sure of the
action, the frame gives the action away without any motion. Such frames are kept for mixing into
clips (:mod:`albar_mm.models.blendings`).
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ...annotations.frame_bank import FrameBank, save_frame_bank
from ...engine.launch import load_config
from ...utils.errors import BadVideoError, DatasetError
from ...utils.files import check_output
from ...utils.identity import file_identity
from ...utils.parallel import map_videos
from ...utils.text import name_some
from .scoring import FrameBankOptions, number_of_classes, score_videos
from .videos import TrainingVideo, VideoScores, published_scores, read_resized, training_videos


def build_frame_bank(
    config: str | os.PathLike | Config,
    checkpoint: str | os.PathLike | None,
    out: str | os.PathLike,
    options: FrameBankOptions | None = None,
    *,
    scores: str | os.PathLike | None = None,
    published: str | os.PathLike | None = None,
    cfg_options: Mapping[str, Any] | Sequence[str] | None = None,
) -> tuple[FrameBank, list[str]]:
    """Score the frames of the training videos, choose some, and write them as a bank.

    Finished videos are kept in the scores file: after an interruption the same call goes on. The
    same scores, options and seed give the same bytes.

    Args:
        config: Config of the reference network; its ``train_dataloader`` names the videos, its
            ``val_dataloader``, else its ``test_dataloader``, how a frame becomes the input.
        checkpoint: Its weights; None with ``published``.
        out: The ``.npz`` file to write.
        options: See :class:`FrameBankOptions`.
        scores: Scores file to go on with or to make; default: ``<out>.scores.jsonl``.
        published: A score file of StillMix's authors, in place of a checkpoint.
        cfg_options: Settings that override the config.

    Returns:
        What was written, and what to tell the user.

    Raises:
        DatasetError: Something is missing, cannot be read or written, or does not fit.
        LaunchError: The config cannot be read.
        CheckpointError: The checkpoint is damaged or asks to run something.
    """
    options = options or FrameBankOptions()
    if (checkpoint is None) == (published is None):
        raise DatasetError(
            'give either a checkpoint of the reference network, or --published-scores'
        )
    if Path(out).suffix != '.npz':
        raise DatasetError(f'--out {out}: the name must end in .npz')
    check_output(out)
    cfg = load_config(config, cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    classes = number_of_classes(cfg)
    videos, ann_file = training_videos(cfg, classes)
    reference: dict[str, Any] = dict(config=Path(cfg.filename or 'config').name)
    if published is not None:
        if options.every != 1:
            raise DatasetError('--every: the published scores say which frames there are')
        found, left_out, others = published_scores(Path(published), videos)
        reference['published_scores'] = file_identity(published)
        how = f'read from {published} ({others} other videos of it are not in {ann_file})'
    else:
        file = Path(scores) if scores is not None else Path(out).with_suffix('.scores.jsonl')
        found, left_out, settings = score_videos(cfg, checkpoint, videos, file, options)
        reference |= dict(checkpoint=Path(checkpoint).name, **settings)
        how = f'scored, kept in {file}'
    probability = np.concatenate([getattr(one, options.measure) for one in found])
    drawn, kept = select_frames(probability, options.window, options.size, options.seed)
    frames, sources, lost = _read_frames(found, drawn, videos, options)
    gone = {str(source).rpartition('#')[0] for source in sources[lost]}
    drawn, sources, left_out = drawn[~lost], sources[~lost], [*left_out, *gone]
    if not drawn.size:
        raise DatasetError(f'none of the drawn frames can be read: {name_some(left_out)}')
    top1 = np.concatenate([one.top1 for one in found])
    agreed = float(np.mean(np.concatenate([one.gt for one in found]) >= top1))
    info = {k: getattr(options, k) for k in ('measure', 'size', 'every', 'frame_size', 'seed')}
    info |= dict(
        window=list(options.window),
        reference=reference,
        annotation=file_identity(ann_file),
        left_out=sorted(left_out),
        label_is_top1=round(agreed, 6),
        counts=dict(
            videos=len(videos),
            scored_videos=len(found),
            scored_frames=len(probability),
            kept_frames=kept,
            frames=len(drawn),
        ),
    )
    bank = FrameBank(frames, probability[drawn], sources, classes, info)
    return bank, _summary(save_frame_bank(out, bank), bank, how)


def select_frames(
    probability: np.ndarray, window: tuple[float, float], size: int, seed: int
) -> tuple[np.ndarray, int]:
    """Draw frames of a window of the sorted probabilities (StillMix, Section 3.3; its code sorts
    and cuts ``int(low * n):int(high * n)`` likewise).

    Fewer than ``size`` frames in the window are all taken, where the official code fails.

    Args:
        probability: float (n,).
        window: Shares (low, high), 0 <= low < high <= 1.
        size: Number of frames to draw.
        seed: Seed of the draw.

    Returns:
        int64 (m,) indices of the drawn frames by ascending probability, 1 <= m <= size, and how
        many frames are in the window.

    Raises:
        DatasetError: No frame is in the window.
    """
    n = len(probability)
    order = np.argsort(probability, kind='stable')
    inside = order[int(window[0] * n) : int(window[1] * n)]
    if not inside.size:
        raise DatasetError(
            f'--window {window[0]:g} {window[1]:g}: none of {n} frames is in it; widen it'
        )
    places = np.random.default_rng(seed).permutation(len(inside))[:size]
    return inside[np.sort(places)], len(inside)


def _read_frames(
    found: Sequence[VideoScores],
    drawn: np.ndarray,
    videos: Sequence[TrainingVideo],
    options: FrameBankOptions,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames (m, side, side, 3), their names, and which of the drawn ones (M,) cannot be read."""
    side = options.frame_size
    owner = np.repeat(np.arange(len(found)), [len(one.frames) for one in found])[drawn]
    number_of = np.concatenate([one.frames for one in found])[drawn]
    paths = {video.name: video.path for video in videos}
    owners = np.unique(owner)
    tasks = [
        (paths[found[one].video], tuple(np.sort(number_of[owner == one]).tolist()), side)
        for one in owners
    ]
    frames = np.zeros((len(drawn), side, side, 3), np.uint8)
    lost = np.zeros(len(drawn), bool)
    results = map_videos(read_resized, tasks, max(1, options.workers))
    for one, read in zip(owners, results, strict=True):
        rows = np.flatnonzero(owner == one)
        if not isinstance(read, BadVideoError):
            frames[rows[np.argsort(number_of[rows])]] = read
        elif options.skip_unreadable:
            lost[rows] = True
        else:
            raise read
    sources = [f'{found[place].video}#{n}' for place, n in zip(owner, number_of, strict=True)]
    return frames[~lost], np.array(sources), lost


def _summary(path: Path, bank: FrameBank, how: str) -> list[str]:
    info = bank.info
    counts, (low, high) = info['counts'], info['window']
    measure = 'p(top-1)' if info['measure'] == 'top1' else 'p(label)'
    fewer = f', fewer than the {info["size"]} asked for' if len(bank) < info['size'] else ''
    lines = [
        f'{counts["scored_frames"]} frames of {counts["scored_videos"]} videos {how}; the label is '
        f'the most probable class of {100 * info["label_is_top1"]:.1f} % of them',
        f'{counts["kept_frames"]} frames in the window {low:g} to {high:g} of {measure}',
        f'{path}: {counts["frames"]} frames of {info["frame_size"]} px{fewer}, {measure} '
        f'{bank.probability.min():.3f} to {bank.probability.max():.3f}, from '
        f'{len({str(one).rpartition("#")[0] for one in bank.source})} videos',
    ]
    if info['left_out']:
        lines.append(f'{len(info["left_out"])} videos are left out: {name_some(info["left_out"])}')
    return lines
