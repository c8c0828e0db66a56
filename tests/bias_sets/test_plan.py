"""What is to be made, before a frame is read."""

from collections import Counter

import pytest

from albar_mm.bias_sets.plan import draw_rows
from albar_mm.bias_sets.settings import BuildSettings
from albar_mm.bias_sets.sources import SourceList
from albar_mm.compositing.backgrounds import Stripes, item_seed
from albar_mm.utils.errors import DatasetError
from albar_mm.video.source_video import SourceVideo

from .toy_benchmark import settings_of, write_photos


def some_sources(number=6, classes=3):
    videos = [SourceVideo(f'v{n}', f'c{n % classes}/v{n}.avi', n % classes) for n in range(number)]
    return SourceList(tuple(videos), {v.video_id: v.path for v in videos})


def test_counts_and_pairs(tmp_path):
    settings = settings_of(write_photos(tmp_path), per_video=5)
    rows = draw_rows(settings, some_sources())
    counts = Counter((row['set'], row['background']) for row in rows)
    assert counts == dict.fromkeys(settings.folders(), 30)
    assert settings.folders() == {
        ('scuba', 'stripe'): 'TOY_SCUBA_Stripe',
        ('scuba', 'photos'): 'TOY_SCUBA_Photos',
        ('scufo', 'stripe'): 'TOY_SCUFO_Stripe',
        ('scufo', 'photos'): 'TOY_SCUFO_Photos',
        ('conflfg', 'stripe'): 'TOY_ConflFG_Stripe',
    }
    by_set = {key: {} for key in settings.folders()}
    for row in rows:
        by_set[row['set'], row['background']][row['id']] = row
    shared = ('label', 'video', 'stripe_seed', 'background_file', 'background_sha256')
    for family in ('stripe', 'photos'):
        scuba, scufo = by_set['scuba', family], by_set['scufo', family]
        assert scuba.keys() == scufo.keys()
        for item, row in scuba.items():
            assert [row.get(key) for key in shared] == [scufo[item].get(key) for key in shared]
    for item, row in by_set['conflfg', 'stripe'].items():
        assert row['stripe_seed'] == by_set['scuba', 'stripe'][item]['stripe_seed']
        assert row['conflict_label'] != row['label']


def test_draws_of_a_video_do_not_depend_on_the_others(tmp_path):
    settings = settings_of(write_photos(tmp_path), sets=('scuba', 'scufo'))
    every = {(r['set'], r['background'], r['id']): r for r in draw_rows(settings, some_sources())}
    few = draw_rows(settings, some_sources(2), workers=3)
    assert all(every[r['set'], r['background'], r['id']] == r for r in few)
    stripe = next(r for r in few if r['background'] == 'stripe')
    assert stripe['stripe_seed'] == item_seed(3, 'v0', 0, 'stripe', 'background')


def test_variants_and_seeds_differ():
    def seeds(seed):
        rows = draw_rows(settings_of(sets=('scuba',), per_video=10, seed=seed), some_sources())
        return {row['stripe_seed'] for row in rows}

    assert len(seeds(0)) == len(seeds(1)) == 60 and not seeds(0) & seeds(1)


def test_partners_spread_over_all_other_classes():
    rows = draw_rows(settings_of(sets=('conflfg',), per_video=40), some_sources(9))
    partners = Counter(row['conflict_video_id'] for row in rows if row['video_id'] == 'v0')
    assert set(partners) == {'v1', 'v2', 'v4', 'v5', 'v7', 'v8'}


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(dataset='HMDB 51'), '--name'),
        (dict(per_video=0), '--per-video 0'),
        (dict(sets=('scuba', 'aras')), '--sets scuba aras: expected some of'),
        (dict(sets=()), '--sets'),
        (dict(families=()), 'made on stripes'),
    ],
)
def test_settings_that_make_no_sense(changes, message):
    with pytest.raises(DatasetError, match=message):
        BuildSettings(**{'dataset': 'TOY', 'families': (Stripes(),), **changes})


def test_one_class_alone_has_no_conflict():
    with pytest.raises(DatasetError, match='all source videos are of class 0; leave conflfg out'):
        draw_rows(settings_of(), some_sources(classes=1))
