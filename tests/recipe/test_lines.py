"""Finding the line of a key in TOML text."""

from __future__ import annotations

import pytest

from audiomcq_cli.recipe.lines import find_line

LINES = """\
# [a] is only a comment
top = 1

[a]  # here
x = 1
# y = 3
[a.b]
y = 2
[ a . b . c ]
deep = 1
[a.d]
dotted.key = 1
inline = { p = 1, q = 2 }
["quoted.name"]
"with space" = 1
'plain' = 1

[[list]]
v = 1
items = [
  [1, 2],
]
[list.sub]
w = 1

[[list]]
v = 2
[list.sub]
w = 1
[after]
text = '''
[list]
z = 5
'''
z = 1
"""


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        (["top"], 2),
        (["a"], 4),
        (["a", "x"], 5),
        (["a", "none"], 4),
        (["a", "b", "y"], 8),
        (["a", "b", "c", "deep"], 10),
        (["a", "d", "dotted", "key"], 12),
        (["a", "d", "dotted"], 12),
        (["a", "d", "inline", "q"], 13),
        (["quoted.name", "with space"], 15),
        (["quoted.name", "plain"], 16),
        (["list"], 18),
        (["list", 0, "v"], 19),
        (["list", 0, "items", 0, 1], 20),
        (["list", 0, "sub", "w"], 24),
        (["list", 1], 26),
        (["list", 1, "none"], 26),
        (["list", 1, "v"], 27),
        (["list", 1, "sub", "w"], 29),
        (["after", "z"], 35),
        (["none"], 1),
    ],
)
def test_find_line(keys: list[str | int], line: int) -> None:
    """The line of a key, whatever stands around it, or of the nearest table or key that is there."""
    assert find_line(LINES, keys) == line
