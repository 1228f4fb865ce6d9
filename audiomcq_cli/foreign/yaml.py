"""Reads YAML from untrusted authors, with limits on size, depth, and the expansion of aliases.

PyYAML keeps an alias as a second reference to one object, so a few hundred bytes of aliases ("billion laughs") are
cheap to read and take gigabytes to compare, print or write. Its errors about a scalar vary: ``2026-13-45`` is a
``ValueError``, ``!!int ""`` an ``IndexError``, ``!!bool maybe`` a ``KeyError``.
"""

from __future__ import annotations

from typing import Any

from audiomcq_cli.errors import InputError

LARGEST = 256 * 2**10
"""Most characters. The head of our largest cards has 40,000; PyYAML alone takes 5 s for this many."""

MOST_NODES = 100_000
"""Most values, with those that aliases repeat counted again."""

DEEPEST = 64


def read_yaml(text: str, file: str, *, hint: str = "") -> dict[str, Any]:
    """Return the keys and values of a YAML document; empty if it has none.

    Raises:
        InputError: The text is not YAML of keys and values, too large, too deep, or repeats too much by aliases.
    """
    import yaml  # type: ignore[import-untyped]  # no stubs among the dependencies

    if len(text) > LARGEST:
        raise InputError(f"its YAML has more than {LARGEST:,} characters", file=file, hint=hint)
    fast = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_depth(yaml.parse(text, fast))
        loader = fast(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return {}
            _check_size(node)
            found = _construct(loader, node)
        finally:
            loader.dispose()
    except InputError as error:
        raise InputError(str(error), file=file, hint=hint) from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise InputError(f"its YAML cannot be read: {' '.join(str(error).split())}", file=file, hint=hint) from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InputError("its YAML is not one of keys and values", file=file, hint=hint)
    return {str(name): value for name, value in found.items()}


def _construct(loader: Any, node: Any) -> Any:
    """Return the Python value of a node; an error names the line of the scalar."""
    try:
        return loader.construct_document(node)
    except Exception as error:  # PyYAML lets through what int, date or dict raise: see above
        if type(error).__module__.startswith("yaml"):
            raise
        scalar = _find_culprit(loader, node) or node
        what = scalar.value if isinstance(scalar.value, str) else "a value"
        line = scalar.start_mark.line + 1
        raise InputError(f"its YAML cannot be read: line {line}: {what[:80]!r}: {error}; is it meant as text?"
                         " then put it in quotes") from error  # fmt: skip


def _find_culprit(loader: Any, node: Any) -> Any:
    """Return the first scalar that cannot be constructed by itself."""
    import yaml

    for one in _walk(node):
        if isinstance(one, yaml.ScalarNode):
            try:
                loader.constructed_objects.clear()
                loader.recursive_objects.clear()
                loader.construct_object(one)
            except Exception:  # noqa: BLE001 - whichever it was, this is the scalar
                return one
    return None


def _check_depth(events: Any) -> None:
    """Refuse a deep document before recursive code reads it."""
    depth = 0
    for number, event in enumerate(events):
        name = type(event).__name__
        depth += name.endswith("StartEvent") - name.endswith("EndEvent")
        if depth > DEEPEST:
            raise InputError(f"its YAML is more than {DEEPEST} levels deep")
        if number > 4 * MOST_NODES:
            raise InputError(f"its YAML has more than {MOST_NODES:,} values")


def _check_size(root: Any) -> None:
    """Refuse a document that is too large with every alias written out, or that contains itself."""
    sizes: dict[int, int] = {}

    def measure(node: Any, above: frozenset[int]) -> int:
        if id(node) in above:
            raise InputError("an alias in its YAML refers to what it is part of")
        if id(node) not in sizes:
            if len(above) > DEEPEST:
                raise InputError(f"its YAML is more than {DEEPEST} levels deep")
            inside = above | {id(node)}
            sizes[id(node)] = 1 + sum(measure(part, inside) for part in _parts(node))
        return sizes[id(node)]

    if measure(root, frozenset()) > MOST_NODES:
        raise InputError(f"its YAML has more than {MOST_NODES:,} values, or repeats as many by aliases")


def _walk(root: Any) -> Any:
    """Yield a node and everything below it, in order. Cycles were refused before."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += _parts(node)[::-1]


def _parts(node: Any) -> list[Any]:
    if isinstance(node.value, str):
        return []
    return [part for one in node.value for part in (one if isinstance(one, tuple) else (one,))]
