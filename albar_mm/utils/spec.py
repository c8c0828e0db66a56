"""Small specs on the command line: ``png:FOLDER``, ``hog,stride=8``, ``union(png:A,motion)``.

A table says which forms there are: how each is written -> what makes it, for example::

    FORMS = {
        'motion[,key=value]': MotionMasks,
        'png:FOLDER': PngMasks,
        'dnn:MODEL[,key=value]': SegmenterMasks,
        'union(MASKS,MASKS[,radius=1])': UnionMasks,
    }

The maker's signature is the grammar, so that nothing is said twice. Its first parameters take what
stands behind the colon or, made first, the specs between the parentheses; all others are options.
Annotations tell how they are written: ``bool``, ``int``, ``float``, ``str`` (text behind a colon
is handed on as it is), ``tuple[int, int]`` as ``256x256``, ``tuple[float, float, float]`` as
``0.4/0.5/0.6``, and ``Path`` or a class that is made of one: an existing file (a folder where the
usage says ``FOLDER``, either for ``FOLDER_OR_FILE``). What values mean is checked by the maker; see
:func:`require`.

A path may hold commas, equals signs and blanks. Between parentheses, one that holds parentheses, or
a comma followed by a form or an option, stands in double quotes.
"""

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .errors import DatasetError, absence
from .numbers import number
from .text import did_you_mean

Forms = Mapping[str, Callable[..., Any]]
_TUPLES: dict[Any, tuple[str, type, int, str]] = {
    tuple[int, int]: ('x', int, 2, 'HEIGHTxWIDTH in px, e.g. 256x256'),
    tuple[float, float, float]: ('/', float, 3, 'three numbers, e.g. 0.485/0.456/0.406'),
}
_PLACES: dict[str, tuple[Callable[[Path], bool], str]] = {
    'FOLDER': (Path.is_dir, 'folder'),
    'FOLDER_OR_FILE': (Path.exists, 'folder or file'),
}


def make(text: str, forms: Forms, what: str) -> Any:
    """Make what a spec describes.

    Args:
        text: The spec.
        forms: Usage of a form -> its maker; see the head of this module.
        what: What the spec is of, for messages, e.g. ``'mask source'``.

    Returns:
        What the maker returns.

    Raises:
        DatasetError: There is no such form or option, a value or the number of specs does not fit,
            or a file is missing; names the spec.
    """
    try:
        return _Grammar(forms, what).read(text)
    except DatasetError as error:
        raise DatasetError(f'{what} {text!r}: {error}') from error


def require(made: object, **options: tuple[bool, str]) -> None:
    """Check the values of options, for the ``__post_init__`` of what a spec makes.

    Args:
        made: Has the options as attributes.
        **options: Option -> whether its value is sound, and what is expected.

    Raises:
        DatasetError: One is not sound.
    """
    for option, (sound, expected) in options.items():
        if not sound:
            raise DatasetError(f'{option}={getattr(made, option)!r}: expected {expected}')


class _Form:
    """One row of the table, its usage and its maker's signature read."""

    def __init__(self, usage: str, maker: Callable[..., Any]) -> None:
        self.usage, self.maker = usage, maker
        self.name, self.opening, self.place = re.match(r'(\w+)([:(]?)(\w*)', usage).groups()  # type: ignore[union-attr]
        taken = {'': 0, ':': 1, '(': usage.partition('[')[0].count(',') + 1}[self.opening]
        hints = typing.get_type_hints(maker)
        parameters = [
            (name, _without_none(hints[name]), parameter.default is parameter.empty)
            for name, parameter in inspect.signature(maker).parameters.items()
        ]
        self.hints = [hint for _, hint, _ in parameters[:taken]]
        self.options = {name: hint for name, hint, _ in parameters[taken:]}
        self.needed = [name for name, _, needed in parameters[taken:] if needed]

    def make(self, given: list[Any], options: Mapping[str, str]) -> Any:
        """Make it of what it takes and the text of its options."""
        missing = [name for name in self.needed if name not in options]
        if missing:
            raise DatasetError(f'{missing[0]}= is missing; expected {self.usage}')
        return self.maker(*given, **{k: _value(k, v, self.options[k]) for k, v in options.items()})

    def split(self, text: str) -> tuple[str, dict[str, str]]:
        """Divide ``rest,key=value,...``; keys that it does not know stay in the rest."""
        if not self.options:
            return text.strip(), {}
        rest, *pieces = re.split(rf',\s*(?=(?:{"|".join(self.options)})\s*=)', text)
        options: dict[str, str] = {}
        for piece in pieces:
            key, _, value = (part.strip() for part in piece.partition('='))
            if key in options:
                raise DatasetError(f'{key}= is given twice')
            unknown = re.search(r',\s*(\w+)\s*=', value)
            if unknown:
                raise self.no_option(unknown[1])
            options[key] = value
        return rest.strip(), options

    def path(self, text: str) -> Path:
        """The file or folder behind the colon, which must be there."""
        there, kind = _PLACES.get(self.place, (Path.is_file, 'file'))
        path = _unquoted(text)
        if not text:
            raise DatasetError(f'expected {self.usage}')
        if not there(path):
            before = re.match(r'(.*?),\s*(\w+)\s*=', text)
            if before and there(_unquoted(before[1])):
                raise self.no_option(before[2])
            why = absence(path, kind == 'folder') if path.exists() else f'no such {kind}'
            raise DatasetError(f'{path}: {why}; expected {self.usage}')
        return path

    def no_option(self, key: str) -> DatasetError:
        """The error for an option that it does not know."""
        known = ', '.join(self.options) or 'none'
        guess = did_you_mean(key, self.options)
        return DatasetError(f'{self.name} has no option {key!r}{guess}; options: {known}')


class _Grammar:
    def __init__(self, forms: Forms, what: str) -> None:
        self.what = what
        self.forms = {form.name: form for form in (_Form(*row) for row in forms.items())}
        self.keys = {key for form in self.forms.values() for key in form.options}
        starts = [
            name + (re.escape(form.opening) or r'\s*(?:,|$)') for name, form in self.forms.items()
        ]
        starts += [rf'{key}\s*=' for key in self.keys]
        self.argument = re.compile(rf'\s*(?:{"|".join(starts)})')

    def read(self, text: str) -> Any:
        text = text.strip()
        name = _word(text)
        form, rest = self.forms.get(name), text[len(name) :]
        if form is None:
            guess = did_you_mean(name.lower(), self.forms)
            usages = ', '.join(form.usage for form in self.forms.values())
            raise DatasetError(f'no such {self.what}{guess}; expected one of: {usages}')
        if not (rest.startswith(form.opening) if form.opening else re.match(r'\s*(,|$)', rest)):
            raise DatasetError(f'expected {form.usage}')
        if form.opening == '(':
            return self._function(form, rest[1:])
        left, options = form.split(rest[1:] if form.opening else rest)
        if form.opening:
            hint = form.hints[0]
            given = left if hint is str else hint(form.path(left))
            return form.make([given], options)
        if left.strip(', '):
            raise form.no_option(left.strip(', ').partition('=')[0].strip())
        return form.make([], options)

    def _function(self, form: _Form, text: str) -> Any:
        if not text.endswith(')'):
            raise DatasetError(f'no closing parenthesis; expected {form.usage}')
        specs, own = [], ''
        for argument in self._arguments(text[:-1]):
            key, equals, _ = argument.partition('=')
            if key.strip() not in self.keys or not equals:
                specs.append(argument)
                continue
            last = self.forms.get(_word(specs[-1])) if specs else None
            if last and last.opening != '(' and key.strip() in last.options:
                specs[-1] += f',{argument}'
            else:
                own += f',{argument}'
        left, options = form.split(own)
        if left:
            raise form.no_option(left.strip(', ').partition('=')[0].strip())
        if len(specs) != len(form.hints):
            raise DatasetError(
                f'{form.name} takes {len(form.hints)} specs, got {len(specs)}; expected '
                f'{form.usage}; put paths with parentheses or commas into double quotes'
            )
        return form.make([self.read(spec) for spec in specs], options)

    def _arguments(self, text: str) -> list[str]:
        """Split at the commas outside of parentheses and quotes that an argument follows."""
        parts, start, depth, quoted = [], 0, 0, False
        for index, character in enumerate(text):
            if character == '"':
                quoted = not quoted
            elif not quoted:
                depth += (character == '(') - (character == ')')
                if character == ',' and depth == 0 and self.argument.match(text, index + 1):
                    parts.append(text[start:index])
                    start = index + 1
        return [*parts, text[start:]]


def _word(text: str) -> str:
    return re.match(r'\s*(\w*)', text)[1]  # type: ignore[index]


def _unquoted(text: str) -> Path:
    quoted = re.fullmatch(r'"(.*)"', text.strip())
    return Path(quoted[1] if quoted else text.strip()).expanduser()


def _without_none(hint: Any) -> Any:
    if isinstance(hint, types.UnionType):
        return next(part for part in typing.get_args(hint) if part is not types.NoneType)
    return hint


def _value(key: str, text: str, hint: Any) -> Any:
    """Read the value of an option as its annotation wants it."""
    if not text:
        raise DatasetError(f'{key}=: expected a value')
    if hint is str:
        return text
    if hint is bool:
        if text.lower() not in ('true', 'false'):
            raise DatasetError(f'{key}={text}: expected true or false')
        return text.lower() == 'true'
    if hint in (int, float):
        return number(text, f'{key}={text}', whole=hint is int)
    if hint in _TUPLES:
        separator, kind, count, expected = _TUPLES[hint]
        parts = text.lower().split(separator)
        try:
            if len(parts) != count:
                raise DatasetError
            return tuple(number(part, key, whole=kind is int) for part in parts)
        except DatasetError as error:
            raise DatasetError(f'{key}={text}: expected {expected}') from error
    path = _unquoted(text)
    if why := absence(path):
        raise DatasetError(f'{key}={text}: {path}: {why}')
    return hint(path)
