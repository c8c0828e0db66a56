"""What a build takes when it is told nothing else: as published."""

import pytest

from albar_mm.bias_sets.build import plan_benchmark, source_videos
from albar_mm.bias_sets.masks.boxes import BoxMasks
from albar_mm.bias_sets.masks.folders import JhmdbMasks
from albar_mm.bias_sets.masks.parse import parse_masks
from albar_mm.bias_sets.masks.refine import MotionMasks
from albar_mm.bias_sets.presets import PRESETS, build_settings, preset_of
from albar_mm.compositing.backgrounds import Backgrounds, Stripes

from ..refused import refused

STRIPES = Backgrounds([Stripes()])
#: name -> per video, frames without a mask, rate, share of frames and of the image
PUBLISHED = {
    'hmdb51': (10, 'keep', None, None),
    'jhmdb21': (10, 'keep', None, None),
    'ucf101': (5, 'background', None, None),
    'ucf101-boxes': (5, 'background', None, None),
    'kinetics400': (1, 'keep', 15.0, (0.9, 0.1)),
}


def test_defaults():
    assert PUBLISHED.keys() == PRESETS.keys()
    for name, (per_video, policy, fps, shares) in PUBLISHED.items():
        made = build_settings(preset_of(name), STRIPES)
        cover = made.cover_filter and (made.cover_filter.min_frames, made.cover_filter.min_cover)
        found = made.per_video, made.empty_frames, made.fps, cover
        assert found == (per_video, policy, fps, shares), name
    own = build_settings(preset_of('mine'), STRIPES)
    assert (own.empty_frames, own.fps, own.per_video) == ('cut', None, 10)


def test_a_rate_and_every_frame():
    kinetics, mine = preset_of('kinetics400'), preset_of('mine')
    assert build_settings(kinetics, STRIPES, fps='native').fps is None
    assert build_settings(mine, STRIPES, fps='12.5').fps == 12.5
    for wrong in ('fast', '0', 'nan', '-15'):
        refused(f'--fps {wrong}: native, or frames', build_settings, mine, STRIPES, fps=wrong)


def test_which_boxes(tmp_path):
    path = tmp_path / 'b.pkl'
    path.touch()
    for text, of_preset, of_others in (
        (f'boxes:{path}', 'first', 'all'),
        (f'boxes:{path},actors=all', 'all', 'all'),
        (f'boxes:{path},actors=first', 'first', 'first'),
    ):
        for name in PRESETS:
            masks = build_settings(preset_of(name), STRIPES, parse_masks(text)).masks
            wanted = of_preset if name == 'ucf101-boxes' else of_others
            assert masks == BoxMasks(path, wanted)


@pytest.mark.real_data
@pytest.mark.parametrize(('published', 'number'), [(False, 257), (True, 256)])
def test_clips_of_jhmdb_in_hmdb51(real_data, tmp_path, published, number):
    """Of the official test list; as published, the clip that JHMDB writes with @ for # is lost."""
    masks = JhmdbMasks(real_data / 'hmdb51_jhmdb21' / 'masks')
    preset = preset_of('hmdb51')
    settings = build_settings(preset, STRIPES, masks, published_names=published)
    sources = source_videos(preset, tmp_path, lists=real_data / 'hmdb51_splits')
    left, counts = plan_benchmark(tmp_path, settings, sources)
    assert len(left.videos) == number and set(counts.values()) == {10 * number}
    lost = [entry for entry in left.left_out if '--published-names' in entry['reason']]
    names = [entry['video'] for entry in lost]
    assert names == ['catch/Goalkeeper_Training_Day_#_7_catch_f_cm_np1_ri_med_0.avi'] * published
    assert len(left.videos) + len(left.left_out) == 1530


def test_published_names_are_about_jhmdb(tmp_path):
    preset = preset_of('mine')
    (tmp_path / 'test.txt').write_text('wave/a.avi 0\n')
    sources = source_videos(preset, tmp_path, tmp_path / 'test.txt')
    settings = build_settings(preset, STRIPES, MotionMasks(), published_names=True)
    refused('--published-names is about JHMDB', plan_benchmark, tmp_path, settings, sources)


@pytest.mark.real_data
def test_boxes_of_ucf101(real_data, tmp_path):
    preset = preset_of('ucf101-boxes')
    masks = BoxMasks(real_data / 'ucf101' / 'ucf101_24_boxes_pyannot.pkl')
    settings = build_settings(preset, STRIPES, masks, sets=('scuba',))
    sources = source_videos(preset, tmp_path, lists=real_data / 'ucf101')
    left, counts = plan_benchmark(tmp_path, settings, sources)
    assert (len(left.videos), counts) == (910, {'UCF101-boxes_SCUBA_Stripe': 4550})
