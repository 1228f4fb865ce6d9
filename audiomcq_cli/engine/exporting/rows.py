"""Turns rows into records. A row without records is counted by reason and listed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from audiomcq_cli.contracts import Export, Record, Reject, Row, Written
from audiomcq_cli.engine.exporting.audio import Clips
from audiomcq_cli.engine.exporting.files import open_data_file
from audiomcq_cli.storage.files import HIDDEN

LEFT_OUT = f"{HIDDEN}/left_out.jsonl"
"""File inside an export that lists the rows left out: id, reason, detail. It is there only if there are any."""

NO_RECORD = "no_record"
"""Reason code of a row for which an export returns no record and no reason."""


def write_rows(export: Export[Any], options: Any, rows: Iterable[Row], folder: Path, clips: Clips) -> Written:
    """Write the data files of an export and the list of rows left out; only one row is held at a time.

    Args:
        export, options: The format. rows: What is exported. folder: Where the files are written. clips: Its audio.

    Raises:
        InputError: The export makes no sense of these rows, one of them or all together.
    """
    read = 0
    left_out: Counter[str] = Counter()
    tally: Counter[str] = Counter()
    counts = dict.fromkeys(export.files, 0)
    columns = export.columns(options) if export.columns else {}
    with ExitStack() as stack:
        files = {name: stack.enter_context(open_data_file(folder / name, columns)) for name in export.files}
        listed = stack.enter_context(_listing(folder / LEFT_OUT))
        for row in rows:
            read += 1
            made = make_records(export, options, row, clips)
            if isinstance(made, Reject):
                left_out[made.reason] += 1
                entry = {"id": row["id"], "reason": made.reason, "detail": made.detail}
                listed.write(json.dumps(entry, ensure_ascii=False) + "\n")
                continue
            name = export.pick(row, options) if export.pick else export.files[0]
            for record in made:
                files[name](record)
            counts[name] += len(made)
            if export.tally:
                tally[export.tally(row, options)] += 1
    if not left_out:
        (folder / LEFT_OUT).unlink()
    written = Written(
        rows=read, records=counts, left_out=dict(sorted(left_out.items())), tally=dict(sorted(tally.items()))
    )
    if export.check:
        export.check(written, options)
    return written


def make_records(export: Export[Any], options: Any, row: Row, clips: Clips) -> Sequence[Record] | Reject:
    """The records of a row, with its audio in place; or why it is left out, and then its audio is not brought."""
    clip = clips.find(row)
    if isinstance(clip, Reject):
        return clip
    made = export.records(row | {"audio_path": clip.path} if clip else row, options)
    if isinstance(made, Reject):
        return made
    if not made:
        return Reject(NO_RECORD, "the export makes no record of it")
    if export.lint and (problem := next((one for record in made for one in export.lint(record, options)), None)):
        return problem
    return (clips.put(clip) if clip else None) or made


@contextmanager
def _listing(path: Path) -> Iterator[IO[str]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        yield file
