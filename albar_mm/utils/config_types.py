"""What the ``type`` of a part of a config names: text, a class, or a name with its scope."""

from collections.abc import Iterator, Mapping
from typing import Any


def type_name(node: Any) -> str:
    """Name of the class that a part of a config asks for.

    Args:
        node: A dict with ``type``, a ``type`` itself (text or class), or an object that was built.

    Returns:
        The bare name: ``'VideoDataset'`` for ``'mmaction.VideoDataset'``, for the class and for an
        instance; ``''`` for a dict without a type and for None.
    """
    kind = node.get('type') if isinstance(node, Mapping) else node
    if kind is None:
        return ''
    if not isinstance(kind, str):
        kind = kind.__name__ if hasattr(kind, '__name__') else type(kind).__name__
    return kind.rpartition('.')[2]


def class_of(node: Any, registry: Any) -> Any:
    """The class that a part of a config asks for; None if it is not registered.

    Args:
        node: A dict with ``type``, or a ``type`` itself (text or class).
        registry: Registry of MMEngine, where a name is looked up.
    """
    kind = node.get('type') if isinstance(node, Mapping) else node
    return registry.get(kind) if isinstance(kind, str) else kind


def is_type(node: Any, *names: str) -> bool:
    """Whether a part of a config asks for one of these classes.

    Args:
        node: As for :func:`type_name`.
        *names: Bare names.
    """
    return type_name(node) in names


def plain_types(node: Any) -> Any:
    """A config, or a part of one, as JSON can hold it: the same for text and for classes.

    Args:
        node: Dicts, lists and values.

    Returns:
        Classes and functions as their bare names, tuples as lists.
    """
    if isinstance(node, Mapping):
        return {str(key): plain_types(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [plain_types(value) for value in node]
    return type_name(node) if callable(node) else node


def mappings(node: Any, key: str = '') -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All dicts in a config, outer ones first.

    Args:
        node: A config, or a part of one.
        key: Dotted name of that part.

    Yields:
        Dotted name and dict.
    """
    if isinstance(node, Mapping):
        yield key, node
        inner: Any = node.items()
    elif isinstance(node, list | tuple):
        inner = enumerate(node)
    else:
        return
    for name, value in inner:
        yield from mappings(value, f'{key}.{name}' if key else str(name))
