"""The contracts that the parts of this program keep with each other. Read this first.

A **stage** says *what* is asked; a **driver** says *how*. A stage's flow is a plain generator: it yields a list of
requests, receives their replies in the same order, may yield more, and returns the rows it keeps or a ``Reject``::

    def flow(row: Row, ctx: Context[Options]) -> Flow:
        [reply] = yield [Chat(model=ctx.options.writer, prompt="question", variables={"captions": ...})]
        if not good(reply.value):
            return Reject("no_question", reply.value["reason"])
        return [row | {"question": reply.value["question"], "calls": row["calls"] + [reply.call]}]

It does no I/O and knows no event loop, so one definition serves every driver and is tested as ordinary code.
A **source** reads a format of captions, an **importer** one of existing questions, a **backend** reaches a model, an
**export** writes a format for a trainer. Each of the five is one file that defines ``STAGE``, ``SOURCE``, ``IMPORTER``,
``BACKEND`` or ``EXPORT``; the file's name is its name on the command line. The module of its kind
says what such a file must provide:

===========  ==========================================================================================================
stages       What is a stage made of, what is its flow given, and what may it return?
sources      What does a source give of each clip, and what does it say of itself?
importers    What does an importer give of each question?
backends     How is a model reached: one call, its reply, the load of its server?
batches      How does a backend take many calls at once?
exports      What does a row become for a trainer, and what goes with it?
requests     What can a flow ask, and what does it get?
audio        Which audio can a request be about?
rows         What is a row, and how is one turned away?
models       What does a recipe say of a model, and what can it do?
options      How is an option declared?
===========  ==========================================================================================================

All of it is imported from here: ``from audiomcq_cli.contracts import Stage``.
"""

from __future__ import annotations

from audiomcq_cli.contracts.audio import Audio, Clip, Silence
from audiomcq_cli.contracts.backends import (
    Backend,
    BackendKind,
    Call,
    Completion,
    Encoder,
    Load,
    Message,
    QueueingBackend,
)
from audiomcq_cli.contracts.batches import BatchBackend, BatchResult, BatchState, BatchTerms
from audiomcq_cli.contracts.exports import Export, Record, Written
from audiomcq_cli.contracts.importers import ImportedQuestion, Importer
from audiomcq_cli.contracts.models import OF_SERVERS, Capabilities, Identity, Model, mend_address
from audiomcq_cli.contracts.options import NoOptions, O, option
from audiomcq_cli.contracts.requests import Ask, Chat, Listen, Origin, Reply, Request, Score
from audiomcq_cli.contracts.rows import Reject, Row
from audiomcq_cli.contracts.sources import Event, Layout, Seed, Source, SourceRow
from audiomcq_cli.contracts.stages import (
    Context,
    Divided,
    Earlier,
    Failure,
    Flow,
    Materials,
    Need,
    Opened,
    Outcome,
    Prepare,
    Stage,
)

__all__ = [
    "OF_SERVERS",
    "Ask",
    "Audio",
    "Backend",
    "BackendKind",
    "BatchBackend",
    "BatchResult",
    "BatchState",
    "BatchTerms",
    "Call",
    "Capabilities",
    "Chat",
    "Clip",
    "Completion",
    "Context",
    "Divided",
    "Earlier",
    "Encoder",
    "Event",
    "Export",
    "Failure",
    "Flow",
    "Identity",
    "ImportedQuestion",
    "Importer",
    "Layout",
    "Listen",
    "Load",
    "Materials",
    "Message",
    "Model",
    "Need",
    "NoOptions",
    "O",
    "Opened",
    "Origin",
    "Outcome",
    "Prepare",
    "QueueingBackend",
    "Record",
    "Reject",
    "Reply",
    "Request",
    "Row",
    "Score",
    "Seed",
    "Silence",
    "Source",
    "SourceRow",
    "Stage",
    "Written",
    "mend_address",
    "option",
]
