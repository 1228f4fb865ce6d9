"""Any dataset of the Hugging Face Hub: ``hf:org/name[@revision][:config[:split]]``, streamed, without decoding audio.

Audio in the rows, or in files of the repository, is kept unchanged in the work folder. If the rows only name it (a
path, a web address), it is searched for by name in the folder of the option ``audio``. The token comes from the
environment; ``HF_ENDPOINT`` chooses another Hub.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audiomcq_cli.contracts import Layout, Reject, Source, SourceRow, option
from audiomcq_cli.errors import InputError
from audiomcq_cli.hub import asking, find_refusal
from audiomcq_cli.sources._columns import FIELDS, Plan, check_mapping, plan_columns, read_row
from audiomcq_cli.sources._csv import describe_cell
from audiomcq_cli.sources._repository import ForeignFile, Place, Repository, check_card, check_data

_ADDRESS = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(@(?P<revision>[^:]+))?(:(?P<config>[^:]*)(:(?P<split>[^:]+))?)?")
_COMMIT = re.compile("[0-9a-f]{40}")
_FILES = ("audiofolder", "webdataset")
"""Builders of sets whose audio is in files, from which ``datasets`` makes rows."""

_HUB = "https://huggingface.co/datasets/"


@dataclass(frozen=True, slots=True)
class Options:
    """Options for a dataset of the Hub.

    Raises:
        RecipeError: ``columns`` names an unknown kind of content.
    """

    columns: Mapping[str, str] = option({}, 'which column holds what, as { caption = "text", audio = "file" }')
    own_names: bool = option(False, "no two audio files have the same name, even in different folders")

    def __post_init__(self) -> None:
        check_mapping(self.columns)


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a dataset on the Hub: repository, revision, config and split; empty where it was not given."""

    repo: str
    revision: str = ""
    config: str = ""
    split: str = ""

    def __str__(self) -> str:
        parts = [f"{self.repo}@{self.revision}" if self.revision else self.repo, self.config, self.split]
        return ":".join(parts).rstrip(":")


def read(path: Path, options: Options) -> Iterator[SourceRow]:
    """Stream the rows.

    Raises:
        InputError: The dataset, config, split or column does not exist, or a cell is invalid.
        HubError: The Hub refuses, or does not answer.
    """
    told = _parse_address(path)
    info = _ask(told)
    address, card = replace(told, revision=str(info.sha)), info.card_data
    check_card(card, f"hf:{told}")
    repository = Repository(address.repo, address.revision)
    opened = _open(address, repository)
    file, license_ = f"hf:{told}", _find_license(card)
    plan: Plan | None = None
    for row, cells in enumerate(_stream(opened, told), 1):
        plan = plan or plan_columns(options.columns, list(cells), file, audio=opened.audio, own_names=options.own_names)
        made = _read_cells(row, cells, plan, repository, archives=opened.lists_files)
        yield replace(
            made,
            license=made.license or (license_ if made.content else None),
            origin=made.origin or f"{_HUB}{address.repo}",
        )


def _read_cells(row: int, cells: Mapping[str, Any], plan: Plan, repository: Repository, *, archives: bool) -> SourceRow:
    """Return a row of the set. A row that names a file outside the set gets a problem, and nothing is requested."""
    if not plan.audio:
        return read_row(row, cells, plan)
    try:
        held = _hold_audio(cells.get(plan.audio), repository, (plan.file, row, plan.audio), archives=archives)
    except ForeignFile as error:
        problem = Reject("path_outside_root", describe_cell(plan.file, row, plan.audio, str(error)))
        return replace(read_row(row, {**cells, plan.audio: None}, plan), problem=problem)
    return read_row(row, {**cells, plan.audio: held}, plan)


def pin(path: Path, options: Options) -> Path:
    """Return the same address at the commit that its revision names now; raises like ``read``."""
    address = _parse_address(path)
    if _COMMIT.fullmatch(address.revision):
        return path
    return Path(str(replace(address, revision=str(_ask(address).sha))))


def _parse_address(path: Path) -> Address:
    found = _ADDRESS.fullmatch(path.as_posix())
    if not found:
        hint = "expected hf:org/name[@revision][:config[:split]]"
        raise InputError("not the address of a dataset", file=f"hf:{path}", hint=hint)
    return Address(**{name: part or "" for name, part in found.groupdict().items()})


def _ask(address: Address) -> Any:
    from huggingface_hub import HfApi

    with asking(str(address)):
        return HfApi().dataset_info(address.repo, revision=address.revision or None)


def _find_license(card: Any) -> str | None:
    """Return the license of the set from its card; it covers the audio in the set."""
    found = card.get("license") if card else None
    return ", ".join(map(str, found)) if isinstance(found, list) else found


@dataclass(frozen=True, slots=True)
class _Opened:
    """A set whose rows can be read.

    Attributes:
        rows: Rows from ``datasets``.
        audio: The column with audio type, if there is one.
        lists_files: Whether ``datasets`` itself has listed the audio files, those in archives included.
    """

    rows: Iterator[dict[str, Any]]
    audio: str
    lists_files: bool


def _open(address: Address, repository: Repository) -> _Opened:
    """Open a set without decoding anything: decoding a cell opens whatever it names.

    Only the calls to the Hub are in the block that translates its errors.
    """
    import datasets

    datasets.disable_progress_bars()  # this program has its own
    with asking(str(address)), _refusing(address):
        parts = {"path": address.repo, "name": address.config or None, "revision": address.revision}
        builder = datasets.load_dataset_builder(**parts)
        check_data(builder.config.data_files, repository, f"hf:{address}")
        split = _choose_split(address)
        dataset = builder.as_streaming_dataset(split=split)
        features = dataset.features or {}
        names = [name for name, feature in features.items() if isinstance(feature, datasets.Audio)]
        if lists_files := builder.name in _FILES and bool(names):
            plain = datasets.Features({**features, **{name: _name_only() for name in names}})
            dataset = datasets.load_dataset_builder(features=plain, **parts).as_streaming_dataset(split=split)
        elif features:
            dataset = dataset.decode(False)
        return _Opened(iter(dataset), next(iter(names), ""), lists_files)


def _stream(opened: _Opened, address: Address) -> Iterator[dict[str, Any]]:
    from datasets.exceptions import DatasetGenerationError

    row = 0
    while True:
        try:
            with asking(str(address)), _having_loop():
                cells = next(opened.rows, None)
        except (DatasetGenerationError, ValueError, OSError) as error:
            said = (str(error).splitlines() or [type(error).__name__])[0]
            raise InputError(f"cannot be read: {said}", file=f"hf:{address}", row=row + 1) from error
        if cells is None:
            return
        row += 1
        yield cells


def _name_only() -> Any:
    """Return an audio feature that keeps only the name: ``datasets`` (5.2) needs torch to pass on a file beside a
    table.
    """
    import datasets

    class Named(datasets.Audio):  # type: ignore[misc]  # datasets has no types
        def encode_example(self, value: Any) -> Any:
            return {"bytes": None, "path": value} if isinstance(value, str) else value

        def decode_example(self, value: Any, token_per_repo_id: Any = None) -> Any:
            return value

    return Named(decode=False)


def _choose_split(address: Address) -> str:
    """Return the named split, the only one, or ``train``; raises ``InputError`` with the available ones."""
    import datasets

    if address.split:
        return address.split
    splits = datasets.get_dataset_split_names(address.repo, address.config or None, revision=address.revision)
    if len(splits) == 1 or "train" in splits:
        return "train" if "train" in splits else str(splits[0])
    config = address.config or "default"
    raise InputError(
        f"has the splits {', '.join(map(str, splits))}",
        file=f"hf:{address}",
        hint=f"name one: hf:{address.repo}:{config}:{splits[0]}",
    )


@contextmanager
def _having_loop() -> Iterator[None]:
    """Provide an event loop for this thread: ``datasets`` (5.2) expects one, and only the main thread has one."""
    import asyncio

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


@contextmanager
def _refusing(address: Address) -> Iterator[None]:
    """Translate the errors of ``datasets`` about a set, a config or a split that it cannot open."""
    from datasets.exceptions import DataFilesNotFoundError, DatasetNotFoundError

    file = f"hf:{address}"
    try:
        yield
    except (DataFilesNotFoundError, DatasetNotFoundError, ValueError, RuntimeError) as error:
        if find_refusal(error):
            raise  # for ``asking``, which encloses this
        if isinstance(error, DataFilesNotFoundError):
            hint = "sets that need a script of their own cannot be read; is there a copy as Parquet?"
            raise InputError("has no files that datasets can read", file=file, hint=hint) from error
        if isinstance(error, DatasetNotFoundError):
            hint = "is the name right? For a private one put a token into HF_TOKEN"
            raise InputError("no such dataset on the Hub, or none that may be seen", file=file, hint=hint) from error
        said = " ".join(str(error).split())  # a missing config or split, or a script
        hint = "hf:org/name:config:split names a part of it"
        raise InputError(f"cannot be opened: {said}", file=file, hint=hint) from error


def _hold_audio(value: Any, repository: Repository, place: tuple[str, int, str], *, archives: bool) -> Any:
    """Return the cell of a clip's audio: bytes unchanged, files of the set as a function that reads them, names as
    names.

    Raises:
        ForeignFile: The cell names a file outside the set.
    """
    path = value.get("path") if isinstance(value, dict) else value
    if not isinstance(path, str) or (isinstance(value, dict) and value.get("bytes") is not None):
        return value
    found = repository.find(path, archives=archives)
    if not found:
        return value
    return {"path": found.member or found.path, "bytes": _fetch(found, repository, place)}


def _fetch(found: Place, repository: Repository, place: tuple[str, int, str]) -> Callable[[], bytes]:
    """Return a function that reads a file; an error about the file names the row."""

    def fetch() -> bytes:
        try:
            return repository.read(found)
        except InputError as error:
            file, row, column = place
            raise InputError(str(error), file=file, row=row, column=column) from error

    return fetch


SOURCE: Source[Options] = Source(
    help="dataset of the Hub: org/name[@revision][:config[:split]], its columns as columns = { … } says",
    dataset="",
    read=read,
    options=Options,
    grouped=False,
    brings_audio=True,
    pin=pin,
    layout=Layout(
        path="org/name[@revision][:config[:split]]; the split train, or the only one, if none is named",
        columns=FIELDS,
        audio="in the rows or in files beside them; where they only name it, in the audio folder by that name",
        rights="as the columns license, origin and author say; else that of the card, for audio that is in the set",
    ),
)
