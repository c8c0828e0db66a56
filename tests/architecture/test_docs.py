"""What the pages name is there: tools, configs, other pages."""

import re

import pytest

from .source import ROOT

PAGES = ['README.md', *sorted(f'docs/{path.name}' for path in (ROOT / 'docs').glob('*.md'))]
_PLACEHOLDER = re.compile(r'[*<{…]')


@pytest.mark.parametrize('page', PAGES)
def test_named_files_exist(page):
    text = (ROOT / page).read_text(encoding='utf-8')
    named = set(re.findall(r'\b(?:tools|configs|benchmarks)/[\w./-]+\.(?:py|sh|jsonl)\b', text))
    links = {
        (ROOT / page).parent / link
        for link in re.findall(r'\]\(([^)#:]+)(?:#[^)]*)?\)', text)
        if not _PLACEHOLDER.search(link)
    }
    wrong = sorted(name for name in named if not (ROOT / name).exists())
    wrong += sorted(str(link.relative_to(ROOT)) for link in links if not link.exists())
    assert wrong == []
