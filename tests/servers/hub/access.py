"""Who may do what on the stand-in Hub: a token stands for a user, who owns namespaces and may write or only read."""

from __future__ import annotations

from tests.servers.hub.answers import Call
from tests.servers.hub.store import Refusal, Repo, Store, User

_BAD_TOKEN = "Invalid credentials in Authorization header"


def find_user(store: Store, call: Call) -> User | None:
    """Who asks, or nobody; refuses a token that is none."""
    if not call.token:
        return None
    user = store.users.get(call.token)
    if user is None:
        raise Refusal(401, _BAD_TOKEN, headers={"WWW-Authenticate": 'Bearer realm="Authentication required"'})
    return user


def need_user(store: Store, call: Call) -> User:
    """Who asks; refuses nobody."""
    user = find_user(store, call)
    if user is None:
        raise Refusal(401, "Invalid username or password.")
    return user


def find_repo(store: Store, call: Call, kind: str, id: str) -> Repo:
    """A repository that the one who asks may read; another is not there, or asks who it is."""
    user = find_user(store, call)
    repo = store.repos.get((kind, id))
    if repo is not None and (not repo.private or (user is not None and user.owns(repo.namespace))):
        return repo
    if user is None:  # the Hub does not tell a private repository from none, and asks for a token in both cases
        raise Refusal(401, "Invalid username or password.", code="RepoNotFound")
    raise Refusal(404, "Repository not found", code="RepoNotFound")


def need_write(store: Store, call: Call, repo: Repo, *, pull_request: bool = False) -> User:
    """Who asks, who may write to this repository or, where that is asked for, propose a change to it."""
    user = need_user(store, call)
    if not user.writes:
        raise Refusal(403, "Forbidden: Authorization error.")
    if not user.owns(repo.namespace) and not pull_request:
        raise Refusal(403, "Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request")
    return user
