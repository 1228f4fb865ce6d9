"""The history of a row: every prompt, raw reply and decision behind it, stage by stage.

The flow of each stage is driven again from its input row with the replies of the journal, so what is shown is what was
asked. Prompts, options and models come from the manifest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audiomcq_cli.contracts import Audio, BackendKind, Call, Clip, Context, Failure, Model, Reject, Row, Silence, Stage
from audiomcq_cli.engine.flows.answerers import Replay
from audiomcq_cli.engine.flows.asker import Asker, Rendered
from audiomcq_cli.engine.flows.drive import drive, items_of
from audiomcq_cli.engine.intake.questions import read_first
from audiomcq_cli.engine.journal.file import OPENING
from audiomcq_cli.engine.journal.journal import Entry
from audiomcq_cli.engine.ledger.described import restore_model
from audiomcq_cli.engine.ledger.run_log import read_log
from audiomcq_cli.engine.opening import reopen
from audiomcq_cli.engine.planned import plan_shard
from audiomcq_cli.engine.prepared import load_prepared
from audiomcq_cli.engine.runtime import Runtime
from audiomcq_cli.errors import InputError
from audiomcq_cli.foreign.templates import Renderer
from audiomcq_cli.storage import manifest as manifests
from audiomcq_cli.storage.files import HIDDEN
from audiomcq_cli.storage.prompts import Prompts
from audiomcq_cli.storage.shards import list_shards, read_rows


@dataclass(frozen=True, slots=True)
class Try:
    """One reply: its journal key, model and prompt, the turns that were sent, the raw text and why it was unusable.

    For scores, the text is a line for each continuation, with its log-probability.
    """

    key: str
    model: str
    prompt: str
    turns: Sequence[tuple[str, str]]
    reply: str
    error: str


@dataclass(frozen=True, slots=True)
class Step:
    """One stage in the history of a row: its tries in order, and the outcome of the work item, with the reason in
    words.
    """

    stage: str
    item: str
    outcome: str
    reason: str
    tries: Sequence[Try]
    row: Row | None
    detail: str = ""


async def trace(
    folder: Path,
    name: str,
    *,
    workdir: Path | None,
    reuse: Sequence[Path] = (),
    stages: Mapping[str, Stage[Any]],
    build: Callable[[type, Mapping[str, Any]], Any],
    backends: Mapping[str, BackendKind[Any]],
) -> list[Step]:
    """Follow an id back from a stage folder to its source.

    Args:
        folder: Stage folder.
        name: Id of one of its items, kept or not.
        workdir: Folder of the journal, if not the one in the run log of each stage.
        reuse: Journals searched for replies that it lacks.
        stages: All stages by name.
        build: Makes options of a class from a table; raises ``InputError`` if the table does not fit.
        backends: All backends by name.

    Raises:
        InputError: The folder or the id does not exist, or the manifest has another version.
        ReplayMiss: The journal lacks a reply.
    """
    steps: list[Step] = []
    here: Path | None = folder
    wanted, seen = {name}, set[Path]()
    while here is not None:
        if here.resolve() in seen:
            raise InputError("its manifest names itself as its input", file=str(here), hint=_AGAIN)
        seen.add(here.resolve())
        manifest = manifests.read_manifest(here)
        if manifest is None and here != folder:
            break  # rows that were brought from elsewhere
        if manifest is None:
            raise InputError("no finished stage in this folder", file=str(here), hint="trace reads a stage folder")
        stage = _find_stage(manifest, stages, here)
        source = (here / manifest["input"]).resolve() if manifest["input"] else None
        step = manifest["lineage"][-1]
        if stage.flow is None:
            steps += _find_reject(here, manifest["stage"], wanted) or _find_kept(here, manifest["stage"], wanted)
        else:
            models = _restore_models(step, backends, here)
            context = Context(
                _restore_options(stage, step, build, here),
                step.get("seed", 0),
                load_prepared(stage, here),
                {name: model.audio_window for name, model in models.items() if model.audio_window is not None},
                step.get("keep_broken", False),
            )
            # An item that was dropped before this stage, or a clip's id, is found further back.
            if found := _find(here, source, stage, context.options, wanted):
                shard, row = found
                place = (workdir or find_workdir(here)) / "journal" / manifest["stage"]
                path = place / f"{shard.stem}.sqlite"
                roots = {source: here / root for source, root in manifest["audio_roots"].items()}
                rows = _read_input(shard, stage)
                steps.append(
                    await _replay(manifest, stage, context, models, row, rows, name, path, reuse, backends, roots)
                )
                wanted = {row[stage.key], row["clip_id"]}
        here = source
    if not steps:
        hint = "ids are those of clips and questions, as they stand in the rows and in the rejects"
        raise InputError(f"no item {name!r}, here or in the stages before", file=str(folder), hint=hint)
    return steps[::-1]


_AGAIN = "ask whoever made this folder for a whole copy, or run the stage again"


def _find_stage(manifest: Mapping[str, Any], stages: Mapping[str, Stage[Any]], folder: Path) -> Stage[Any]:
    """Return the stage of a manifest, the last of its lineage."""
    name = manifest["stage"]
    if name not in stages:
        raise InputError(f"of a stage {name!r:.60} that this version does not have", file=str(folder), hint=_AGAIN)
    if not manifest["lineage"] or manifest["lineage"][-1]["stage"] != name:
        raise InputError(f"its lineage does not end in {name}", file=str(folder), hint=_AGAIN)
    return stages[name]


def _restore_models(
    step: Mapping[str, Any], backends: Mapping[str, BackendKind[Any]], folder: Path
) -> dict[str, Model]:
    """Return the models of a stage by name, as its manifest describes them."""
    file = str(folder)
    models = {name: restore_model(name, table, file, hint=_AGAIN) for name, table in step["models"].items()}
    for model in models.values():
        if model.backend not in backends:
            raise InputError(
                f"of a backend {model.backend!r:.60} that this version does not have", file=file, hint=_AGAIN
            )
    return models


def _restore_options(
    stage: Stage[Any], step: Mapping[str, Any], build: Callable[[type, Mapping[str, Any]], Any], folder: Path
) -> Any:
    """Return the options of a stage from its manifest; a missing one has its default."""
    try:
        return build(stage.options, step["options"])
    except InputError as error:
        raise InputError(
            f"its manifest has options that {step['stage']} does not take: {error}", file=str(folder), hint=_AGAIN
        ) from error


def find_workdir(folder: Path) -> Path:
    """Return the folder with the journal of the last run of a stage, from its run log; else the folder beside it."""
    log = read_log(folder)
    return folder / log[-1].get("workdir", "..") if log else folder.resolve().parent


def _find_reject(here: Path, stage: str, wanted: set[str]) -> list[Step]:
    """Return the rejection of an item by a stage without requests."""
    for path in sorted((here / HIDDEN / "rejects").glob("*.parquet")):
        for row in read_rows(path):
            if row["id"] in wanted:
                return [Step(stage, row["id"], row["outcome"], row["reason"], (), None, row["detail"])]
    return []


def _find_kept(here: Path, stage: str, wanted: set[str]) -> list[Step]:
    """Return the row of an item that a stage without requests kept; of other shards only ids are read."""
    for shard in list_shards(here):
        if any(row["id"] in wanted for row in read_rows(shard.path, ("id",))):
            return [Step(stage, row["id"], "kept", "", (), row) for row in read_rows(shard.path) if row["id"] in wanted]
    return []


def _find(
    here: Path, source: Path | None, stage: Stage[Any], options: Any, wanted: set[str]
) -> tuple[Path, Row] | None:
    """The input row that holds a work item, and the shard that it is in; None where there is none."""
    if source is None:
        paths = sorted((here / HIDDEN / "partition").glob("part-*.jsonl"))
    else:
        paths = [shard.path for shard in list_shards(source)]
    for path in paths:
        for row in _read_input(path, stage):
            if row[stage.key] in wanted or wanted & set(items_of(stage, row, options)):
                return path, row
    return None


def _read_input(path: Path, stage: Stage[Any]) -> Iterator[Row]:
    """The rows of an input shard: a partition of sources, or a shard that another stage wrote."""
    return read_first(path, stage) if path.suffix == ".jsonl" else read_rows(path, stage.reads)


def _describe_audio(part: Audio) -> str:
    """Return an audio part as a line of its turn."""
    name, _ = part.key()
    match part:
        case Silence():
            return f"[audio: {name}]\n"
        case Clip():
            return f"[audio: {part.path}]\n" if part.whole else f"[audio: {part.path}, {name}]\n"


def _describe_scores(call: Call, entry: Entry) -> str:
    scored = zip(call.continuations, entry.value or (), strict=False)  # there are none where the reply is of no use
    return "\n".join(f"{score['logprob']:.3f} {text}" for text, score in scored)


async def _replay(
    manifest: Mapping[str, Any],
    stage: Stage[Any],
    context: Context[Any],
    models: Mapping[str, Model],
    row: Row,
    shard: Iterable[Row],
    name: str,
    path: Path,
    reuse: Sequence[Path],
    backends: Mapping[str, BackendKind[Any]],
    roots: Mapping[str, Path],
) -> Step:
    step = manifest["lineage"][-1]
    tries: list[Try] = []

    def watch(key: bytes, rendered: Rendered, call: Call, entry: Entry) -> None:
        if key.hex() in [one.key for one in tries]:
            return  # two scorings of one model share it
        turns = [(turn.role, "".join(map(_describe_audio, turn.audio)) + turn.text) for turn in call.messages]
        said = entry.text or _describe_scores(call, entry)
        tries.append(Try(key.hex(), rendered.model.name, rendered.prompt.name, turns, said, entry.error))

    kinds = {name: replace(kind, identify=None) for name, kind in backends.items()}  # the manifest says who they are
    texts = {prompt: kept["text"] for prompt, kept in step["prompts"].items()}
    with Renderer() as renderer:
        async with Runtime(models, kinds, prompts=Prompts(texts=texts, render=renderer.render)) as runtime:
            if stage.opening:
                with closing(runtime.journals.read(path.with_name(OPENING), reuse, replay=True)) as opening:
                    context = await reopen(manifest["stage"], stage, context, runtime, opening, roots)
            context = plan_shard(stage, context, shard)
            journal = runtime.journals.read(path, reuse, replay=True)
            run = (journal.leased() or ("", 0))[1]
            asker = Asker(manifest["stage"], runtime, journal, run, Replay(), roots, watch)
            driven = await drive(stage, row, context, asker.ask)
            journal.close()
    item = name if name in driven.outcomes else next(iter(driven.outcomes))
    outcome = driven.outcomes[item]
    reason = outcome.reason if isinstance(outcome, Reject) else ""
    reason = outcome.reply.error if isinstance(outcome, Failure) else reason
    detail = outcome.detail if isinstance(outcome, Reject) else ""
    detail = outcome.reply.detail if isinstance(outcome, Failure) else detail
    word = {list: "kept", Reject: "rejected", Failure: "failed"}[type(outcome)]
    rows = outcome if isinstance(outcome, list) else []
    return Step(manifest["stage"], item, word, reason, tries, rows[0] if rows else None, detail)
