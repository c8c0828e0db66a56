"""What the doctor found, and how it is printed without naming anybody."""

import getpass
import json
import os
import re
from dataclasses import asdict, dataclass, field
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

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise ValueError(f'level must be one of {LEVELS}, got {self.level!r}')
        for name in ('what', 'fix'):
            object.__setattr__(self, name, ' '.join(getattr(self, name).split()))


def error(what: str, fix: str) -> list[Finding]:
    """A list of one :class:`Finding` that stops a run."""
    return [Finding('error', what, fix)]


def warning(what: str, fix: str) -> list[Finding]:
    """A list of one :class:`Finding` that may stop a run."""
    return [Finding('warning', what, fix)]


@dataclass
class Report:
    """Facts by section, and findings.

    Attributes:
        facts: Section -> name -> value, in the order of printing.
        findings: Everything that is wrong.
    """

    facts: dict[str, dict[str, str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def add(self, section: str, facts: dict[str, Any], findings: list[Finding]) -> None:
        """Take in the result of one check."""
        self.facts.setdefault(section, {}).update({k: str(v) for k, v in facts.items()})
        self.findings.extend(findings)

    @property
    def ok(self) -> bool:
        """Whether nothing would stop a run."""
        return not any(finding.level == 'error' for finding in self.findings)

    def sorted_findings(self) -> list[Finding]:
        """Findings without repeats, errors first."""
        return sorted(dict.fromkeys(self.findings), key=lambda f: LEVELS.index(f.level))

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
        found = [f'{f.level}: {f.what} | fix: {f.fix}' for f in self.sorted_findings()]
        lines += ['[problems]', *(found or ['none'])]
        return '\n'.join(['```text', *map(redact, lines), '```'])

    def as_json(self) -> str:
        """The same as :meth:`block`, as JSON: ``ok``, ``facts``, ``problems``."""
        problems = [asdict(finding) for finding in self.sorted_findings()]
        document = _redacted(dict(ok=self.ok, facts=self.facts, problems=problems))
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


def _redacted(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: _redacted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_redacted(item) for item in value]
    return redact(value) if isinstance(value, str) else value
