"""Videos of known pixels, and masks of them in files, for the tests of mask sources."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from albar_mm.annotations.tubes import Tube
from albar_mm.bias_sets.masks.boxes import BoxMasks
from albar_mm.utils.files import read_csv
from albar_mm.video.source_video import SourceVideo

UCF_CLIPS = ('v_SoccerJuggling_g23_c01', 'v_SoccerJuggling_g24_c01')


def video_of(frames, name='clip', class_name='wave'):
    """A source video that is in memory only."""
    path = Path('videos') / class_name / f'{name}.avi'
    video = SourceVideo(name, path, 0, class_name)
    video.frames = np.asarray(frames, np.uint8)
    return video


def blank_video(frames=3, height=8, width=10, name='clip', class_name='wave'):
    return video_of(np.zeros((frames, height, width, 3)), name, class_name)


def toy_masks(frames=3, height=8, width=10):
    """Another rectangle in every frame, nowhere symmetric."""
    masks = np.zeros((frames, height, width), bool)
    for t in range(frames):
        masks[t, 1 + t % 3 : 5, 2 : 6 + t % 4] = True
    return masks


def write_pngs(folder, masks, name='{:05d}.png'):
    folder.mkdir(parents=True)
    for t, mask in enumerate(masks):
        Image.fromarray(mask.astype(np.uint8)).save(folder / name.format(t + 1))


def write_boxes(path, *rows):
    """Text file of boxes; rows are ``(video, frame from 1, x1, y1, x2, y2)``."""
    path.write_text(''.join(' '.join(map(str, row)) + '\n' for row in rows))
    return path


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def index_of(real_data, part='test'):
    """Rows of the index of real clips that are in a part of HMDB51's official split 1, or all."""
    rows = read_csv(real_data / 'hmdb51_jhmdb21' / 'index.csv')
    return [row for _, row in rows if part in (None, row['hmdb51_split1'])]


def real_clip(real_data, row, step=1):
    """A JHMDB clip of ``index.csv``; every ``step``-th frame of it."""
    root = real_data / 'hmdb51_jhmdb21' / 'videos'
    video = SourceVideo(row['video'], root / row['class'] / f'{row["video"]}.avi', 0, row['class'])
    video.frames = video.frames[::step]
    return video


def ucf_clip(real_data, name, frames=None):
    """A real UCF101 clip, or the first frames of it."""
    video = SourceVideo(name, real_data / 'clips' / f'{name}.avi', 83, 'SoccerJuggling')
    if frames:
        video.frames = video.frames[:frames].copy()
    return video


@dataclass(frozen=True)
class ShortTubes(BoxMasks):
    """The first boxes of every tube, for the first frames of a clip."""

    frames: int = 20

    def tubes(self, video):
        until, tubes = slice(self.frames), super().tubes(video)
        return tuple(Tube(t.frames[until], t.boxes[until], t.class_name) for t in tubes)
