"""Person boxes tracked by SAM 2 (Ravi et al., 2024), an optional extra.

Needs the package ``sam2`` (github.com/facebookresearch/sam2) and one of its checkpoints; neither
comes with this project. It stands in for SAM-Track, by which the boxes of the UCF101 sets were
turned into masks for the fixed protocol.
"""

import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from ...annotations.tubes import Tube
from ...utils.errors import DatasetError, reason_of
from ...utils.spec import require
from ...video.source_video import SourceVideo
from .boxes import BoxMasks
from .network import model_key, model_sha256
from .source import MaskResult, MaskSource

PROMPTS = ('first', 'largest')
"""The frame of the first prompt: the first one with a box, or the one with the largest box, from
which the actor is followed in both directions."""
INSTALL = 'pip install "git+https://github.com/facebookresearch/sam2.git"'
CONFIGS = {
    f'{version}_hiera_{size}': f'configs/{version}/{version}_hiera_{short}.yaml'
    for version in ('sam2', 'sam2.1')
    for size, short in (('tiny', 't'), ('small', 's'), ('base_plus', 'b+'), ('large', 'l'))
}
"""Name of a published checkpoint -> its configuration within the package."""
_OBJECT = 1


@dataclass(frozen=True)
class Sam2Masks(MaskSource):
    """Every actor's box as a prompt, followed through the frames of its tube.

    An actor is masked in the frames alone that its tube has a box for; the masks of all actors are
    united. Frames in which SAM 2 lost an actor are counted as ``lost_frames``;
    ``within(sam2:...,boxes:...)`` puts the box there. A tube needs about 12 MB of memory per frame.

    Attributes:
        checkpoint: ``.pt`` file of the published models or of one's own.
        boxes: The boxes.
        config: Configuration of the model within the package; None takes the one that a published
            checkpoint of that name has.
        prompt: One of ``PROMPTS``.
        every: Distance in frames of further prompts, counted from the first; 0 for none.
        device: E.g. ``'cuda'`` or ``'cpu'``; None takes a GPU where there is one.
    """

    checkpoint: Path
    boxes: BoxMasks
    config: str | None = None
    prompt: str = 'first'
    every: int = 0
    device: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.boxes, BoxMasks):
            raise DatasetError(
                f'sam2 is prompted with person boxes, got {self.boxes!r}; add '
                'boxes=<pickle or text file>'
            )
        require(
            self,
            prompt=(self.prompt in PROMPTS, ' or '.join(PROMPTS)),
            every=(self.every >= 0, 'a number of frames, or 0'),
        )
        config_of(self.checkpoint, self.config)

    @property
    def name(self) -> str:
        return f'sam2({self.checkpoint.stem},{self.boxes.name})'

    def files(self, video: SourceVideo) -> list[Path]:
        return [self.checkpoint, *self.boxes.files(video)]

    def settings(self) -> dict[str, Any]:
        settings = dict(
            super().settings(),
            config=config_of(self.checkpoint, self.config),
            sha256=model_sha256(self.checkpoint),
        )
        del settings['device']  # a build may go on on another machine
        return settings

    def check(self) -> None:
        """Look for the package and the checkpoint, before long work; neither is loaded.

        Raises:
            DatasetError: One is missing.
        """
        model_key(self.checkpoint)
        if 'sam2' not in sys.modules and importlib.util.find_spec('sam2') is None:
            raise _not_installed("No module named 'sam2'")

    def _make(self, video: SourceVideo) -> MaskResult:
        device = self.device or ('cuda' if torch.cuda.is_available() else 'cpu')
        config = config_of(self.checkpoint, self.config)
        predictor = _load(config, device, *model_key(self.checkpoint))
        masks = np.zeros(video.frames.shape[:3], dtype=bool)
        tubes = self.boxes.fitted_tubes(video)
        # on a GPU, bfloat16 as in SAM 2's own examples: its attention kernels want it
        kind = torch.device(device).type
        half = torch.autocast(kind, torch.bfloat16, enabled=kind == 'cuda')
        prompts = lost = 0
        for tube in tubes:
            asked, found = prompt_frames(tube, self.prompt, self.every), set()
            prompts += len(asked)
            with torch.inference_mode(), half:
                for frame, mask in self._track(predictor, video.frames, tube, asked):
                    if mask.shape != masks.shape[1:]:
                        raise DatasetError(
                            f'video {video.video_id}: {self.checkpoint}: SAM 2 gave a mask of '
                            f'shape {mask.shape} for a frame of {masks.shape[1:]}; update sam2'
                        )
                    masks[frame] |= mask
                    if mask.any():
                        found.add(frame)
            lost += len(tube.frames) - len(found)
        return MaskResult(masks, dict(tubes=len(tubes), prompts=prompts, lost_frames=lost))

    @staticmethod
    def _track(
        predictor: Any,
        frames: np.ndarray,
        tube: Tube,
        asked: list[int],
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Follow one actor; frames count in the whole video, those without a box are left out."""
        first, last = int(tube.frames[0]), int(tube.frames[-1])
        box_of = {int(f): box for f, box in zip(tube.frames, tube.boxes, strict=True)}
        with tempfile.TemporaryDirectory(prefix='albar_mm_sam2_') as folder:
            write_jpegs(Path(folder), frames[first : last + 1])
            # frames are kept off the GPU, where those of a long video may not fit
            state = predictor.init_state(video_path=folder, offload_video_to_cpu=True)
            for frame in asked:
                predictor.add_new_points_or_box(
                    inference_state=state,
                    frame_idx=frame - first,
                    obj_id=_OBJECT,
                    box=np.asarray(box_of[frame], dtype=np.float32),
                )
            for reverse, length in ((False, last - asked[0]), (True, asked[0] - first)):
                if reverse and not length:
                    continue
                steps = predictor.propagate_in_video(
                    state,
                    start_frame_idx=asked[0] - first,
                    max_frame_num_to_track=length,
                    reverse=reverse,
                )
                for index, objects, logits in steps:
                    if index + first in box_of:
                        score = logits[list(objects).index(_OBJECT)]
                        yield index + first, (score > 0).cpu().numpy().reshape(score.shape[-2:])


def prompt_frames(tube: Tube, prompt: str = 'first', every: int = 0) -> list[int]:
    """Frames, as in the tube, whose boxes are prompts: the first prompt first, the others rising.

    ``every`` is the distance of further prompts in both directions, 0 for none; where there is no
    box, the next frame that has one is taken.
    """
    frames = [int(frame) for frame in tube.frames]
    anchor = frames[0]
    if prompt == 'largest':
        anchor = frames[int(np.argmax((tube.boxes[:, 2:] - tube.boxes[:, :2]).prod(axis=1)))]
    if not every:
        return [anchor]
    further = set()
    for step in range(every, frames[-1] - frames[0] + 1, every):
        further |= {
            next((f for f in frames if f >= anchor + step), anchor),
            next((f for f in reversed(frames) if f <= anchor - step), anchor),
        }
    return [anchor, *sorted(further - {anchor})]


def write_jpegs(folder: Path, frames: np.ndarray) -> None:
    """Write frames as SAM 2 reads them: ``00000.jpg`` and so on, of the best quality.

    Raises:
        DatasetError: One cannot be written.
    """
    quality = [cv2.IMWRITE_JPEG_QUALITY, 100]
    quality += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    for index, frame in enumerate(frames):
        path = folder / f'{index:05d}.jpg'
        if not cv2.imwrite(str(path), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), quality):
            raise DatasetError(
                f'{path}: cannot be written; free space, or point TMPDIR to another folder'
            )


def config_of(checkpoint: Path, config: str | None = None) -> str:
    """Configuration of a checkpoint (which need not exist): what the user says, or by its name.

    Raises:
        DatasetError: The name says nothing.
    """
    found = config or CONFIGS.get(checkpoint.stem)
    if found is None:
        raise DatasetError(
            f'{checkpoint}: not named as a published SAM 2 checkpoint ({", ".join(CONFIGS)}); add '
            f'config=, e.g. config={CONFIGS["sam2.1_hiera_large"]}'
        )
    return found


@lru_cache(maxsize=1)
def _load(config: str, device: str, checkpoint: Path, size: int, mtime_ns: int) -> Any:
    try:
        from sam2.build_sam import build_sam2_video_predictor
    except ImportError as error:
        raise _not_installed(reason_of(error)) from error
    try:
        return build_sam2_video_predictor(config, str(checkpoint), device=device)
    except Exception as error:  # hydra, torch and sam2 raise their own kinds
        reason = f'{type(error).__name__}: {reason_of(error)}'
        raise DatasetError(
            f'{checkpoint}: SAM 2 cannot be made of it with config={config} on {device}: {reason}'
        ) from error


def _not_installed(reason: str) -> DatasetError:
    return DatasetError(
        f'sam2: the package cannot be imported ({reason}); install it with {INSTALL}'
    )
