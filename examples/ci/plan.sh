#!/usr/bin/env bash
# On a pull request: what the change asks of the models and costs, and what of the release changes: plan.md, ready for a
# comment. Calls no model.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
recipe=${RECIPE:-recipe.toml}
repo=$(python "$here/recipe.py" "$recipe" publish repo)

python "$here/journal.py" fetch
reuse=()
if [[ -f journal.sqlite ]]; then
  reuse=(--reuse journal.sqlite)
fi

{
  echo "## What this change does"
  echo
  audiomcq run "$recipe" "${reuse[@]}" --dry-run --markdown
  echo
  code=0
  audiomcq run "$recipe" "${reuse[@]}" --replay >&2 || code=$?
  case $code in
    0)
      if [[ -n $repo ]] && audiomcq diff "$repo" build/release --markdown > diff.md; then
        echo "### Against the release on the Hub"
        echo
        cat diff.md
      else
        echo "There is no release to compare with yet."
      fi
      ;;
    7) echo "What changes in the release is known after the build: the journal does not have every reply." ;;
    *) exit "$code" ;;
  esac
} > plan.md
