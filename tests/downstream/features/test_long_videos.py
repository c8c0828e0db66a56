"""Long videos, joined from real clips: the same features as a plain loop, in flat memory."""

import re
import subprocess
import sys

import av
import pytest
import torch

from downstream.features.encoder import FrozenEncoder
from downstream.features.extract import extract_features, store_settings
from downstream.features.readers import choose_reader
from downstream.features.sampling import Sampling
from downstream.features.store import FeatureStore
from downstream.features.videos import find_videos

from .plain_loop import plain_loop
from .test_command import command
from .videos import join_clips, repeat_video

MINUTES = 1
#: The peak of the resources module would be that of the parent, where it is higher.
AND_SAY_PEAK = """\
import atexit, pathlib, re, runpy, sys
sys.argv = sys.argv[1:]
sys.path.insert(0, str(pathlib.Path(sys.argv[0]).parent))
atexit.register(lambda: print('peak', re.findall(r'VmHWM:\\s*(\\d+)',
                                                 open('/proc/self/status').read())[0]))
runpy.run_path(sys.argv[0], run_name='__main__')
"""


def peak_of_command(words):
    """Most memory in MiB that a command ever held."""
    done = subprocess.run(
        [words[0], '-c', AND_SAY_PEAK, *words[1:]], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return int(re.findall(r'^peak (\d+)$', done.stdout, re.MULTILINE)[0]) / 1024


@pytest.fixture(scope='module')
def minute(real_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp('joined')
    return join_clips(
        sorted((real_data / 'clips').glob('*.*')), folder / 'joined.mp4', seconds=60 * MINUTES
    )


@pytest.mark.real_data
def test_a_minute_equals_a_plain_loop(minute, toy_config, tmp_path):
    torch.manual_seed(0)
    encoder, reader = FrozenEncoder(toy_config, None), choose_reader()
    videos, _ = find_videos([minute])
    sampling = Sampling(16, 16)
    store = FeatureStore.create(tmp_path / 'store', store_settings(encoder, sampling, reader))
    done = extract_features(encoder, sampling, videos, store, reader, batch_size=16)
    assert done.frames == 60 * MINUTES * 25 and done.snippets == 94
    features = store.load('joined')
    assert features == pytest.approx(plain_loop(encoder, reader, minute, sampling), abs=1e-5)
    assert len(set(features[:, 0].tolist())) > 75  # the clips differ


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.skipif(sys.platform != 'linux', reason='reads /proc')
def test_memory_is_flat_over_an_hour(minute, toy_config, tmp_path):
    torch.manual_seed(0)
    torch.save(
        dict(state_dict=FrozenEncoder(toy_config, None).model.state_dict()),
        tmp_path / 'weights.pth',
    )
    hour = repeat_video(minute, tmp_path / 'hour.mp4', times=60 // MINUTES)
    with av.open(str(hour)) as container:
        assert container.duration == pytest.approx(3600e6, rel=1e-3)
    peaks = {}
    for name, path in dict(minutes=minute, hour=hour).items():
        given = dict(
            config=str(toy_config), checkpoint=str(tmp_path / 'weights.pth'), videos=[str(path)]
        )
        peaks[name] = peak_of_command(command(given, tmp_path / name))
    store = FeatureStore(tmp_path / 'hour')
    assert store.grid('hour').num_frames == 3600 * 25
    print(f'\npeak memory in MiB: {peaks}')
    # 60 times the frames; the frames of an hour alone would take 5 GiB at this size
    assert peaks['hour'] < peaks['minutes'] + 40, peaks
