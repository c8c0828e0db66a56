"""The embedded data: what they hold, and the job from a toy encoder to one video's actions."""

import json
from collections import Counter

import pytest

from albar_mm.datasets.motion_sprites.clips import SCENES_PER_CLASS
from albar_mm.datasets.motion_sprites.motions import CLASSES
from albar_mm.datasets.motion_sprites.video_file import FPS
from albar_mm.utils.errors import DatasetError
from downstream.tal.annotations import read_annotation
from downstream.tal.embedded import (
    ACTIONS,
    ANNOTATION_FILE,
    TalSpritesSettings,
    build_tal_sprites,
    draw_video,
)

SETTINGS, SMALL = TalSpritesSettings(), TalSpritesSettings(train=5, test=2)


def shares(split, **changes):
    """Of 400 videos: share whose scene goes with their main action; of actions that are main."""
    settings = TalSpritesSettings(**changes)
    specs = [draw_video(settings, split, index) for index in range(400)]
    hinted = Counter(
        spec.scene // SCENES_PER_CLASS == index % ACTIONS for index, spec in enumerate(specs)
    )
    main = Counter(
        stretch.label == index % ACTIONS
        for index, spec in enumerate(specs)
        for stretch in spec.stretches
        if stretch.label < ACTIONS
    )
    return [count[True] / count.total() for count in (hinted, main)]


def test_scenes_hint_in_training_alone():
    # one of eight scenes is right by chance, and so is one of four actions
    assert shares('train') == pytest.approx([0.95 + 0.05 / 8, 0.8 + 0.2 / 4], abs=0.03)
    assert shares('test') == pytest.approx([1 / 8, 0.8 + 0.2 / 4], abs=0.04)
    assert shares('train', scene_rate=0, main_rate=0) == pytest.approx([1 / 8, 1 / 4], abs=0.04)


def test_videos():
    counts = Counter()
    for index in range(200):
        spec = draw_video(SETTINGS, 'train', index)
        are_actions = [stretch.label < ACTIONS for stretch in spec.stretches]
        assert spec.num_frames == 256 and not are_actions[0] and not are_actions[-1]
        assert not any(
            one and other for one, other in zip(are_actions, are_actions[1:], strict=False)
        )
        counts[sum(are_actions)] += 1
        for stretch, is_action in zip(spec.stretches, are_actions, strict=True):
            assert 16 <= stretch.frames <= 36 if is_action else 12 <= stretch.frames <= 31
        assert spec == draw_video(SETTINGS, 'train', index)
    assert set(counts) == {2, 3, 4}
    assert draw_video(TalSpritesSettings(seed=1), 'train', 0) != draw_video(SETTINGS, 'train', 0)


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return build_tal_sprites(tmp_path_factory.mktemp('data') / 'data', SMALL, workers=1)


def test_build(data, tmp_path):
    # by name, and label_id 0 to 3, as the annotation may leave the ids out
    found = read_annotation(data / ANNOTATION_FILE, CLASSES[:ACTIONS])
    assert read_annotation(data / ANNOTATION_FILE).classes == CLASSES[:ACTIONS]
    assert [len(found.of(subset)) for subset in ('Validation', 'Test')] == [5, 2]
    for split, subset in (('train', 'validation'), ('test', 'test')):
        for index, video in enumerate(found.of(subset)):
            assert (video.fps, video.duration_s) == (FPS, 256 / FPS)
            wanted, at = [], 0
            for stretch in draw_video(SMALL, split, index).stretches:
                if stretch.label < ACTIONS:
                    wanted.append((at / FPS, (at + stretch.frames) / FPS, stretch.label))
                at += stretch.frames
            rows = zip(*video.segments.T.tolist(), video.labels.tolist(), strict=True)
            assert list(rows) == wanted
    before = {path: path.stat().st_mtime_ns for path in data.rglob('*.avi')}
    assert len(before) == 7
    build_tal_sprites(data, SMALL, workers=1)
    assert before == {path: path.stat().st_mtime_ns for path in data.rglob('*.avi')}
    with pytest.raises(DatasetError, match='was made with other settings'):
        build_tal_sprites(data, SETTINGS)
    (tmp_path / 'file').touch()
    with pytest.raises(DatasetError, match='file: cannot be written'):
        build_tal_sprites(tmp_path / 'file', SMALL)


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(scene_rate=2), r'scene_rate must be within \[0, 1\], got 2'),
        (dict(main_rate=-0.1), 'main_rate must be'),
        (dict(train=0), 'at least one video'),
        (dict(frames=255), '256 frames a video'),
    ],
)
def test_settings_that_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        TalSpritesSettings(**change)


def test_from_videos_to_the_actions_of_one(data, encoder, tmp_path, capsys):
    """Features, training, testing and detecting in a raw video with a toy encoder."""
    from albar_mm.utils.errors import LaunchError
    from downstream.tal.jobs import run_evaluate, run_on_features, run_on_one

    from .test_oracle import CONFIG

    annotation, work = str(data / ANNOTATION_FILE), tmp_path / 'work'
    options = {
        'train_cfg.max_epochs': 1,
        'train_cfg.val_interval': 1,
        'train_dataloader.batch_size': 2,
        'default_hooks.checkpoint.interval': 1,
        'test_evaluator.out_file': str(tmp_path / 'tested.json'),
    }
    extract = dict(
        config=encoder.config,
        checkpoint=encoder.weights,
        videos=[str(data / 'videos')],
        sampling=dict(clip_len=4, frame_interval=2, stride=16),
        device='cpu',
    )
    files = str(tmp_path / 'features'), annotation, str(work)
    picture = run_on_features(str(CONFIG), *files, options=options, extract=extract)
    text = capsys.readouterr().out
    assert picture.is_file() and 'train: 4 videos, ' in text and '2 test videos, 1 seed' in text
    weights, video = str(work / 'detector/seed0/epoch_1.pth'), data / 'videos/test/test_0001.avi'
    given = dict(encoder=encoder.config, weights=encoder.weights)
    written = run_on_one(str(video), weights, str(tmp_path / 'found'), threshold=0.01, **given)
    assert [path.name for path in written] == ['test_0001.json', 'test_0001.png']
    assert written[1].stat().st_size > 5000
    assert 'test_0001: 32.0 s, ' in capsys.readouterr().out
    # the same as in the test run
    (rows,) = json.loads(written[0].read_text())['results'].values()
    tested = json.loads((tmp_path / 'tested.json').read_text())['results']['test_0001']
    assert len(rows) == len(tested) > 0
    for row in rows[:10]:  # those of nearly equal scores in any order
        assert any(
            row['label'] == other['label']
            and row['score'] == pytest.approx(other['score'], abs=1e-4)
            and row['segment'] == pytest.approx(other['segment'], abs=1e-2)
            for other in tested
        ), row
    # and its file gives its scores
    scores = run_evaluate(str(tmp_path / 'tested.json'), annotation)
    ((record,),) = json.loads((work / 'results.json').read_text())['rows'].values()
    own = {f'tal/{name}': v for name, v in scores.items() if not name.startswith('AP_')}
    assert own == record['metrics']

    gone, none = str(work / 'detector/seed0/gone.pth'), str(tmp_path / 'none/weights.pth')
    for changed, message in (
        (dict(weights=encoder.other), 'other.pth: other weights than those whose features'),
        (dict(weights=none), 'none/weights.pth'),
        (dict(checkpoint=gone), 'gone.pth: no such file'),
        (dict(checkpoint=none), 'no such file'),
        (dict(checkpoint=encoder.weights), 'toy.py: does not name its classes'),
        (dict(video=str(tmp_path / 'gone.avi')), 'gone.avi'),
    ):
        call = dict(given, video=str(video), checkpoint=weights, out=str(tmp_path / 'x'))
        with pytest.raises((LaunchError, DatasetError), match=message):
            run_on_one(**(call | changed))
    assert not (tmp_path / 'x').exists()
