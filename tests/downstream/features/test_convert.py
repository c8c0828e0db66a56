"""Files of published code: their shapes, the order of crops, lists, lengths; what is refused."""

import json

import numpy as np
import pytest

from albar_mm.utils.errors import DatasetError
from downstream.features.convert import LAYOUTS, export_features, import_features, read_lengths
from downstream.features.sampling import Sampling
from downstream.features.store import FeatureStore
from tests.in_process import run_tool

SAMPLING = Sampling(16, 16)
FRAMES = {'Abuse001_x264': 60, 'Normal_Videos001_x264': 33}
LENGTHS = {name: (frames, 30.0) for name, frames in FRAMES.items()}


def make_store(root, crops):
    settings = dict(encoder={}, sampling=SAMPLING.settings(), dtype='float32')
    store, random = FeatureStore.create(root, settings), np.random.default_rng(0)
    for video, frames in FRAMES.items():
        grid = SAMPLING.grid(frames, 30.0)
        shape = (grid.num_snippets, *([crops] if crops > 1 else []), 5)
        store.put(video, random.normal(size=shape).astype(np.float32), grid)
    return store


def same(*stores):
    loaded = [[(s.load(v).tolist(), s.grid(v)) for v in stores[1].ids()] for s in stores]
    return loaded[0] == loaded[1]


@pytest.mark.parametrize('crops', [1, 10])
@pytest.mark.parametrize(
    'layout, file, shape',
    [
        ('mgfn', 'Abuse001_x264.npy', (4, 'crops', 5)),
        ('rtfm', 'Abuse001_x264_i3d.npy', (4, 'crops', 5)),
        ('ur-dmu', 'Abuse001_x264.npy', ('crops', 4, 5)),
        ('deepmil', 'Abuse001_x264__0.npy', (4, 5)),
        *((name, 'Abuse001_x264.npy', (4, 5)) for name in LAYOUTS if LAYOUTS[name] == 'TC'),
    ],
)
def test_there_and_back(tmp_path, layout, crops, file, shape):
    store = make_store(tmp_path / 'store', crops)
    if LAYOUTS[layout] == 'TC' and crops > 1:
        with pytest.raises(DatasetError, match='10 crops, and this layout has room for one'):
            export_features(store, tmp_path / 'out', layout)
        return
    lines = export_features(store, tmp_path / 'out', layout)
    assert 'feat_stride=16, num_frames=16' in lines[1]
    array = np.load(tmp_path / 'out' / file)
    assert array.shape == tuple(crops if n == 'crops' else n for n in shape)
    assert array.dtype == np.float32 and array.flags.c_contiguous
    files = 2 * (crops if layout == 'deepmil' else 1)
    assert len(list((tmp_path / 'out').iterdir())) == files
    given = tmp_path / 'out', tmp_path / 'again', layout, SAMPLING, LENGTHS
    lines, missing = import_features(*given)
    assert len(lines) == 1 and missing == [] and same(FeatureStore(tmp_path / 'again'), store)


def test_the_tool_there_and_back(tmp_path):
    """Ten crops through RTFM's files; its list has its suffix, slashes of Windows, labels."""
    shown = run_tool('downstream', 'export', '--help').stdout
    assert '{' + ','.join(LAYOUTS) + '}' in ''.join(shown.split())
    store = make_store(tmp_path / 'store', 10)
    names = list(FRAMES)[::-1]  # labels come from the order
    (tmp_path / 'test.list').write_text(f'G:\\x\\{names[0]}_i3d.npy 1\n\nvideos/{names[1]}.mp4\n')
    words = ['export', 'store', 'rtfm', '--layout', 'rtfm', '--lists', 'test.list']
    done = run_tool('downstream', *words, folder=tmp_path)
    assert done.returncode == 0 and '2 videos as rtfm reads them, test.list' in done.stdout
    lines = (tmp_path / 'rtfm/test.list').read_text().splitlines()
    assert lines == [f'rtfm/{name}_i3d.npy' for name in names]
    # MMAction2: crop, flip, crop, flip; torchvision and RTFM: five crops, then their flips
    ours, theirs = store.load('Abuse001_x264'), np.load(tmp_path / 'rtfm/Abuse001_x264_i3d.npy')
    assert np.array_equal(theirs, ours[:, [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]])
    counts = [f'Abuse/{name}.mp4 {frames} Abuse 1 2\n' for name, frames in FRAMES.items()]
    (tmp_path / 'counts.txt').write_text(''.join(counts))
    flags = ['--layout', 'rtfm', '--preset', 'ucf-crime', '--fps', '30', '--note', 'I3D']
    words = ['import', 'rtfm', 'again', '--lengths', 'counts.txt', *flags]
    done = run_tool('downstream', *words, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    again = FeatureStore(tmp_path / 'again')
    assert again.settings['encoder']['published'] == 'I3D' and same(again, store)
    (tmp_path / 'counts.txt').write_text(''.join([*counts, 'Gone.mp4 90\n']))
    done = run_tool('downstream', *words, folder=tmp_path)
    assert done.returncode == 1 and 'Gone_i3d.npy: no such file' in done.stderr
    done = run_tool('downstream', *words, '--on-missing', 'skip', folder=tmp_path)
    assert done.returncode == 3 and 'videos have no features there:\n  Gone' in done.stdout
    done = run_tool('downstream', *words[:-6], folder=tmp_path)
    assert done.returncode == 1 and 'stride: not given: say how snippets' in done.stderr


def test_what_is_refused(tmp_path):
    store, out = make_store(tmp_path / 'store', 1), tmp_path / 'out'
    export_features(store, out, 'tridet')
    for text, message, times in (
        ('Arson.mp4\n', "lacks 1 videos of .*test.list, as 'Arson'", 1),
        ('', 'test.list: lists no video', 1),
        ('a/Abuse001_x264.mp4\nb/Abuse001_x264.mp4', 'several videos are called .Abuse001', 1),
        ('Abuse001_x264.mp4\n', 'a list of that name was given before', 2),
    ):
        (tmp_path / 'test.list').write_text(text)
        with pytest.raises(DatasetError, match=message):
            export_features(store, out, 'mgfn', [tmp_path / 'test.list'] * times)
    broken = make_store(tmp_path / 'broken', 1)
    np.save(broken.root / 'Abuse001_x264.npy', np.full((4, 5), np.nan))
    with pytest.raises(DatasetError, match="features of 'Abuse001_x264' are not all finite"):
        export_features(broken, tmp_path / 'b', 'mgfn')

    def refused(message, layout='tridet', frames=60, video='Abuse001_x264', **options):
        with pytest.raises(DatasetError, match=message):
            lengths = {video: (frames, 30.0)}
            import_features(out, tmp_path / 'a', layout, SAMPLING, lengths, **options)
        (tmp_path / 'a/store.json').unlink(missing_ok=True)

    refused("layout must be one of 'mgfn', .*, got 'i3d'", 'i3d')
    refused('has 4 snippets; its 600 frames give 38', frames=600)
    refused('Gone.npy: no such file', video='Gone')
    refused("none of the 1 videos, as 'Gone'", video='Gone', on_missing='skip')
    np.save(out / 'Abuse001_x264.npy', np.array([{}]), allow_pickle=True)
    refused('Abuse001_x264.npy: cannot be read as an array: it holds Python obj')
    np.save(out / 'Abuse001_x264.npy', np.zeros((4, 10, 5)))
    refused(r'float64 of shape \(4, 10, 5\); expected .* 2 axes')
    wrong = np.zeros((4, 5))
    for value in (np.nan, 1e300):
        wrong[2, 1] = value
        np.save(out / 'Abuse001_x264.npy', wrong)
        refused('Abuse001_x264.npy: holds numbers that are not finite in single precision')
    for shape in ((0, 5), (4, 0)):
        np.save(out / 'Abuse001_x264.npy', np.zeros(shape))
        refused('Abuse001_x264.npy: is empty, of shape')
    with (out / 'Abuse001_x264.npy').open('wb') as stream:
        np.savez(stream, a=np.zeros((4, 5)))
    refused('Abuse001_x264.npy: cannot be read as an array: ')
    np.save(out / 'Abuse001_x264.npy', np.zeros((4, 10, 5)))
    lengths = {'Abuse001_x264': (70, 30.0)}
    lines, _ = import_features(out, tmp_path / 'f', 'mgfn', SAMPLING, lengths)
    assert 'one snippet off' in lines[1]
    assert FeatureStore(tmp_path / 'f').grid('Abuse001_x264').num_snippets == 4


def test_ids_of_a_file_do_not_lead_out_of_the_store(tmp_path):
    (tmp_path / 'parent').mkdir()
    (tmp_path / 'parent/victim.json').write_text('precious')
    np.save(tmp_path / 'victim.npy', np.ones((14, 8), np.float32))
    flags = '--layout tridet --clip-len 8 --frame-interval 1 --stride 4 --fps 25'.split()
    for name, text in (
        ('a.json', '{"database": {"./../victim": {"fps": 25, "duration_frame": 53}}}'),
        ('a.JSON', '{"database": {"store": {"fps": 25, "duration_frame": 53}}}'),
        ('a.txt', '.mp4 53'),
    ):
        (tmp_path / name).write_text(text)
        words = ['import', 'f', 'parent/store', '--lengths', name, *flags]
        done = run_tool('downstream', *words, folder=tmp_path)
        assert done.returncode == 1 and f'{name}: ' in done.stderr or f'{name}:1: ' in done.stderr
        assert done.stderr.count('\n') == 1 and 'rename it' in done.stderr
        assert [path.name for path in (tmp_path / 'parent').iterdir()] == ['victim.json']
    assert (tmp_path / 'parent/victim.json').read_text() == 'precious'


@pytest.mark.real_data
def test_real_lists_and_published_features(real_data, tmp_path):
    """The numbers of the published annotation: frames of all test videos; videos of THUMOS14."""
    crime = read_lengths(real_data / 'ucf_crime/UCF_Annotation_with_frame_counts.txt', fps=30)
    assert len(crime) == 290 and sum(frames for frames, _ in crime.values()) == 1_111_808
    thumos = read_lengths(real_data / 'thumos14/thumos14.json')
    assert len(thumos) == 412 and thumos['video_test_0000004'] == (1015, 30.0)  # 33.83 s
    # a frame rate stands in for one that is not told
    videos = dict(v=dict(duration=4), w=dict(duration_frame=7))
    (tmp_path / 'a.json').write_text(json.dumps(dict(database=videos)))
    assert read_lengths(tmp_path / 'a.json', fps=25) == dict(v=(100, 25.0), w=(7, 25.0))
    (tmp_path / 'a.txt').write_text('Film.2001__a 320\nFilm.2001__b.mp4 320\n')
    assert list(read_lengths(tmp_path / 'a.txt', fps=25)) == ['Film.2001__a', 'Film.2001__b']
    folder = next((real_data / 'thumos14').rglob('highjump.npy')).parent
    lengths, sampling = {'highjump': (668, 30.0)}, Sampling(16, 4, tail='drop')
    lines, _ = import_features(folder, tmp_path / 'store', 'tridet', sampling, lengths)
    store = FeatureStore(tmp_path / 'store')
    assert store.load('highjump').shape == (164, 2048) and len(lines) == 1


@pytest.mark.parametrize(
    'name, text, fps, message',
    [
        ('a.txt', 'v.mp4 90', None, r'tells no frame rate: give it \(--fps'),
        ('a.txt', 'v.mp4 90\nw.mp4', 30, r"a\.txt:2: 'w\.mp4': expected a video and its num"),
        ('a.txt', 'w.mp4 long', 30, r"a\.txt:1: number of frames of 'w\.mp4': .*, got 'long'"),
        ('a.txt', 'v.mp4 90\nx/v.avi 91', 30, r"a\.txt:2: 'v' was listed with 90 frames"),
        ('a.txt', 'v.mp4 90\nv.avi 90', 30, r"a\.txt:2: 'v' was listed before, as v\.mp4"),
        ('a.txt', '\n', 30, r'lists no video'),
        *(('a.txt', 'v.mp4 90', fps, '--fps: expected') for fps in (0, -25, float('nan'), 1e300)),
        ('a.txt', f'v.mp4 {10**20}', 30, r'a\.txt:1: number of frames of .* to 1e\+08'),
        ('a.json', '{"database": {"v": {"fps": 30, "duration": Infinity}}}', None, "'v': length"),
        (
            'a.json',
            '{"database": {"v": {"fps": 30, "duration": 1e308}}}',
            None,
            "'v': number of fr",
        ),
        ('a.txt', None, 30, r'a\.txt: no such file'),
        ('a.json', '[1]', 30, r'a\.json: expected a JSON object'),
        ('a.json', '{"database": 1}', 30, 'expected "database", an object with its videos'),
        ('a.json', '{"database": {"v": 3}}', 30, r"video 'v': expected keys"),
        ('a.json', '{"database": {"v": {"fps": 30}}}', None, r"video 'v': tells no length"),
        ('a.json', '{"database": {"v": {"duration": 3}}}', None, r"video 'v': tells no frame rate"),
        ('a.json', '{"database": {"v": {"duration": 3, "fps": "x"}}}', None, r"'v': fps: expected"),
        ('a.json', '{"database": {"v": {"duration": 0.01, "fps": 30}}}', None, r'from 1, got 0'),
    ],
)
def test_lengths_that_are_refused(tmp_path, name, text, fps, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(DatasetError, match=message):
        read_lengths(tmp_path / name, fps)
