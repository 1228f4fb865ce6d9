"""Print a value of a recipe, or nothing where it is not set: `recipe.py recipe.toml project version`."""

import sys
import tomllib
from pathlib import Path

value = tomllib.loads(Path(sys.argv[1]).read_text("utf-8"))
for key in sys.argv[2:]:
    value = value.get(key, {})
print(value or "")
