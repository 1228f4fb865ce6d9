"""Print a value of a recipe, or nothing where it is not set: `recipe.py recipe.toml project version`."""

import sys
import tomllib

with open(sys.argv[1], "rb") as file:
    value = tomllib.load(file)
for key in sys.argv[2:]:
    value = value.get(key, {})
print(value or "")
