"""What the doctor found, and how it is printed without naming anybody."""

import getpass
import json
import os
import re
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

#: an error stops a run, a warning may, a note is about speed or other programs
LEVELS = ('error', 'warning', 'note')


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        level: One of :data:`LEVELS`.
        what: What is wrong, in one line.
        fix: The command that mends it, or what to edit where no command can.
    """

    level: str
    what: str
    fix: str


def finding(level: str, what: str, fix: str) -> list[Finding]:
    """A list of one :class:`Finding`, its texts on one line each."""
    return [Finding(level, ' '.join(what.split()), ' '.join(fix.split()))]


error, warning, note = (partial(finding, level) for level in LEVELS)


@dataclass
class Report:
    """Facts by section, and findings.

    Attributes:
        facts: Section -> name -> value, in the order of printing; see :func:`redact`.
        findings: Everything that is wrong.
    """

    facts: dict[str, dict[str, str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def add(self, section: str, facts: dict[str, Any], findings: list[Finding]) -> None:
        """Take in the result of one check."""
        told = {redact(name): redact(str(value)) for name, value in facts.items()}
        self.facts.setdefault(section, {}).update(told)
        self.findings.extend(findings)

    @property
    def ok(self) -> bool:
        """Whether nothing would stop a run."""
        return not any(finding.level == 'error' for finding in self.findings)

    def sorted_findings(self) -> list[Finding]:
        """Findings without repeats, errors first."""
        return sorted(dict.fromkeys(self.findings), key=lambda f: LEVELS.index(f.level))

    def _problems(self) -> list[dict[str, str]]:
        findings = map(asdict, self.sorted_findings())
        return [{key: redact(text) for key, text in problem.items()} for problem in findings]

    def advice(self) -> str:
        """What is wrong and how to mend it, for the user's own terminal (paths as they are)."""
        findings = self.sorted_findings()
        lines = [f'{f.level}: {f.what}\n  fix: {f.fix}' for f in findings]
        counts = {level: sum(f.level == level for f in findings) for level in LEVELS}
        counted = ', '.join(f'{n} {level}{"s" * (n != 1)}' for level, n in counts.items())
        verdict = 'nothing would stop a run' if self.ok else 'a run would stop'
        return '\n'.join([*lines, f'{counted}: {verdict}'])

    def block(self) -> str:
        """Plain text to paste into a bug report; see :func:`redact`."""
        lines = ['albar_mm doctor']
        for section, facts in self.facts.items():
            lines += [f'[{section}]', *(f'{name}: {value}' for name, value in facts.items())]
        found = ['{level}: {what} | fix: {fix}'.format(**problem) for problem in self._problems()]
        lines += ['[problems]', *(found or ['none'])]
        return '\n'.join(['```text', *lines, '```'])

    def as_json(self) -> str:
        """The same as :meth:`block`, as JSON: ``ok``, ``facts``, ``problems``."""
        document = dict(ok=self.ok, facts=self.facts, problems=self._problems())
        return json.dumps(document, indent=2, ensure_ascii=False)


def redact(text: str) -> str:
    """A text with ``~`` for home folders (or any like one) and ``<user>`` for the user's name."""
    home = os.path.expanduser('~')
    for path in {home, os.path.realpath(home)} - {'/', '~'}:
        text = re.sub(re.escape(path) + r'(?![\w.-])', '~', text)
    text = re.sub(r'(?<![\w.])/(?:home|Users)/[^/\s\'":,;]+', '~', text)
    text = re.sub(r'(?i)[a-z]:\\Users\\[^\\\s\'":,;]+', '~', text)
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container without an entry for its user
        return text
    return re.sub(rf'(?<![\w-]){re.escape(user)}(?![\w-])', '<user>', text)
