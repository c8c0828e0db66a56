"""What ``extraction.py`` times: decoding, encoding, both together, and the peer's order."""

import shutil
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger

from downstream.features.encoder import FrozenEncoder
from downstream.features.extract import (
    Snippet,
    decode_snippets,
    extract_features,
    store_settings,
)
from downstream.features.sampling import Sampling
from downstream.features.store import FeatureStore
from downstream.features.videos import choose_reader, find_videos

WIDTHS = (2, 4, 8, 16, 32, 64)
FPS, HEIGHT, WIDTH, SIDE = 30, 256, 340, 112


def encoder_config(width: int, clip_len: int) -> Config:
    """A 3D ResNet-18 on 112 px.

    Args:
        width: Channels of its first stage.
        clip_len: Frames of a clip.
    """
    pipeline = [
        dict(type='DecordInit'),
        dict(type='SampleFrames', clip_len=clip_len, frame_interval=1, num_clips=1),
        dict(type='DecordDecode'),
        dict(type='Resize', scale=(-1, 128)),
        dict(type='CenterCrop', crop_size=SIDE),
        dict(type='FormatShape', input_format='NCTHW'),
        dict(type='PackActionInputs'),
    ]
    return Config(
        dict(
            default_scope='mmaction',
            test_dataloader=dict(dataset=dict(pipeline=pipeline)),
            model=dict(
                type='Recognizer3D',
                backbone=dict(
                    type='ResNet3d',
                    depth=18,
                    base_channels=width,
                    pretrained=None,
                    pretrained2d=False,
                    conv1_kernel=(1, 5, 5),
                    norm_eval=False,
                ),
                cls_head=dict(type='I3DHead', in_channels=8 * width, num_classes=2),
                data_preprocessor=dict(
                    type='ActionDataPreprocessor',
                    mean=[128.0] * 3,
                    std=[64.0] * 3,
                    format_shape='NCTHW',
                ),
            ),
        )
    )


def make_video(clips: Path, path: Path, seconds: int) -> str:
    """Write real clips end to end, again and again; returns what it is.

    Args:
        clips: Folder of clips.
        path: The .mp4 file.
        seconds: Its length.
    """
    codec = 'libx264' if 'libx264' in av.codecs_available else 'mpeg4'
    left = seconds * FPS
    with av.open(str(path), 'w') as container:
        stream = container.add_stream(codec, rate=FPS)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, 'yuv420p'
        while left:
            for clip in sorted(clips.glob('*.mp4')):
                with av.open(str(clip)) as source:
                    for frame in source.decode(video=0):
                        if not left:
                            break
                        new = frame.reformat(WIDTH, HEIGHT, 'yuv420p')
                        new.pts, new.time_base = seconds * FPS - left, Fraction(1, FPS)
                        left -= 1
                        container.mux(stream.encode(new))
        container.mux(stream.encode())
    return f'{codec} {WIDTH}x{HEIGHT}, {seconds} s at {FPS} fps'


class Bench:
    """The videos, the encoder and the four measurements.

    Args:
        data: Folder that holds ``clips/``.
        folder: Where to write.
        seconds: Length of a video.
        videos: Number of copies.
        clip_len: Frames of a snippet.
        stride: From one snippet to the next.
        batch_size: Snippets encoded at once.
        workers: Videos decoded at once.
        device: Where the encoder runs.
        say: Shows a line of text.
    """

    def __init__(
        self,
        data: Path,
        folder: Path,
        seconds: int,
        videos: int,
        clip_len: int,
        stride: int,
        batch_size: int,
        workers: int,
        device: str,
        say: Callable[[str], object],
    ) -> None:
        MMLogger.get_current_instance().setLevel('WARNING')  # not how weights were made
        say('making the video')
        (folder / 'videos').mkdir()
        self.video = f'{videos} x ' + make_video(data / 'clips', folder / 'videos/v0.mp4', seconds)
        for index in range(1, videos):
            shutil.copy(folder / 'videos/v0.mp4', folder / f'videos/v{index}.mp4')
        self.videos = find_videos([folder / 'videos'])[0]
        self.folder, self.device, self.say = folder, device, say
        self.device_name = 'cpu' if device == 'cpu' else torch.cuda.get_device_name(device)
        self.sampling = Sampling(clip_len, stride, tail='drop')
        self.batch_size, self.workers, self.reader = batch_size, workers, choose_reader()
        self.width = self._fitting_width()
        self.encoder = FrozenEncoder(encoder_config(self.width, clip_len), None, device=device)

    def round(self, peer_snippets: int) -> dict[str, float]:
        """All four, in frames a second.

        Args:
            peer_snippets: Snippets that the peer extracts.
        """
        found = dict(
            decode=self._decode(self.encoder),
            encode=self._encode(self.encoder, 8),
            ours=self._ours(),
            peer=self._peer(peer_snippets),
        )
        self.say('  '.join(f'{name} {value:.1f}' for name, value in found.items()))
        return found

    def _fitting_width(self) -> int:
        """Width whose encoder costs about as much as decoding."""
        distances = {}
        for width in WIDTHS:
            encoder = FrozenEncoder(
                encoder_config(width, self.sampling.clip_len), None, device=self.device
            )
            if not distances:
                decode = self._decode(encoder)
            encode = self._encode(encoder, 3)
            self.say(f'width {width}: encode {encode:.1f}, decode {decode:.1f} frames/s')
            distances[width] = abs(np.log(encode / decode))
            if encode < decode:
                break
        return min(distances, key=distances.get)

    def _decode(self, encoder: FrozenEncoder) -> float:
        frames, started = 0, time.perf_counter()
        for item in decode_snippets(
            self.videos, self.reader, self.sampling, encoder, self.workers, 16
        ):
            frames += 0 if isinstance(item, Snippet) else item.decoded
        return frames / (time.perf_counter() - started)

    def _encode(self, encoder: FrozenEncoder, batches: int) -> float:
        clip = np.zeros((1, self.sampling.clip_len, SIDE, SIDE, 3), np.uint8)
        batch = torch.from_numpy(np.stack([encoder.formatted(clip)] * self.batch_size))
        encoder.encode(batch).cpu()
        started = time.perf_counter()
        for _ in range(batches):
            encoder.encode(batch).cpu()
        seconds = (time.perf_counter() - started) / batches
        return self.batch_size * self.sampling.stride / seconds

    def _ours(self) -> float:
        root = self.folder / 'store'
        store = FeatureStore.create(root, store_settings(self.encoder, self.sampling, self.reader))
        done = extract_features(
            self.encoder,
            self.sampling,
            self.videos,
            store,
            self.reader,
            batch_size=self.batch_size,
            workers=self.workers,
        )
        shutil.rmtree(root)
        return done.frames / done.seconds

    def _peer(self, snippets: int) -> float:
        import decord

        length = self.sampling.clip_len
        reader = decord.VideoReader(str(self.videos[0].path), num_threads=1)
        count = min(snippets, self.sampling.num_snippets(len(reader)))
        begin = (self.sampling.num_snippets(len(reader)) - count) // 2
        started = time.perf_counter()
        for index in range(begin, begin + count):
            first = self.sampling.start(index)
            frames = reader.get_batch(range(first, first + length)).asnumpy()
            clip = self.encoder.formatted(self.encoder.view(frames).swapaxes(0, 1))
            self.encoder.encode(torch.from_numpy(clip)[None]).cpu()
        return count * self.sampling.stride / (time.perf_counter() - started)
