"""Translates errors of the Hugging Face Hub. No other module does.

Messages hold nothing of a request: no address, no header, and so no token. ``asking`` is for reading a dataset,
``changing`` for a push, whose errors also say what became of it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

from audiomcq_cli.errors import AudiomcqError, HubError, InputError

TRANSIENT = {408, 429, 500, 502, 503, 504}
"""Statuses after which the same request may succeed."""

_AGAIN = "nothing is half-published; the same command goes on, and sends nothing twice"
_TOKEN = "make one at https://huggingface.co/settings/tokens and put it into HF_TOKEN"


@contextmanager
def asking(name: str) -> Iterator[None]:
    """Translate errors while reading ``name`` (``org/name`` or ``org/name@revision``).

    Raises:
        InputError: The repository, revision or file does not exist, or is not visible.
        HubError: The Hub refuses, cannot be reached, or fails.
    """
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        yield
    except AudiomcqError:
        raise
    except HFValidationError as error:
        raise InputError("not the name of a repository", file=name, hint="expected org/name[@revision]") from error
    except Exception as error:
        refusal = find_refusal(error)
        # HfFileSystem raises FileNotFoundError for a missing repository, revision or file.
        if refusal is None and not isinstance(error, HfHubHTTPError | FileNotFoundError):
            raise
        raise _explain(refusal or error, name) from error


@contextmanager
def changing(name: str, what: str) -> Iterator[None]:
    """Translate errors while changing a repository; ``what`` is the change, such as "commit".

    Raises:
        InputError: ``name`` is not a valid repository name.
        HubError: The error has the words of the Hub, its status and a hint.
    """
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        HFValidationError,
        HTTPError,
    )

    try:
        yield
    except HFValidationError as error:
        raise InputError("not the name of a repository", file=name, hint="expected org/name") from error
    except RuntimeError as error:  # an upload: the library wraps the error
        raise _explain_change(error.__cause__ or error, name, what) from error
    except (HTTPError, OSError, ValueError) as error:
        raise _explain_change(error, name, what) from error


def find_status(error: BaseException) -> int | None:
    """Return the HTTP status of an error; None if there was no answer."""
    response = getattr(error, "response", None)
    return None if response is None else int(response.status_code)


def find_refusal(error: BaseException) -> BaseException | None:
    """Return the Hub's refusal, or the connection failure, behind an error of the libraries; None if there is none.

    The libraries wrap it, often in a FileNotFoundError. A missing file alone is not a refusal: they look for many.
    """
    chain: list[BaseException] = []
    behind: BaseException | None = error
    while behind and behind not in chain:
        status = find_status(behind)
        if _is_transport(behind) if status is None else status != 404:
            return behind
        chain.append(behind)
        behind = behind.__cause__ or behind.__context__
    return None


def _explain_change(error: BaseException, name: str, what: str) -> HubError:
    status = find_status(error)
    said = getattr(error, "server_message", None) or str(error) or type(error).__name__
    card = type(error) is ValueError  # from the library, which has the Hub check the card before sending it
    if card:
        said = textwrap.shorten(said, 600, placeholder=" …")
    if status == 401 or "Invalid user token" in said or "Invalid credentials" in said:
        hint = "set HF_TOKEN to a token that may write, or log in with `hf auth login`"
    elif status in (402, 413) or (status == 403 and "quota" in said.lower()):
        hint = f"there is no room: free some, or ask for more; {_AGAIN}"
    elif status in (403, 404):
        hint = "the name may be wrong, or this token (HF_TOKEN) may not write there"
    elif status in (409, 412):
        hint = f"somebody else changed it meanwhile; {_AGAIN}"
    elif card:
        hint = "mend what it names, in the recipe or in what was written into the card"
    elif status is None:
        hint = f"see whether the network and HF_ENDPOINT are as they should be; {_AGAIN}"
    else:
        hint = _AGAIN if status in TRANSIENT else "see what the Hub says above"
    message = f"{name}: cannot {what}: {said.splitlines()[0].strip()}"
    return HubError(message, hint=hint, status=status, retryable=status in TRANSIENT or (status is None and not card))


def _explain(error: BaseException, name: str) -> AudiomcqError:
    """Return our error for a refusal or failure of the Hub."""
    from huggingface_hub.errors import (
        GatedRepoError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    repo = name.partition("@")[0]
    status = find_status(error) or 0
    if isinstance(error, GatedRepoError):
        return HubError(f"{repo}: access has to be asked for", hint="accept its terms on the Hub, then set HF_TOKEN")
    if isinstance(error, RepositoryNotFoundError):
        hint = f"is the name right? For a private one {_TOKEN}"
        return InputError("no such dataset on the Hub, or none that this token may see", file=repo, hint=hint)
    if isinstance(error, RevisionNotFoundError):
        return InputError("no such branch, tag or commit", file=name, hint=f"see the revisions of {repo} on the Hub")
    if status == 404 or (isinstance(error, FileNotFoundError) and not status):
        return InputError("no such file on the Hub", file=name)
    if isinstance(error, OfflineModeIsEnabled):
        return HubError(f"{name}: HF_HUB_OFFLINE is set, so the Hub is not asked", hint="unset it")
    if _is_transport(error) and not status:
        hint = "is there a network? HF_ENDPOINT names another Hub; the same command can be run again"
        return HubError(f"{name}: the Hub does not answer ({type(error).__name__})", hint=hint, retryable=True)
    if status == 401:
        return HubError(f"{name}: the Hub does not accept the token", hint=_TOKEN)
    if status == 403:
        return HubError(f"{name}: the token has no right to this", hint="one with the right scope goes into HF_TOKEN")
    if status == 429 or status >= 500:
        what = "asks to wait (status 429)" if status == 429 else f"fails (status {status})"
        hint = "the same command can be run again"
        return HubError(f"{name}: the Hub {what}", hint=hint, retryable=True)
    return HubError(f"{name}: the Hub refuses (status {status or 'unknown'})")


def _is_transport(error: BaseException) -> bool:
    """Return whether a connection failed: an error of huggingface_hub's HTTP library (which has
    changed), or of ours.
    """
    module = type(error).__module__.partition(".")[0]
    return isinstance(error, ConnectionError | TimeoutError) or module in ("httpx", "httpx2", "httpcore", "httpcore2")
