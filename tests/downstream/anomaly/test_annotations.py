"""The real lists of UCF-Crime, and lines that are refused."""

import pytest

from downstream.anomaly.annotations import NORMAL, AnomalyVideo, read_annotation, with_lengths
from tests.refused import refused

TEST = 'Temporal_Anomaly_Annotation_for_Testing_Videos.txt'
PAST_THE_END = {'Arson011', 'Arson016', 'Assault006', 'Explosion033', 'Fighting003'}
PAST_THE_END |= {'Shooting015', 'Shooting046'}


def test_frames_of_the_real_test_videos(real_data):
    """1,111,808 frames; 84,331 anomalous ones read from 0, 84,338 read from 1."""
    crime = real_data / 'ucf_crime'
    test, annotated = (read_annotation(crime / name) for name in ('Anomaly_Test.txt', TEST))
    # in another order, which must not matter
    assert {(v.video_id, v.category) for v in annotated} == {(v.video_id, v.category) for v in test}
    assert sum(len(video.events) == 2 for video in annotated) == 16
    lengths = read_annotation(crime / 'UCF_Annotation_with_frame_counts.txt')
    videos = with_lengths(annotated, lengths)
    for first, wanted, clipped in ((0, 84_331, PAST_THE_END), (1, 84_338, None)):
        frames = positives = 0
        cut = set()
        for video in videos:
            truth, ends = video.truth(video.num_frames, first)
            frames, positives = frames + len(truth), positives + truth.sum()
            cut |= {end.partition('_x264: event ends at ')[0] for end in ends}
        assert (frames, positives) == (1_111_808, wanted)
        assert clipped is None or cut == clipped


@pytest.mark.parametrize(
    'line, video',
    [
        ('a/Abuse001_x264.mp4', AnomalyVideo('Abuse001_x264', 'Abuse')),
        ('G:\\ucf\\Abuse001_x264.mp4', AnomalyVideo('Abuse001_x264', 'Abuse')),
        ('Normal_Videos_Anomaly/Normal_Videos_3.mp4', AnomalyVideo('Normal_Videos_3', NORMAL)),
        ('Normal_Videos_3  Normal  -1  -1  -1  -1  ', AnomalyVideo('Normal_Videos_3', NORMAL, ())),
        ('cam1.v2.avi Fighting', AnomalyVideo('cam1.v2', 'Fighting')),
        ('7.mp4 900 Fighting 3 9 20 30', AnomalyVideo('7', 'Fighting', ((3, 9), (20, 30)), 900)),
        ('7.mp4 900 normal', AnomalyVideo('7', NORMAL, None, 900)),
    ],
)
def test_lines(tmp_path, line, video):
    (tmp_path / 'list.txt').write_text(f'\n{line}\n')
    assert read_annotation(tmp_path / 'list.txt') == [video]


@pytest.mark.parametrize(
    'line, message',
    [
        ('7.mp4', "'7' does not begin with a kind of anomaly"),
        ('a.mp4 0 Abuse', '0 frames'),
        ('a.mp4 Abuse 3', '1 frame numbers'),
        ('a.mp4 Abuse 9 3', 'event 9 to 3'),
        ('a.mp4 Abuse 3 x', 'event 3 to x'),
        ('a.mp4 Abuse -1 5', 'event -1 to 5'),
        ('a.mp4 Abuse -1 -1', 'Abuse with 0 events'),
        ('a.mp4 Normal 3 5', 'Normal with 1 events'),
        ('a.mp4 3 5', "'5' is no kind of anomaly"),
        ('b.avi', "'b' is listed in line 1 already"),
    ],
)
def test_lines_that_are_refused(tmp_path, line, message):
    (tmp_path / 'list.txt').write_text(f'x/b.mp4\n\n{line}\n')
    refused(rf'list\.txt:3: .*{message}', read_annotation, tmp_path / 'list.txt')
    (tmp_path / 'list.txt').write_text('\n')
    refused('lists no video', read_annotation, tmp_path / 'list.txt')


def test_videos_that_are_not_those_of_the_annotation():
    video = AnomalyVideo('Abuse1', 'Abuse', ((3, 9),), 20)
    other = AnomalyVideo('Abuse1', 'Abuse', ((3, 8),), 20)
    lengthless = AnomalyVideo('Abuse2', 'Abuse', ((3, 9),))
    for call, message in (
        (lambda: read_annotation('gone.txt'), 'gone.txt: no such file'),
        (lambda: video.truth(21), "'Abuse1' has 21 frames, its annotation says 20"),
        (lambda: lengthless.truth(5), "'Abuse2': event 3 to 9: ends 5 frames past"),
        (lambda: AnomalyVideo('Abuse3', 'Abuse').truth(5), "'Abuse3': its annotation does not say"),
        (lambda: with_lengths([video], [other]), 'in one list'),
        (lambda: with_lengths([lengthless], [lengthless]), 'does not tell its number of frames'),
        (lambda: with_lengths([video], []), 'does not tell its number of frames'),
    ):
        refused(message, call)
