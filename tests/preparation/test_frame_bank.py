"""Scoring frames, choosing some and writing the bank, against loops that do it by hand."""

import functools
import itertools
import json
import os
import pickle
import re
import shutil
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmaction.datasets.transforms import DecordDecode, DecordInit
from mmaction.registry import MODELS
from mmengine.config import Config

from albar_mm.annotations.frame_bank import load_frame_bank
from albar_mm.preparation.frame_bank import scoring
from albar_mm.preparation.frame_bank import videos as videos_module
from albar_mm.preparation.frame_bank.build import FrameBankOptions, build_frame_bank, select_frames
from albar_mm.preparation.frame_bank.videos import ScoresFile, published_scores
from albar_mm.utils.errors import BadVideoError, CheckpointError, DatasetError, LaunchError
from albar_mm.video import source_video
from albar_mm.video.source_video import read_frames
from tests.pickled_call import Calls
from tests.refused import refused
from tests.toy import FRAMES
from tests.video_files import write_video

from .toy_reference import MEAN, SIDE, STD, write_reference

OPTIONS = dict(window=(0.25, 1.0), size=12, frame_size=20, workers=0)


@pytest.fixture(scope='module')
def reference(toy_videos, tmp_path_factory):
    return write_reference(tmp_path_factory.mktemp('reference'), toy_videos)


@pytest.fixture
def copied(toy_videos, tmp_path):
    """The toy videos in a folder of their own, with a config and weights."""
    shutil.copytree(toy_videos, tmp_path / 'toy')
    return tmp_path / 'toy', *write_reference(tmp_path, tmp_path / 'toy')


@functools.cache
def read(config):
    """Parsing takes longer than all the rest."""
    return Config.fromfile(config)


def build(reference, out, scores=None, cfg_options=None, published=None, **options):
    config, weights = reference
    files = dict(scores=scores, published=published, cfg_options=cfg_options)
    options = FrameBankOptions(**{**OPTIONS, **options})
    weights = None if published else weights
    bank, lines = build_frame_bank(read(config), weights, out, options, **files)
    left_out = tuple(bank.info['left_out'])
    return SimpleNamespace(path=out, bank=bank, lines=lines, left_out=left_out)


def by_hand(reference, frames):
    """p(class) of every frame: OpenCV's resize, the layers one by one, softmax."""
    model = MODELS.build(read(reference[0]).model).eval()
    model.load_state_dict(torch.load(reference[1], weights_only=True)['state_dict'])
    small = np.stack([cv2.resize(frame, (SIDE, SIDE)) for frame in frames]).astype(np.float32)
    x = torch.from_numpy((small - np.float32(MEAN)) / np.float32(STD)).permute(0, 3, 1, 2)
    with torch.no_grad():
        logits = model.cls_head.fc_cls(model.backbone(x).mean((2, 3)))
    return np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(1, keepdims=True)


def test_windows_of_ten_frames():
    """Probabilities .1 to 1.0: the window [.5, 1] keeps .6 to 1.0, [.1, 1] all but the first."""
    probability = np.arange(1, 11, dtype=np.float32) / 10
    for window, expected in (
        ((0.5, 1.0), range(5, 10)),
        ((0.1, 1.0), range(1, 10)),
        ((0, 1), range(10)),
        ((0.2, 0.4), (2, 3)),
    ):
        drawn, kept = select_frames(probability, window, 1024, 0)
        assert drawn.tolist() == list(expected) and kept == len(expected)
    shuffled = np.random.default_rng(3).permutation(10)
    drawn, _ = select_frames(probability[shuffled], (0.5, 1.0), 1024, 0)
    assert (probability[shuffled][drawn] * 10).round().tolist() == [6, 7, 8, 9, 10]
    for window, count, said in (((0.95, 1.0), 0, '0.95 1'), ((0, 0.05), 10, '0 0.05')):
        said = f'--window {said}: none of {count} frames is in it; widen'
        refused(said, select_frames, probability[:count], window, 5, 0)


def test_the_draw_is_uniform_without_repeats_and_follows_the_seed():
    probability = np.linspace(0, 1, 40)
    counts = np.zeros(40)
    for seed in range(400):
        drawn, kept = select_frames(probability, (0.5, 1.0), 5, seed)
        assert kept == 20 and len(set(drawn)) == 5 and (np.diff(drawn) > 0).all()
        counts[drawn] += 1
    assert not counts[:20].any()
    assert abs(counts[20:] - 100).max() < 40  # 4.6 standard deviations
    same = [select_frames(probability, (0.5, 1.0), 5, 7)[0].tolist() for _ in range(2)]
    assert same[0] == same[1] != select_frames(probability, (0.5, 1.0), 5, 8)[0].tolist()


@pytest.mark.parametrize('measure', ['top1', 'gt'])
def test_the_bank_holds_what_a_loop_finds(reference, toy_videos, tmp_path, measure):
    built = build(reference, tmp_path / 'bank.npz', measure=measure)
    bank = load_frame_bank(built.path)
    by_source = {}  # '<video>#<frame>' -> probability
    for line in (toy_videos / 'list.txt').read_text().splitlines():
        name, label = line.split()
        found = by_hand(reference, read_frames(toy_videos / 'videos' / name))
        column = found.max(1) if measure == 'top1' else found[:, int(label)]
        by_source |= {f'{name}#{number}': p for number, p in enumerate(column)}
    assert len(by_source) == 8 * FRAMES
    threshold = sorted(by_source.values())[2 * FRAMES]
    assert len(bank) == 12 and len(set(bank.source)) == 12
    for frame, p, source in zip(bank.frames, bank.probability, bank.source, strict=True):
        assert p == pytest.approx(by_source[source], abs=2e-6) and p >= threshold - 2e-6
        name, number = source.split('#')
        original = read_frames(toy_videos / 'videos' / name)[int(number)]
        assert np.array_equal(frame, cv2.resize(original, (20, 20)))
    assert (np.diff(bank.probability) >= 0).all() and bank.num_classes == 2
    assert bank.info['counts'] == dict(
        videos=8, scored_videos=8, scored_frames=96, kept_frames=72, frames=12
    )
    assert bank.info['annotation']['file'] == 'list.txt' and bank.info['left_out'] == []
    assert len(bank.info['reference']['weights']) == 64
    assert built.left_out == () and '72 frames in the window 0.25 to 1' in built.lines[1]


def test_workers_seeds_sizes_and_every_so_manieth_frame(reference, tmp_path):
    first = build(reference, tmp_path / 'a.npz')
    again = build(reference, tmp_path / 'b.npz', workers=2)
    assert first.path.read_bytes() == again.path.read_bytes()
    other = build(reference, tmp_path / 'c.npz', scores=tmp_path / 'a.scores.jsonl', seed=1)
    assert set(other.bank.source) != set(first.bank.source)
    all_of_them = build(reference, tmp_path / 'd.npz', scores=tmp_path / 'a.scores.jsonl', size=99)
    assert len(all_of_them.bank) == 72
    assert 'd.npz: 72 frames of 20 px, fewer than the 99 asked for' in all_of_them.lines[2]
    bank = build(reference, tmp_path / 'e.npz', every=5, window=(0, 1), size=100).bank
    assert {source.split('#')[1] for source in bank.source} == {'0', '5', '10'} and len(bank) == 24


def test_an_interrupted_run_goes_on(reference, tmp_path, monkeypatch):
    whole = build(reference, tmp_path / 'whole.npz')
    score, calls = scoring.ReferenceNetwork.probabilities, []

    def killed(self, inputs):
        calls.append(len(inputs))
        if len(calls) == 4:
            raise KeyboardInterrupt
        return score(self, inputs)

    monkeypatch.setattr(scoring.ReferenceNetwork, 'probabilities', killed)
    with pytest.raises(KeyboardInterrupt):
        build(reference, tmp_path / 'a.npz')
    file = tmp_path / 'a.scores.jsonl'
    assert not (tmp_path / 'a.npz').exists() and len(file.read_bytes().splitlines()) == 1 + 3
    file.write_bytes(file.read_bytes()[:-20])  # the third line was not finished
    resumed = build(reference, tmp_path / 'a.npz')
    assert calls[4:] == [FRAMES] * 6  # eight videos, two of them done
    assert resumed.path.read_bytes() == whole.path.read_bytes()
    assert file.read_bytes() == (tmp_path / 'whole.scores.jsonl').read_bytes()
    build(reference, tmp_path / 'a.npz')
    assert len(calls) == 10


def test_a_changed_label_is_scored_again(copied, tmp_path, monkeypatch):
    toy, *reference = copied
    build(reference, tmp_path / 'a.npz')
    text = (toy / 'list.txt').read_text()
    (toy / 'list.txt').write_text(text.replace('clip_0.mp4 0', 'clip_0.mp4 1'))
    calls, score = [], scoring.ReferenceNetwork.probabilities
    monkeypatch.setattr(
        scoring.ReferenceNetwork, 'probabilities', lambda *args: calls.append(1) or score(*args)
    )
    again = build(reference, tmp_path / 'a.npz', measure='gt', window=(0, 1), size=96)
    assert len(calls) == 1
    fresh = build(reference, tmp_path / 'b.npz', measure='gt', window=(0, 1), size=96)
    assert np.array_equal(again.bank.probability, fresh.bank.probability)


def test_scores_of_another_setting_or_broken_ones_are_refused(reference, tmp_path):
    build(reference, tmp_path / 'a.npz')
    pipeline, mean = 'val_dataloader.dataset.pipeline.3.scale', 'model.data_preprocessor.mean'
    for options, setting in (
        (dict(every=2), 'every is 1, asked for 2'),
        (dict(cfg_options={pipeline: (16, 16)}), 'input is'),
        (dict(cfg_options={mean: [0.0, 0.0, 0.0]}), 'preprocessor is'),
    ):
        match = rf'a.scores.jsonl was begun with other settings \(settings.{setting}.*another file'
        refused(match, build, reference, tmp_path / 'a.npz', **options)


@pytest.mark.parametrize(
    'broken',
    [dict(gt=[0.5]), dict(top1=[2.0, 0.5]), dict(gt=[0.5, 1.1]), dict(gt='x'), dict(label='x')],
)
def test_broken_rows_of_scores(tmp_path, broken):
    video = videos_module.TrainingVideo('a', 'a', 1)
    ScoresFile(tmp_path / 's.jsonl', {}, 2).add(video, np.array([0.25, 0.5]), np.ones(2))
    found = ScoresFile(tmp_path / 's.jsonl', {}, 2).get(video)
    assert (found.frames.tolist(), found.gt.tolist()) == ([0, 2], [0.25, 0.5])
    head, row = (tmp_path / 's.jsonl').read_text().splitlines()
    row = json.dumps({**json.loads(row), **broken})
    (tmp_path / 's.jsonl').write_text(f'{head}\n{row}\n')
    with pytest.raises(DatasetError, match='s.jsonl:2: expected video, label, .*delete it'):
        ScoresFile(tmp_path / 's.jsonl', {}, 2)


def test_scores_that_cannot_be_written(reference, tmp_path):
    with pytest.raises(DatasetError, match='cannot be written: it is a folder'):
        build(reference, tmp_path / 'a.npz', scores=tmp_path)
    (tmp_path / 'b.npz').mkdir()
    refused('b.npz: cannot be written: it is a folder', build, reference, tmp_path / 'b.npz')
    assert not list(tmp_path.glob('*.jsonl'))  # said before anything was scored


@pytest.mark.parametrize('decoder', ['decord', 'opencv'])
def test_chunks_are_the_frames_of_the_whole_video(toy_videos, monkeypatch, decoder):
    path = str(toy_videos / 'videos' / 'clip_3.mp4')
    whole = read_frames(path)
    if decoder == 'opencv':
        capture = cv2.VideoCapture(path)
        whole = [capture.read()[1][:, :, ::-1] for _ in range(FRAMES)]
    monkeypatch.setattr(source_video, 'decoder_name', lambda: decoder)
    for every, size in ((1, 5), (1, 12), (3, 2), (20, 64)):
        chunks = list(videos_module.read_chunks(path, every, size))
        assert all(len(frames) == size for frames in chunks[:-1]) and len(chunks[-1]) <= size
        assert np.array_equal(np.concatenate(chunks), whole[::every])


@pytest.mark.real_data
def test_real_clips_have_the_frames_that_decode(real_data, monkeypatch):
    """OpenCV announces more frames than these files hold; none is made up by either decoder."""
    paths = sorted((real_data / 'hmdb51_jhmdb21' / 'videos').rglob('*.avi'))[::57]
    counts = {}
    for name in ('decord', 'opencv'):
        monkeypatch.setattr(source_video, 'decoder_name', lambda name=name: name)
        counts[name] = [
            sum(len(frames) for frames in videos_module.read_chunks(str(path))) for path in paths
        ]
    assert counts['decord'] == counts['opencv'] == [len(read_frames(path)) for path in paths]
    assert all(15 <= count <= 40 for count in counts['decord'])


@pytest.mark.real_data
def test_a_bank_of_real_clips(real_data, tmp_path):
    """File names with '#', '(' and '&', pictures of 320 x 240 px squeezed to squares."""
    folder = real_data / 'hmdb51_jhmdb21' / 'videos'
    names = [str(path.relative_to(folder)) for path in sorted(folder.rglob('*#*.avi'))[:3]]
    names += [str(path.relative_to(folder)) for path in sorted(folder.rglob('*.avi'))[::200]]
    (tmp_path / 'list.txt').write_text(''.join(f'{n} {i % 2}\n' for i, n in enumerate(names)))
    (tmp_path / 'videos').symlink_to(folder)
    reference = write_reference(tmp_path, tmp_path)
    bank = build(reference, tmp_path / 'bank.npz', window=(0, 1), size=10**6, every=7).bank
    assert {str(source).rpartition('#')[0] for source in bank.source} == set(names)
    for frame, p, source in list(zip(bank.frames, bank.probability, bank.source, strict=True))[::5]:
        name, _, number = str(source).rpartition('#')
        original = read_frames(folder / name)[int(number)]
        assert np.array_equal(frame, cv2.resize(original, (20, 20)))
        assert p == pytest.approx(by_hand(reference, [original])[0].max(), abs=5e-6)


def test_unreadable_videos_stop_at_the_end_or_are_listed(copied, tmp_path):
    toy, *reference = copied
    broken = toy / 'videos' / 'clip_5.mp4'
    broken.write_bytes(broken.read_bytes()[:200])
    match = r'1 of 8 videos cannot be read: clip_5.mp4 \(.+\); restore them, or leave .* --skip-unr'
    refused(match, build, reference, tmp_path / 'a.npz')
    assert len((tmp_path / 'a.scores.jsonl').read_text().splitlines()) == 1 + 7
    skip = dict(skip_unreadable=True, window=(0, 1), size=96)
    built = build(reference, tmp_path / 'a.npz', **skip)
    assert built.left_out == ('clip_5.mp4',) and len(built.bank) == 84
    assert built.bank.info['left_out'] == ['clip_5.mp4']
    assert built.lines[-1] == '1 videos are left out: clip_5.mp4'
    gone = toy / 'videos' / 'clip_2.mp4'
    gone.unlink()  # scored, but its frames cannot be read any more
    with pytest.raises(BadVideoError, match='clip_2.mp4 cannot be read: no such file'):
        lines = (toy / 'list.txt').read_text().splitlines(True)
        (toy / 'shorter.txt').write_text(''.join(line for line in lines if 'clip_5' not in line))
        shorter = {'train_dataloader.dataset.ann_file': str(toy / 'shorter.txt')}
        build(reference, tmp_path / 'a.npz', window=(0, 1), size=96, cfg_options=shorter)
    built = build(reference, tmp_path / 'a.npz', **skip)
    assert built.left_out == ('clip_2.mp4', 'clip_5.mp4') and len(built.bank) == 72
    write_video(gone, FRAMES - 4)
    with pytest.raises(DatasetError, match='clip_2.mp4: frame 8 was scored, but it ends after fr'):
        build(reference, tmp_path / 'a.npz', **skip)


def test_a_wrong_folder_stops_at_once(reference, tmp_path):
    elsewhere = {'train_dataloader.dataset.data_prefix.video': str(tmp_path / 'nowhere')}
    match = r'none of the first 8 videos .* the last being \S+/nowhere/clip_7.mp4 \(no such file\)'
    with pytest.raises(DatasetError, match=match):
        build(reference, tmp_path / 'a.npz', skip_unreadable=True, cfg_options=elsewhere)


def published(folder, content):
    (folder / 'scores.pkl').write_bytes(pickle.dumps(content))
    return folder / 'scores.pkl'


def scores_of(toy, key):
    """Distinct probabilities; frame n of clip i gets (100 i + n) / 1000."""
    pairs = itertools.product(range(8), range(FRAMES))
    return {key.format(i=i, n=n, file=n + 1): [0.1, (100 * i + n) / 1000 + 0.1] for i, n in pairs}


@pytest.mark.parametrize(
    'key', ['wave/clip_{i}/frame{file:06d}.jpg', 'clip_{i}.mp4//{n}', 'clip_{i}/{file:05d}.jpg']
)
def test_published_scores(reference, toy_videos, tmp_path, key):
    """Names of files count from 1, positions in a video from 0."""
    content = scores_of(toy_videos, key)
    content['other/frame000001.jpg'] = np.array([0.5, 0.5], np.float32)
    file = published(tmp_path, content)
    built = build(reference, tmp_path / 'a.npz', published=file, window=(0, 1), size=96)
    found = dict(zip(built.bank.source.tolist(), built.bank.probability.tolist(), strict=True))
    expected = {
        f'clip_{i}.mp4#{n}': (100 * i + n) / 1000 + 0.1 for i in range(8) for n in range(FRAMES)
    }
    assert found == pytest.approx(expected)
    frame = built.bank.frames[built.bank.source.tolist().index('clip_4.mp4#7')]
    original = read_frames(toy_videos / 'videos' / 'clip_4.mp4')[7]
    assert np.array_equal(frame, cv2.resize(original, (20, 20)))
    assert '(1 other videos of it are not in' in built.lines[0]
    assert built.bank.info['reference']['published_scores']['file'] == 'scores.pkl'


def test_published_scores_without_some_videos_or_with_too_many_frames(
    reference, toy_videos, tmp_path
):
    content = scores_of(toy_videos, 'clip_{i}/frame{file:06d}.jpg')
    some = {key: value for key, value in content.items() if not key.startswith('clip_3')}
    built = build(reference, tmp_path / 'a.npz', published=published(tmp_path, some))
    assert built.left_out == ('clip_3.mp4',)
    content['clip_0/frame000099.jpg'] = [0.9, 0.9]
    with pytest.raises(DatasetError, match='clip_0.mp4: frame 98 was scored, but it ends after'):
        build(reference, tmp_path / 'a.npz', published=published(tmp_path, content), size=10**6)


def test_published_files_that_cannot_be_used(tmp_path):
    mark = tmp_path / 'ran'
    videos = [videos_module.TrainingVideo('clip_0.mp4', '', 0)]
    for content, text in (
        (
            {'a/frame000001.jpg': Calls(os.mkdir, str(mark))},
            r'scores.pkl: the pickle asks for posix.mkdir',
        ),
        ({'a/frame000001.jpg': [0.9, 0.1]}, r'frame a/frame000001.jpg: expected \[p\(gt\), p\(top'),
        ({'a/frame000001.jpg': [0.1, np.nan]}, 'expected .* got'),
        ({'a/frame000001.jpg': [0.1]}, 'expected .* got'),
        ({'a/frame000000.jpg': [0.1, 0.2]}, "'a/frame000000.jpg': expected .* counted from 1"),
        ({'a': [0.1, 0.2]}, "frame 'a': expected <video>/frame<number>.jpg"),
        ({3: [0.1, 0.2]}, 'frame 3: expected'),
        ({'a/frame000001.jpg': [0.1, 0.2]}, 'has none of the 1 training videos; it has a, they'),
        ([1], 'expected a pickled dict of frames, got a list'),
        ({}, 'expected a pickled dict of frames, got a dict'),
    ):
        said = refused(text, published_scores, published(tmp_path, content), videos)
        assert 'scores.pkl' in said
    assert not mark.exists()


@pytest.mark.parametrize(
    ('options', 'text'),
    [
        (dict(window=(0.9, 0.1)), '--window 0.9 0.1: expected 0 <= first < second <= 1'),
        (dict(window=(0.5, 0.5)), '--window 0.5 0.5: expected'),
        (dict(window=(0.5,)), r'--window \(0.5,\): expected two shares'),
        (dict(window=('a', 1)), "--window: expected a finite number from 0 to 1, got 'a'"),
        (dict(window=(-0.1, 1)), '--window: expected .* from 0 to 1, got -0.1'),
        (dict(window=(0.5, float('nan'))), '--window: expected a finite number'),
        (dict(measure='top5'), "--measure must be one of 'top1', 'gt', got 'top5'"),
        (dict(size='5'), '--size: expected a whole number from 1, got .*5'),
        (dict(every=0), '--every: expected a whole number from 1, got 0'),
        (dict(frame_size=0), '--frame-size: expected a whole number from 1'),
        (dict(workers=-1), '--workers: expected a whole number from 0'),
    ],
)
def test_options(options, text):
    refused(f'^{text}', FrameBankOptions, **options)


def test_checkpoints_that_do_not_fit(reference, toy_videos, tmp_path):
    config, weights = reference
    write_reference(tmp_path, toy_videos, classes=5)
    state = torch.load(weights, weights_only=True)['state_dict']
    state['cls_head.fc_cls.bias'][:] = float('nan')
    torch.save(dict(state_dict=state), tmp_path / 'nan.pth')
    torch.save(dict(state_dict={}), tmp_path / 'none.pth')
    (tmp_path / 'evil.pth').write_bytes(pickle.dumps(Calls(os.mkdir, str(tmp_path / 'ran'))))
    for said in (
        r'checkpoint \S+reference_5.pth does not fit the model of \S+ce_2.py: 2 .*5, 64.* not .2,',
        r'none.pth does not fit the model of \S+: \d+ of its \d+ tensors did not arrive',
        r'checkpoint \S+absent.pth: no such file',
        'nan.pth gives NaN',
        'evil.pth',
    ):
        given = config, tmp_path / re.search(r'\w+.pth', said.replace(r'\S+', ''))[0]
        error = {'evil.pth': CheckpointError, 'nan.pth gives NaN': DatasetError}.get(
            said, LaunchError
        )
        refused(said, build, given, tmp_path / 'a.npz', error=error)
    assert not (tmp_path / 'ran').exists()


CLIPS_OF_8 = [dict(type='DecordInit'), dict(type='SampleFrames', clip_len=8)]
TRAIN, ONE = 'train_dataloader.dataset', 'clip_0.mp4 0\n'


@pytest.mark.parametrize(
    ('listed', 'options', 'said'),
    [
        ('', {}, 'list.txt.* is empty'),
        (ONE + 'clip_1.mp4 2\n', {}, "list.txt:2: .* from 0 to 1, got '2'"),
        (ONE + 'clip_1.mp4 2\n', {f'{TRAIN}.type': 'VideoDataset'}, r'1.mp4: .*\[0, 2\), got 2'),
        ('clip_0.mp4\n', {}, 'list.txt:1: expected'),
        (ONE + 'clip_0.mp4 1\n', {}, 'clip_0.mp4 has two labels, 0 and 1'),
        (None, {}, 'list.txt: no such file; point to yours with --cfg-options'),
        ('', {f'{TRAIN}.type': 'RawframeDataset'}, 'is a RawframeDataset: a VideoDataset'),
        (ONE, {f'{TRAIN}.pipeline': CLIPS_OF_8}, 'trains on clips of 8 frames'),
        ('', dict(train_dataloader=None), 'is a None: a VideoDataset'),
        (ONE, {'val_dataloader.dataset.pipeline': CLIPS_OF_8[:1]}, 'has no decoding step'),
        ('', {'model.cls_head.num_classes': 1}, 'classes: expected a whole number from 2, got 1'),
    ],
)
def test_lists_and_configs_that_do_not_fit(reference, tmp_path, listed, options, said):
    if listed is not None:
        (tmp_path / 'list.txt').write_text(listed)
    if 'train_dataloader' not in options:
        options = {f'{TRAIN}.ann_file': str(tmp_path / 'list.txt')} | options
    refused(said, build, reference, tmp_path / 'a.npz', cfg_options=options)


def test_options_of_a_build_that_do_not_fit(reference, tmp_path):
    config, weights = reference
    refused('--out bank.pkl: the name must end in .npz', build, reference, 'bank.pkl')
    for given in (dict(checkpoint=None), dict(checkpoint=weights, published='x.pkl')):
        said = 'either a checkpoint .* or --published-scores'
        refused(said, build_frame_bank, config, out=tmp_path / 'a.npz', **given)
    said = '--every: the published scores say which'
    refused(said, build, reference, tmp_path / 'a.npz', published='x.pkl', every=2)


def test_types_of_steps_may_be_classes():
    steps = [dict(type=DecordInit), dict(type=DecordDecode), dict(type='FormatShape')]
    cfg = dict(train_dataloader=None, val_dataloader=dict(dataset=dict(pipeline=steps)))
    assert scoring.scoring_steps(cfg) == [dict(type='FormatShape')]


def test_a_video_listed_twice_counts_once(reference, tmp_path):
    (tmp_path / 'list.txt').write_text('clip_0.mp4 0\nclip_1.mp4 1\nclip_0.mp4 0\n')
    twice = {'train_dataloader.dataset.ann_file': str(tmp_path / 'list.txt')}
    bank = build(reference, tmp_path / 'a.npz', window=(0, 1), size=100, cfg_options=twice).bank
    assert len(bank) == 2 * FRAMES == len(set(bank.source))
