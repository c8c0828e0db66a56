from albar_mm.report import Report, group_runs, read_run
from albar_mm.report.comparability import measurement, protocol_lines

from .results_files import data, metrics, protocol, write


def run(folder, method, seed=0, **settings):
    return read_run(write(folder / f'{method}{seed}', seed=seed, **settings), method)


def methods(groups):
    return [[run.method for run in group] for group in groups]


def test_what_was_measured_otherwise_is_another_table_and_named(tmp_path):
    files, few = data(), ('stripe',)
    files[2]['sha256'] = 'cd' * 32
    fewer = dict(how=protocol(backgrounds=few), files=data(backgrounds=few))
    for number, (changed, said) in enumerate(
        (
            (dict(how=protocol('clamp')), 'all sets: SampleFrames.out_of_bound_opt loop / clamp.'),
            (dict(files=files), f'SCUBA stripe: list of videos (sha256) {"ab" * 6} / {"cd" * 6}.'),
            (fewer, 'SCUBA average, SCUFO average: backgrounds scene, stripe / stripe.'),
        )
    ):
        folder = tmp_path / str(number)
        runs = [run(folder, 'a'), run(folder, 'b', **changed), run(folder, 'c')]
        groups, differences = group_runs(runs)
        assert methods(groups) == [['a', 'c'], ['b']]
        assert differences == [f'Table 2 (b) was measured differently from table 1 (a, c): {said}']


def test_runs_that_were_measured_alike_share_a_table(tmp_path):
    iid = protocol('clamp')
    iid['sets'] = {'iid/original': 10}
    groups, _ = group_runs(
        [
            run(tmp_path, 'only iid', scores={'iid/top1': 1.0}, how=iid, files=data()[:1]),
            run(tmp_path, 'loop'),
            run(tmp_path, 'clamp', how=protocol('clamp')),
        ]
    )
    assert methods(groups) == [['only iid', 'clamp'], ['loop']]
    other = protocol()
    other['pipelines'] = {  # how bytes are fetched and packed is no difference
        domain: [dict(steps[0], io_backend='petrel'), steps[1], dict(type='FormatShape', x=1)]
        for domain, steps in other['pipelines'].items()
    }
    runs = [run(tmp_path, 'a'), run(tmp_path, 'b', how=other)]
    assert group_runs(runs) == ([runs], [])


def test_no_mean_over_seeds_that_were_measured_differently(tmp_path):
    runs = [run(tmp_path, 'a', 0), run(tmp_path, 'a', 1, how=protocol('clamp'))]
    report = Report(runs)
    assert methods(report.groups) == [['a'], ['a']]
    assert any(w.startswith('The seeds of a were not all measured alike') for w in report.warnings)
    runs = [run(tmp_path, 'b', seed, weights='same') for seed in (0, 1)]
    assert Report(runs).warnings == [
        'b, seed 0 and b, seed 1 tested the same weights, so they are not independent runs.'
    ]


def test_a_file_that_lists_no_sets_is_compared_by_its_scores(tmp_path):
    plain = dict(num_samples=5, sets={}, pipelines=dict(all=[dict(type='Resize', scale=8)]))
    larger = dict(plain, pipelines=dict(all=[dict(type='Resize', scale=16)]))
    scores = {'acc/top1': 50.0}
    alike = [
        run(tmp_path, name, scores=scores, how=how, files=[])
        for name, how in dict(a=plain, b=larger).items()
    ]
    groups, said = group_runs(alike)
    assert methods(groups) == [['a'], ['b']] and 'Resize.scale 8 / 16' in said[0]
    unlike = [run(tmp_path, 'c', scores=metrics()), run(tmp_path, 'd', scores=scores, how=plain)]
    said = 'Table 2 (d) was measured differently from table 1 (c): they have no set in common.'
    assert group_runs(unlike)[1] == [said]


def test_the_page_says_what_averages_are_over(tmp_path):
    measured = measurement(run(tmp_path, 'a', how=protocol(backgrounds=('stripe',))))
    assert ('SCUBA average, SCUFO average, Confl-FG average', 'over stripe') in protocol_lines(
        measured
    )
