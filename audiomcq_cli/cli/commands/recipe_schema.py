"""``recipe-schema``: prints the JSON Schema of a recipe."""

from __future__ import annotations

from audiomcq_cli.cli.console import out


def recipe_schema() -> None:
    """Print the JSON Schema of a recipe, for editors that check TOML."""
    from audiomcq_cli.recipe.read import recipe_schema as whole

    out.json(whole())
