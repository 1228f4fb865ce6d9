#!/usr/bin/env bash
# Build the corpus, with as few calls as the journal allows (with REPLAY=1 none), and store the journal; what was paid
# for is stored also where the build ends in the middle.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
recipe=${RECIPE:-recipe.toml}

python "$here/journal.py" fetch
if [[ -f journal.sqlite ]]; then
  audiomcq journal unpack journal.sqlite build
fi

if [[ -n ${REPLAY:-} ]]; then
  exec audiomcq run "$recipe" --replay
fi
code=0
audiomcq run "$recipe" || code=$?
audiomcq journal pack build journal.sqlite --replace
python "$here/journal.py" store
exit "$code"
