"""What the Hugging Face Hub says when it refuses, in our words: the one place where its errors are translated.

Nothing of a request gets into a message: no address, no header, and so no token.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from audiomcq_cli.errors import AudiomcqError, HubError, InputError

_TOKEN = "make one at https://huggingface.co/settings/tokens and put it into HF_TOKEN"


@contextmanager
def asking(name: str) -> Iterator[None]:
    """Translate what goes wrong while the Hub is asked about ``name`` (``org/name`` or ``org/name@revision``).

    Raises:
        InputError: There is no such repository, revision or file, or none that may be seen.
        HubError: The Hub refuses, cannot be reached, or fails.
    """
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    try:
        yield
    except AudiomcqError:
        raise
    except OfflineModeIsEnabled as error:
        raise HubError(f"{name}: HF_HUB_OFFLINE is set, so the Hub is not asked", hint="unset it") from error
    except HFValidationError as error:
        raise InputError("not the name of a repository", file=name, hint="expected org/name[@revision]") from error
    except HfHubHTTPError as error:
        raise _explain(error, name) from error
    except FileNotFoundError as error:  # what HfFileSystem makes of a missing repository, revision or file
        raise InputError("no such file on the Hub", file=name) from error
    except Exception as error:
        if not _is_transport(error):
            raise
        hint = "is there a network? HF_ENDPOINT names another Hub; the same command can be run again"
        raise HubError(
            f"{name}: the Hub does not answer ({type(error).__name__})", hint=hint, retryable=True
        ) from error


def _explain(error: Exception, name: str) -> AudiomcqError:
    """Our error for an answer of the Hub that is none."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    repo = name.partition("@")[0]
    status = getattr(getattr(error, "response", None), "status_code", 0)
    if isinstance(error, GatedRepoError):
        return HubError(f"{repo}: access has to be asked for", hint="accept its terms on the Hub, then set HF_TOKEN")
    if isinstance(error, RepositoryNotFoundError):
        hint = f"is the name right? For a private one {_TOKEN}"
        return InputError("no such dataset on the Hub, or none that this token may see", file=repo, hint=hint)
    if isinstance(error, RevisionNotFoundError):
        return InputError("no such branch, tag or commit", file=name, hint=f"see the revisions of {repo} on the Hub")
    if status == 404:
        return InputError("no such file on the Hub", file=name)
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
    """Whether a connection failed: an error of the HTTP library that huggingface_hub uses (it changed), or of ours."""
    module = type(error).__module__.partition(".")[0]
    return isinstance(error, ConnectionError | TimeoutError) or module in ("httpx", "httpx2", "httpcore", "httpcore2")
