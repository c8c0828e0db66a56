"""Frame-level scores of a test run."""

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmaction.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from albar_mm.utils.files import write_text

from .annotations import NORMAL, AnomalyVideo
from .functional import (
    TOLERANCE,
    FrameCounts,
    average_precision,
    bootstrap_interval,
    false_alarm_rate,
    roc_auc,
)


@METRICS.register_module()
class FrameAUC(BaseMetric):
    """ROC-AUC over the frames of all test videos, in percent, and what helps to read it.

    The truth of a frame comes from the annotation and the video's own number of frames; each frame
    has the score of the snippet whose centre is nearest. Nothing is cut or stretched but event ends
    up to ``tolerance`` frames past their video, which are counted and listed.

    ========================  =====================================================================
    ``auc``                   ROC-AUC over all frames, pooled: the number of UCF-Crime papers
    ``ap``                    average precision over all frames, not interpolated
    ``auc_anomalous``         ROC-AUC over the frames of anomalous videos alone
    ``false_alarm_rate``      share of the frames of normal videos that score at least ``threshold``
    ``auc_<kind>``            ROC-AUC over the videos of one kind and all normal ones
    ``auc_low``, ``auc_high`` 95 % interval of ``auc`` when videos are drawn anew (bootstrap)
    ``video_auc``             ROC-AUC of whole videos, by their highest score: needs no events
    ========================  =====================================================================

    A number that cannot be had (no event, or nothing but events) is left out.

    Args:
        first_frame: See :func:`~.functional.frame_ground_truth`.
        tolerance: See there.
        threshold: Score from which a frame is an alarm.
        bootstrap: Draws; 0 for none.
        per_kind: Also the AUC of each kind of anomaly.
        frames: False: ``video_auc`` alone, for videos of which only the label is known.
        out_file: JSON lines to write, one a video: ``video_id``, ``category``, ``num_frames``,
            ``events``, ``scores`` of the snippets, ``first_frames`` (where each begins to count).
        prefix: See ``BaseMetric``.
        **kwargs: See ``BaseMetric``.
    """

    default_prefix = 'frame'

    def __init__(
        self,
        first_frame: int = 0,
        tolerance: int = TOLERANCE,
        threshold: float = 0.5,
        bootstrap: int = 1000,
        per_kind: bool = True,
        frames: bool = True,
        out_file: str | None = None,
        prefix: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(prefix=prefix, **kwargs)
        self.first_frame, self.tolerance, self.threshold = first_frame, tolerance, threshold
        self.bootstrap, self.per_kind, self.frames = bootstrap, per_kind, frames
        self.out_file = out_file

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the scores of a batch, one a snippet.

        Args:
            data_batch: Not used.
            data_samples: With ``scores`` and the metainfo of the data set.

        Raises:
            ValueError: Scores are not finite; the message names the video.
        """
        for sample in data_samples:
            scores = sample['scores'].detach().cpu().numpy().astype(np.float64)
            if not np.isfinite(scores).all():
                raise ValueError(f'video {sample["video_id"]!r}: its scores are not finite')
            # where each snippet begins to count: as many numbers as snippets, not as frames
            firsts = np.searchsorted(sample['snippet_of_frame'], np.arange(len(scores)))
            row = {key: sample[key] for key in ('video_id', 'category', 'events')}
            row |= dict(num_frames=int(sample['num_frames']), scores=scores.tolist())
            self.results.append(row | dict(first_frames=firsts.tolist()))

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """All numbers.

        Args:
            results: Of all processes.

        Raises:
            DatasetError: An annotation does not fit its video; the message names it.
        """
        # a sampler that fills up the last batch may give a video twice
        rows = list({row['video_id']: row for row in results}.values())
        if self.out_file is not None:
            write_text(self.out_file, ''.join(json.dumps(row) + '\n' for row in rows))
        anomalous = np.array([row['category'] != NORMAL for row in rows], bool)
        highest = [max(row['scores']) for row in rows]
        found = self._of_frames(rows) if self.frames else {}
        found['video_auc'] = roc_auc(FrameCounts.of_frames(highest, anomalous))
        return {
            name: round(100 * value, 4) for name, value in found.items() if not math.isnan(value)
        }

    def _of_frames(self, rows: Sequence[dict[str, Any]]) -> dict[str, float]:
        parts: dict[str, list[FrameCounts]] = {}
        clipped: list[str] = []
        for row in rows:
            events = None if row['events'] is None else tuple(map(tuple, row['events']))
            video = AnomalyVideo(row['video_id'], row['category'], events)
            truth, cut = video.truth(row['num_frames'], self.first_frame, self.tolerance)
            clipped += cut
            counts = FrameCounts.of_snippets(row['scores'], truth, snippet_of_frame(row))
            parts.setdefault(video.category, []).append(counts)
        if clipped:
            told = f'{len(clipped)} events end past their video and are cut there: '
            print_log(told + '; '.join(clipped), 'current')
        every = [part for kind in parts.values() for part in kind]
        normal = FrameCounts.joined(parts.pop(NORMAL, []))
        anomalous = FrameCounts.joined([part for kind in parts.values() for part in kind])
        pooled = FrameCounts.joined(every)
        found = dict(
            auc=roc_auc(pooled),
            ap=average_precision(pooled),
            auc_anomalous=roc_auc(anomalous),
            false_alarm_rate=false_alarm_rate(normal, self.threshold),
        )
        if self.bootstrap and not math.isnan(found['auc']):
            found['auc_low'], found['auc_high'] = bootstrap_interval(every, self.bootstrap)
        if self.per_kind:
            for kind, counts in sorted(parts.items()):
                found[f'auc_{kind}'] = roc_auc(FrameCounts.joined([*counts, normal]))
        return found


def snippet_of_frame(row: dict[str, Any]) -> np.ndarray:
    """Which snippet's score each frame of a video has.

    Args:
        row: With ``num_frames`` and ``first_frames``.

    Returns:
        int64, shape (num_frames,).
    """
    firsts = np.asarray([*row['first_frames'], row['num_frames']])
    return np.repeat(np.arange(len(firsts) - 1), np.diff(firsts))
