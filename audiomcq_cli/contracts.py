"""The contracts that the parts of this program keep with each other. Read this first.

A **stage** says *what* is asked; a **driver** says *how*. A stage's flow is a plain generator: it yields a list of
requests, receives their replies in the same order, may yield more, and returns the rows it keeps or a ``Reject``::

    def flow(row: Row, ctx: Context[Options]) -> Flow:
        [reply] = yield [Chat(model=ctx.options.writer, prompt="question", variables={"captions": ...})]
        if not good(reply.value):
            return Reject("no_question", reply.value["reason"])
        return [row | {"question": reply.value["question"], "calls": row["calls"] + [reply.call]}]

It does no I/O and knows no event loop, so one definition serves every driver and is tested as ordinary code.
A **source** reads a format of captions, an **importer** one of questions that exist, a **backend** reaches a model, an
**export** writes a format for a trainer. Each of the five is one file that defines ``STAGE``, ``SOURCE``, ``IMPORTER``,
``BACKEND`` or ``EXPORT``; the file's name is its name on the command line.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

from audiomcq_cli.errors import AudiomcqError

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

Row = dict[str, Any]
"""One row as plain data; the columns are declared in ``records.py``."""

O = TypeVar("O")  # noqa: E741 - the options of a stage, source, importer, backend or export


def option(
    default: Any,
    help: str,
    *,
    choices: Sequence[str] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    path: bool = False,
) -> Any:
    """Declare one option of a frozen options dataclass: a flag on the command line and a key in the recipe.

    The types understood are ``str``, ``int``, ``float``, ``bool``, ``tuple[str, ...]``, ``Mapping[str, float]`` and
    ``Mapping[str, str]``. A ``path`` in a recipe is relative to the recipe.
    """
    metadata = {"help": help, "choices": tuple(choices), "minimum": minimum, "maximum": maximum, "path": path}
    if isinstance(default, Mapping):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class NoOptions:
    """For a stage, source, importer, backend or export that has nothing to set."""


# --------------------------------------------------------------------------------------------------- requests


@dataclass(frozen=True, slots=True)
class Audio:
    """The audio that a request is about: which one and what is done to it, never its bytes.

    Attributes:
        transform: ``original``, ``window:START:SECONDS`` for a part of the clip, or ``silence:SECONDS`` for digital
            silence in place of it.
        source: ``source_dataset`` of the clip; its audio root holds ``path``. Empty for silence.
        path: ``audio_path`` of the clip. Not part of a journal key: the content hash is.
        sha256: Content hash of the file; empty where it is not known yet, and then taken at sending.
        duration: Length of the whole clip in seconds, where it is known. It says nothing that the hash does not.
    """

    transform: str
    source: str = ""
    path: str = ""
    sha256: str = ""
    duration: float | None = field(default=None, compare=False)

    @classmethod
    def original(cls, row: Mapping[str, Any]) -> Audio:
        """The whole clip of a row."""
        return cls("original", row["source_dataset"], row["audio_path"], row["audio_sha256"] or "", row["duration"])

    @classmethod
    def silence(cls, seconds: float) -> Audio:
        """Digital silence of a length in seconds, mono, at whatever rate the model wants."""
        return cls(transform=f"silence:{seconds:g}")

    def cut(self, start: float, seconds: float) -> Audio:
        """The part of a clip from a time on, both to the millisecond; what lies behind its end is left out."""
        first, length = (f"{value:.3f}".rstrip("0").rstrip(".") for value in (start, seconds))
        return replace(self, transform=f"window:{first}:{length}")

    @property
    def seconds(self) -> float | None:
        """How long it is, at most; None where that is not known."""
        name, _, length = self.transform.rpartition(":")
        return float(length) if name else self.duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """Ask a model for text, or for JSON where the prompt names a reply schema.

    Attributes:
        model: Name of a model in the recipe.
        prompt: Name of a prompt; variables: what it is rendered with (JSON values).
        audio: Audio parts, placed before the text of the user's turn.
        sample: Which of several samples of the same request this is. sampling: Parameters laid over the model's own.
        whole: Whether free text that was cut short is of no use; of JSON it never is.
        optional: Whether a failure comes back as a ``Reply``; otherwise it fails the row.
    """

    model: str
    prompt: str
    variables: Mapping[str, Any]
    audio: tuple[Audio, ...] = ()
    sample: int = 0
    sampling: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Ask for the log-probability of each of several continuations of a rendered prompt.

    The reply's ``value`` is a list, one per continuation, of ``{"logprob": nats, "tokens": count}``.
    """

    model: str
    prompt: str
    variables: Mapping[str, Any]
    continuations: tuple[str, ...]
    audio: tuple[Audio, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Ask for a local analysis of a clip, run in a worker process and keyed by audio hash, settings and tool version.

    ``analysis`` is a name in ``listening.analyses.ANALYSES``; ``settings`` are what it can be told (JSON values). The
    reply's ``value`` is what the analysis returns (plain data).
    A file that is not there, leaves its root or cannot be read comes back with ``error`` set.
    """

    analysis: str
    audio: Audio
    settings: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = True


Request = Chat | Score | Listen


@dataclass(frozen=True, slots=True)
class Origin:
    """Which model and which prompt made something: the provenance of a column."""

    model: str
    revision: str = ""
    prompt: str = ""
    prompt_version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to one request.

    Attributes:
        stage: The stage that asked. key: Journal key of the reply that counts (hex).
        origin: Model and prompt behind it.
        text: Raw text of the reply (chat).
        value: The validated JSON of a chat with a schema; the scores; or the result of an analysis.
        error: Reason code of a failure, else empty; detail: what was wrong with it, for people.
        tries: How many tries it took, those of earlier runs counted in.
    """

    stage: str
    key: str
    origin: Origin
    text: str = ""
    value: Any = None
    error: str = ""
    detail: str = ""
    tries: int = 1

    @property
    def failed(self) -> bool:
        """Whether there is no usable answer (only replies to optional requests can be)."""
        return bool(self.error)

    @property
    def call(self) -> Row:
        """The entry of a row's ``calls`` column."""
        return {"stage": self.stage, "prompt": self.origin.prompt, "key": self.key}

    def made(self, column: str) -> Row:
        """The entry of a row's ``provenance`` column that says this reply made ``column``."""
        return {
            "column": column,
            "model": self.origin.model,
            "revision": self.origin.revision,
            "prompt": self.origin.prompt,
            "prompt_version": self.origin.prompt_version,
        }


# ------------------------------------------------------------------------------------------------------ stages


@dataclass(frozen=True, slots=True)
class Reject:
    """A rule or a grader said no. ``reason`` is a short snake_case code, counted at the end of the stage."""

    reason: str
    detail: str = ""
    raw_reply: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """No usable reply after every try. Flows return it only for one item of several; else the driver does."""

    reply: Reply


Outcome = list[Row] | Reject | Failure
"""What becomes of one work item: the rows kept of it (usually one), or why there are none."""

Flow = Generator[Sequence[Request], Sequence[Reply], Outcome | Mapping[str, Outcome]]
"""The body of a stage for one input row; a mapping (item id to outcome) where a row holds several work items."""


@dataclass(frozen=True, slots=True)
class Context(Generic[O]):
    """What a flow is given beside its row.

    Attributes:
        options: The stage's options. seed: The recipe's seed.
        prepared: What ``Prepare.load`` made of the prepared table; None for a stage without one.
        windows: Seconds of audio that the stage's models hear at once, by name; one without a limit is not in it.
    """

    options: O
    seed: int = 0
    prepared: Any = None
    windows: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Materials:
    """What corpus-wide knowledge is made from.

    Attributes:
        rows: A scan of the whole input folder.
    """

    rows: pl.LazyFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare(Generic[O]):
    """Corpus-wide knowledge, computed once over all input rows, hashed into the fingerprint, read by every shard.

    Attributes:
        build: Makes one small Arrow table from the whole input. Deterministic.
        load: Makes of that table what flows look things up in. Called once a process.
    """

    build: Callable[[Materials, Context[O]], pa.Table]
    load: Callable[[pa.Table], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Divided:
    """What a tabular stage makes of a shard: rows kept, and (id, reason, detail) of those rejected."""

    kept: pl.DataFrame
    rejected: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Need:
    """A model that a stage uses and what it must be able to do (names of ``Capabilities``).

    Models needed as ``distinct`` must not be the same model with the same sampling, asked in the same ``way``, under
    two names: one reply would count as two opinions. ``way`` tells apart what the sampling does not (two scorings).
    """

    model: str
    capabilities: frozenset[str]
    distinct: bool = False
    way: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage(Generic[O]):
    """What one stage does. Exactly one of ``flow`` and ``divide`` is given.

    Attributes:
        help: One line for the command line. after: The stage that it follows; None for the first.
        version: Raise it when the same inputs and replies would give other rows: shards are then redone.
        options: A frozen dataclass of ``option`` fields.
        key: The column whose value names a work item of the input (``clip_id`` or ``id``).
        reads, writes: Columns needed of the input and columns of the output, declared in ``records.py``.
        flow: Asks for one row at a time. divide: A stage that asks nothing works on a whole shard as a table.
        items: Ids of the work items of one input row, where it holds several (a question slot each).
        prepare: Corpus-wide knowledge, if it needs any.
        needs: The models that the options name and what each must do. prompts: Prompts that the flow may name with
            these options; one that is not named here can be edited without a shard being redone.
        listens: Local analyses that the flow may ask for with these options, by name, with the settings that say what
            they need: they are checked before the first clip.
        named_only: Whether ``run`` leaves it out unless the recipe has a table of its name.
        joins: Of a second first stage: the stage that reads what it writes. It is run where the recipe has imports.
    """

    help: str
    after: str | None
    version: int
    options: type[O]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    key: str = "id"
    flow: Callable[[Row, Context[O]], Flow] | None = None
    divide: Callable[[pl.DataFrame, Context[O]], Divided] | None = None
    items: Callable[[Row, O], Sequence[str]] | None = None
    prepare: Prepare[O] | None = None
    needs: Callable[[O], Sequence[Need]] | None = None
    prompts: Callable[[O], Sequence[str]] | None = None
    listens: Callable[[O], Mapping[str, Mapping[str, Any]]] | None = None
    named_only: bool = True
    joins: str = ""


# ----------------------------------------------------------------------------------------------------- sources


@dataclass(frozen=True, slots=True)
class Event:
    """A sound that a source says is in a clip, with its times in seconds from the beginning where they are known."""

    label: str
    onset: float | None = None
    offset: float | None = None


@dataclass(frozen=True, slots=True)
class Seed:
    """A question that a source itself asks of a clip, with its answer in free text where there is one."""

    question: str
    answer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """One row of a source, before the captions of a clip are brought together.

    Attributes:
        source_id: The clip's id within its source; rows with the same one are the same clip.
        row: Number of the row in its file, counted from 1 without the header, for messages.
        captions: Texts, in the order of the source. events: Sounds that are known to be in it. seeds: Questions of the
            source's own.
        audio: Names its audio may have, best first, without or relative to the audio root; a name without an extension
            matches any audio extension.
        content: Gives the bytes of its audio, where the source itself brings them (see ``Source.brings_audio``).
        license, origin: Of the audio, where the source says so (origin: a URL or a recording's name).
        problem: Why this row cannot be used, where it alone is at fault.
    """

    source_id: str
    row: int
    captions: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    seeds: tuple[Seed, ...] = ()
    audio: tuple[str, ...] = ()
    content: Callable[[], bytes] | None = None
    license: str | None = None
    origin: str | None = None
    problem: Reject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a source expects to find, for people who have it before them: ``audiomcq sources`` shows it.

    Attributes:
        path: What is given as its path. columns: Columns or keys that are read, and what each holds.
        audio: Names that its audio files may have, and where. rights: What is known of licences.
    """

    path: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    audio: str = ""
    rights: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Generic[O]):
    """A format of captioned audio.

    Attributes:
        help: One line: the files and columns it expects. dataset: Default ``source_dataset`` of its clips;
            empty to take the name of the folder.
        read: Streams the rows of a path; raises ``InputError`` where the file itself is wrong.
        grouped: Whether all rows of a clip come together (so that a limit can stop reading early).
        audio_root: Where its audio lies by default; None where it has to be told.
        brings_audio: Whether its rows may bring the audio itself, which is then kept in the work folder, unless a
            folder of audio is given.
        pin: For what does not lie on this machine: the same address at a fixed state, so that it is read once and
            again only when it has changed. The path is then an address, not relative to the recipe.
        layout: What it expects, for people.
    """

    help: str
    dataset: str
    read: Callable[[Path, O], Iterator[SourceRow]]
    options: type[O]
    grouped: bool = True
    audio_root: Callable[[Path], Path] | None = None
    brings_audio: bool = False
    pin: Callable[[Path, O], Path] | None = None
    layout: Layout = field(default_factory=Layout)


# --------------------------------------------------------------------------------------------------- importers


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedQuestion:
    """One question of a set that exists, as the set has it.

    Attributes:
        id: Its id within the set. clip: The clip's; questions with the same one are about the same audio.
        row: Number of the row in its file, counted from 1 without the header, for messages.
        question, choices: Texts; the options in the order of the set, each different and none empty.
        answer: Position of the right one.
        question_type: One of ``records.TYPES``, or None where the set does not say.
        difficulty, structured_cot, simple_cot: Where the set has them. cot_model: What wrote its chain of thought.
        tags: All else that the set says of it, by name. flags: What was mended in it.
        audio, license, origin: As of a ``SourceRow``.
        problem: Why this row cannot be used, where it alone is at fault; what could be read of it stands beside.
    """

    id: str
    clip: str
    row: int
    question: str = ""
    choices: tuple[str, ...] = ()
    answer: int = 0
    question_type: str | None = None
    difficulty: str | None = None
    structured_cot: str | None = None
    simple_cot: str | None = None
    cot_model: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    audio: tuple[str, ...] = ()
    license: str | None = None
    origin: str | None = None
    problem: Reject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer(Generic[O]):
    """A format of multiple-choice questions that exist.

    Attributes:
        help: One line: the files and columns it expects. dataset: Default ``source_dataset`` of its clips;
            empty to take the name of the folder or file.
        read: Streams the questions of a path; raises ``InputError`` where the file itself is wrong.
    """

    help: str
    dataset: str
    read: Callable[[Path, O], Iterator[ImportedQuestion]]
    options: type[O]


# ---------------------------------------------------------------------------------------------------- backends


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A ``[models.NAME]`` table of the recipe.

    Of these only what could change an answer is part of a journal key (the model's identity, sampling, structured, and
    sample_rate where it hears): the same model reached another way shares its replies. ``concurrency`` (``auto``: found
    while working) and the limits a minute hold for each address in ``base_url``. ``attempts`` is how often one call is
    sent to servers that cannot answer now, ``tries`` how often a request is asked again because its reply is of no use.
    ``timeout`` is for a whole answer, once it is asked for; ``first_byte_timeout`` is no less where it is None.
    Prices are for a million tokens. ``audio_format`` is how audio is encoded (``auto``: as small as the server takes
    it), ``audio_part`` the form of its part of a message. ``settings`` holds the backend's own options.
    """

    name: str
    backend: str
    model: str
    revision: str = ""
    base_url: tuple[str, ...] = ()
    api_key_env: str = ""
    concurrency: int | Literal["auto"] = 32
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    attempts: int = 8
    tries: int = 3
    connect_timeout: float = 10.0
    first_byte_timeout: float | None = None
    timeout: float = 600.0
    prompt_price: float | None = None
    completion_price: float | None = None
    sampling: Mapping[str, Any] = field(default_factory=dict)
    structured: str = "json_schema"
    audio: bool = False
    audio_format: str = "auto"
    audio_part: str = "input_audio"
    sample_rate: int = 16_000
    audio_window: float | None = None
    settings: Any = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Which model it is, wherever it runs: what stands in journal keys, fingerprints and provenance."""

    model: str
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a backend with a given model can do; ``audio_window`` is the seconds it hears (None: no limit known)."""

    chat: bool = True
    schema: bool = False
    audio: bool = False
    score: bool = False
    logprobs: bool = False
    audio_window: float | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One turn: ``role`` is system, user or assistant; audio parts stand before the text."""

    role: str
    text: str
    audio: tuple[Audio, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A rendered request, as a backend sends it.

    Attributes:
        messages: The conversation. schema: JSON Schema the reply must follow, with its name; None for free text.
        sampling: Parameters under their OpenAI names. continuations: Texts to score; empty for a chat.
        whole: Whether free text that was cut short is of no use.
        prompt: Name of the prompt, for logs and scripted backends.
    """

    messages: tuple[Message, ...]
    sampling: Mapping[str, Any]
    prompt: str
    schema: Mapping[str, Any] | None = None
    schema_name: str = ""
    continuations: tuple[str, ...] = ()
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What came back: text or scores, why it ended, and the tokens it took.

    ``finish_reason`` is OpenAI's; beside those ``refusal``, and ``too_large`` for an answer that was not read
    to its end.
    """

    text: str = ""
    finish_reason: str = "stop"
    scores: tuple[Mapping[str, float], ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """What a server says of itself: calls that it works on, and calls that wait in its queue, whoever sent them."""

    running: int
    waiting: int


class Encoder(Protocol):
    """Gives the bytes of audio parts."""

    async def __call__(self, audio: Audio, *, rate: int, format: str) -> bytes:
        """Encode a part, once while it is wanted; raises ``InputError`` for a bad file."""


class Backend(Protocol):
    """One way to reach a model, opened once for each of its addresses and shared by every shard.

    It tries once: which address is asked, waiting, and trying again are the engine's.
    """

    async def check(self) -> None:
        """Make sure, before the first call and after failures, that the model answers; raises ``ModelError``.

        Cheap, and no call to the model.
        """

    async def send(self, call: Call) -> Completion:
        """Answer one call, once; raises ``CallError`` or, where no call can succeed, ``ModelError``."""

    async def close(self) -> None:
        """Give back connections and memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTerms:
    """What a provider takes as one batch, and how it is waited for.

    Attributes:
        requests, bytes: Most of each in one file. poll_seconds: Between two looks at a batch, once it takes long.
        ask_online_below: A round of fewer requests than this is sent call by call instead.
    """

    requests: int
    bytes: int
    poll_seconds: float
    ask_online_below: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchState:
    """How far a batch is.

    Attributes:
        id, status: As the provider calls them. done, failed, total: Counts of its requests.
        ended: Whether no more will come of it. results: Names of the files that hold what came of it.
        cancelled: Whether somebody ended it. problem: Why the whole of it was refused, else empty.
        later: Whether the same batch may be taken another time (the provider's queue is full).
    """

    id: str
    status: str
    done: int = 0
    failed: int = 0
    total: int = 0
    ended: bool = False
    results: tuple[str, ...] = ()
    cancelled: bool = False
    problem: str = ""
    later: bool = False


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What came of one request of a batch: its name, and a completion or the error that ``send`` would raise."""

    name: str
    outcome: Completion | AudiomcqError


@runtime_checkable
class BatchBackend(Backend, Protocol):
    """A backend that also takes many calls at once and gives their replies hours later."""

    @property
    def terms(self) -> BatchTerms:
        """Limits of a batch."""

    async def write(self, name: str, call: Call) -> bytes:
        """A call as it stands in a file of requests; raises ``InputError`` for audio that cannot be sent."""

    async def upload(self, path: Path) -> str:
        """Bring a file of requests to the provider, which costs nothing yet; returns its name there."""

    async def submit(self, file: str, token: str) -> str:
        """Begin a batch and return its id; ``find`` knows it by the token, which is ours and used once."""

    async def find(self, token: str, since: float) -> str:
        """The id of the batch of a token, not older than a time (seconds since 1970); empty where there is none."""

    async def poll(self, batch: str) -> BatchState:
        """Look how far a batch is."""

    def fetch(self, state: BatchState) -> AsyncIterator[BatchResult]:
        """What came of a batch that has ended, in any order; of lines that are no results nothing."""


OF_SERVERS = ("base_url", "api_key_env", "connect_timeout", "first_byte_timeout")
"""Keys of a model's table that say how its server is reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendKind(Generic[O]):
    """A kind of backend: the ``BACKEND`` of a file in ``backends/``.

    Attributes:
        help: One line. options: Keys it adds to a model's table, a frozen dataclass of ``option`` fields.
        capabilities: What it can do with a model. open: Makes a backend of a model with one address or none; no I/O
            before ``check``.
        look: Asks the server for its load; None where it does not tell. For ``concurrency = "auto"``.
        identify: Which model that is, where the recipe's ``model`` and ``revision`` do not say (a file: by its hash).
        another_way_to: The backend that reaches the same models in the usual way: a manifest names that one, so that
            it does not depend on the way.
        concurrency: Calls in flight to a model where its table does not say.
        unused: Keys of a model's table that mean nothing to it: a recipe that sets one is refused.
    """

    help: str
    options: type[O]
    capabilities: Callable[[Model], Capabilities]
    open: Callable[[Model, Encoder], Backend]
    look: Callable[[Any], Awaitable[Load | None]] | None = None
    identify: Callable[[Model], Identity] | None = None
    another_way_to: str = ""
    concurrency: int = 32
    unused: tuple[str, ...] = ()


# ----------------------------------------------------------------------------------------------------- exports


@dataclass(frozen=True, slots=True, kw_only=True)
class Export(Generic[O]):
    """A format that a trainer reads: the ``EXPORT`` of a file in ``exports/``.

    ``write`` streams rows (as in ``records.QUESTION`` and later) into a folder that exists and is empty, and returns
    how many records it wrote.
    """

    help: str
    options: type[O]
    write: Callable[[Iterable[Row], Path, O], int]
