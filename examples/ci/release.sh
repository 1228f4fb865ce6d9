#!/usr/bin/env bash
# On a tag such as v1.2.0, after rebuild.sh: check the release, and publish it where the recipe says.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
recipe=${RECIPE:-recipe.toml}
tag=$1
version=$(python "$here/recipe.py" "$recipe" project version)

if [[ $tag != "v$version" ]]; then
  echo "the tag is $tag, and version in $recipe is $version" >&2
  exit 1
fi
audiomcq publish build/split build/release --recipe "$recipe" --push
audiomcq validate build/release
