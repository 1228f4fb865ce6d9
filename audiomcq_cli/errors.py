"""Every error that this program raises on purpose, with its exit code.

    AudiomcqError ........................ 1   anything else that went wrong
    ├── InputError ....................... 3   a file, a row or a column is not what was expected
    │   └── ClipTooLong                        a clip is longer than what is held in memory at once
    ├── RecipeError ...................... 4   the recipe, or an option, does not make sense
    │   └── CapabilityMissing                  the stage needs what the model, as the recipe sets it up, cannot do
    ├── ModelError ....................... 5   a model cannot be used; the stage stops at once
    │   ├── EndpointUnreachable                nothing answers at its address
    │   │   └── ModelAbsent                    no address has answered for a while; the same command goes on
    │   ├── AuthenticationFailed               the key is missing or refused
    │   ├── AccountExhausted                   the account behind the key cannot pay for more
    │   └── ModelNotServed                     the server does not have the model
    ├── Incomplete ....................... 6   some rows failed: run again to retry just those
    ├── ReplayMiss ....................... 7   a replay needs a reply that no journal has
    ├── StorageError ..................... 8   a folder on disk contradicts itself or cannot be written
    │   └── JournalBusy                        another run is writing the same journal
    ├── TooManyRejected .................. 10  a stage rejected a larger part of its items than max_rejected allows
    ├── TooGuessable ..................... 13  more can be guessed from the text alone than max_guessable allows
    ├── HubError ......................... 11  the Hub refuses, or cannot be reached; nothing is half-published
    ├── Interrupted ...................... 130 Ctrl-C or SIGTERM; everything done so far is kept
    │   └── BudgetReached ................ 9   the budget is used up; everything done so far is kept
    └── CallError                              one call to a model went wrong; never leaves the engine
        ├── CallUnavailable                    worth another try: 429, 5xx, a time-out, a cut connection
        └── CallRefused                        this request is refused (400): only the row fails
            └── CallDenied                     perhaps only this request (401, 403, 404); if the address answers
                                               no other call, the caller or the model is refused

Exit code 2 is for a wrong command line (an unknown option, a missing argument), 12 for differences in
``diff --exit-code``.
"""

from __future__ import annotations

from typing import ClassVar


class AudiomcqError(Exception):
    """Base of the tree.

    Attributes:
        exit_code: Exit code of the process if this error reaches the command line.
        retryable: Whether doing the same again can help.
        hint: The next thing to do, for people.
    """

    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class InputError(AudiomcqError):
    """A file, row or column is not what was expected."""

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        file: str = "",
        row: int | None = None,
        column: str = "",
        hint: str = "",
    ) -> None:
        place = [file] if file else []
        if row is not None:
            place.append(f"row {row}")
        if column:
            place.append(f"column {column!r}")
        super().__init__(f"{', '.join(place)}: {message}" if place else message, hint=hint)


class ClipTooLong(InputError):
    """A clip is too long to be held in memory at once."""


class RecipeError(AudiomcqError):
    """The recipe, or an option given on the command line, does not make sense."""

    exit_code = 4


class CapabilityMissing(RecipeError):
    """A stage needs something that the model, as the recipe has it, cannot do."""


class ModelError(AudiomcqError):
    """A model cannot be used at all; the stage stops at once."""

    exit_code = 5


class EndpointUnreachable(ModelError):
    """Nothing answers at the address of a model.

    Attributes:
        down: Whether no connection can be made; otherwise something answers that is not a model server.
    """

    retryable = True

    def __init__(self, message: str, *, hint: str = "", down: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.down = down


class ModelAbsent(EndpointUnreachable):
    """No address of a model has answered for a while: the stage stops, and no row fails because of it."""


class AuthenticationFailed(ModelError):
    """The server refuses the key, or the key is missing."""


class AccountExhausted(ModelError):
    """The account behind the key has no money or quota left; waiting does not help."""


class ModelNotServed(ModelError):
    """The server does not have the model."""


class Incomplete(AudiomcqError):
    """Some rows failed; the same command retries just those."""

    exit_code = 6
    retryable = True


class ReplayMiss(AudiomcqError):
    """A replay needs a reply that no journal has."""

    exit_code = 7


class StorageError(AudiomcqError):
    """A folder on disk contradicts itself or cannot be written."""

    exit_code = 8


class JournalBusy(StorageError):
    """Another run is writing the same journal."""

    retryable = True


class Interrupted(AudiomcqError):
    """Ctrl-C or SIGTERM; everything done so far is kept."""

    exit_code = 130
    retryable = True


class BudgetReached(Interrupted):
    """The budget of tokens, money or hours is used up; everything done so far is kept."""

    exit_code = 9


class TooManyRejected(AudiomcqError):
    """A stage rejected a larger part of its items than is allowed."""

    exit_code = 10


class TooGuessable(AudiomcqError):
    """More of a corpus can be guessed from its text alone than is allowed."""

    exit_code = 13


class HubError(AudiomcqError):
    """The Hub refuses something, or cannot be reached; a release is never half there.

    Attributes:
        status: HTTP status of the answer; None if there was none.
        retryable: Whether doing the same again can help, for this error.
    """

    exit_code = 11

    def __init__(self, message: str, *, hint: str = "", status: int | None = None, retryable: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.retryable = retryable  # type: ignore[misc]  # a missing right stays missing


class CallError(AudiomcqError):
    """One call to a model went wrong; the engine turns it into another try or a failed row."""

    #: Short code that ends up in the rejects file.
    code: str

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class CallUnavailable(CallError):
    """The server could not answer now: 408, 429, 5xx, a time-out, a cut connection.

    Attributes:
        retry_after: Seconds that the server asks to wait, if it does.
        busy: Whether it works but has too many calls (429, 503).
        down: Whether nothing answers there, so that the call cannot be at fault.
    """

    retryable = True

    def __init__(
        self, message: str, *, code: str, retry_after: float | None = None, busy: bool = False, down: bool = False
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after
        self.busy = busy or retry_after is not None
        self.down = down


class CallRefused(CallError):
    """The server refuses this request; sending it again cannot help."""


class CallDenied(CallRefused):
    """The server refuses this request with a status that may also mean the caller or the model.

    Only other answers of the address tell: providers send 403 for one text that their moderation rejects, and for an
    invalid key.

    Attributes:
        problem: The error that it means if the address says nothing else.
        decisive: Whether one such answer is enough if the address has not answered any call yet.
    """

    def __init__(self, message: str, *, code: str, problem: ModelError, decisive: bool = False) -> None:
        super().__init__(message, code=code)
        self.problem = problem
        self.decisive = decisive
