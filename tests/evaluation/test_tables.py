import pytest

from albar_mm.evaluation import format_bias_comparison, format_bias_table

SCORES = {'iid/top1': 73.2, 'conflfg/top1': 49.84, 'conflfg/conflict_top1': 7.5}
for name, values in dict(
    scuba=(54.73, 50.12, 52.425), scufo=(0.04, 0.04, 0.04), contrasted=(54.7, 50.1, 52.4)
).items():
    SCORES |= dict(
        zip([f'{name}/{b}' for b in ('places365', 'stripe', 'avg')], values, strict=True)
    )
SCORES['scuba/stripe/class_3'] = 1.0


def cells(line):
    return line.split()


def test_each_score_stands_in_its_column_with_its_spread():
    lines = format_bias_table(SCORES, title='Swin-T').splitlines()
    assert lines[0] == 'Swin-T'
    assert cells(lines[1])[-3:] == ['places365', 'stripe', 'average']
    assert cells(lines[3])[-1] == '73.20'
    assert cells(lines[4])[-3:] == ['54.73', '50.12', '52.42']
    assert cells(lines[5])[-3:] == ['0.04', '0.04', '0.04']
    assert cells(lines[6])[-3:] == ['54.70', '50.10', '52.40']
    assert cells(lines[7])[-1] == '49.84' and cells(lines[8])[-1] == '7.50'
    assert len({len(line) for line in lines[1:]}) == 1
    text = format_bias_table({'iid/top1': 50.0})  # sets that were not run are left out
    assert '50.00' in text and 'SCUBA' not in text
    other = {key: value + 2 for key, value in SCORES.items()}
    lines = format_bias_comparison({'one': SCORES, 'two seeds': [SCORES, other]}).splitlines()
    assert cells(lines[0])[-5:] == ['IID', 'SCUBA', 'SCUFO', 'Confl-FG', 'Contrasted']
    assert cells(lines[2]) == ['one', '73.20', '52.42', '0.04', '49.84', '52.40']
    assert '74.20 ± 1.41' in lines[3]
    with pytest.raises(ValueError, match='1 of 2 runs lack conflfg/top1'):
        format_bias_comparison({'m': [{'iid/top1': 1.0, 'conflfg/top1': 1.0}, {'iid/top1': 1.0}]})
