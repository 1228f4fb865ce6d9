"""What readers ask the stand-in Hub: repositories, refs, history, trees and files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from tests.servers.hub.access import find_repo, need_user, need_write
from tests.servers.hub.answers import Answer, Call, answer_file, answer_json
from tests.servers.hub.card import read_card
from tests.servers.hub.lfs import sign
from tests.servers.hub.store import Blob, Commit, Refusal, Repo, Store, hash_blob, list_folders, write_pointer

PAGE, PAGE_EXPANDED = 1000, 50
_TAGGED = ("license", "language", "task_categories", "size_categories")


def tell_user(store: Store, call: Call) -> Answer:
    """``GET /api/whoami-v2``."""
    user = need_user(store, call)
    role = "write" if user.writes else "read"
    return answer_json(
        {
            "type": "user",
            "id": hash_blob(user.name.encode())[:24],
            "name": user.name,
            "fullname": user.name,
            "isPro": False,
            "orgs": [{"type": "org", "name": org, "fullname": org, "roleInOrg": role} for org in user.orgs],
            "auth": {"type": "access_token", "accessToken": {"displayName": "tests", "role": role}},
        }
    )


def check_access(store: Store, call: Call, repo: Repo, more: Sequence[str]) -> Answer:
    """``GET …/auth-check[/write]``."""
    if tuple(more) == ("write",):
        need_write(store, call, repo)
    return answer_json({})


def tell_info(store: Store, call: Call, repo: Repo, revision: str | None) -> Answer:
    """``GET /api/datasets/NAME[/revision/REV]``."""
    commit = repo.resolve(revision or "main")
    card = _read_metadata(store, commit)
    tags = [f"{key}:{item}" for key in _TAGGED for item in _list(card.get(key))]
    info = {
        "author": repo.namespace,
        "sha": commit.id,
        "createdAt": repo.date,
        "lastModified": commit.date,
        "private": repo.private,
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [*tags, *map(str, _list(card.get("tags"))), "region:us"],
        "cardData": card or None,
        "siblings": [_tell_sibling(path, blob, call.query("blobs")) for path, blob in commit.tree.items()],
        "usedStorage": sum(blob.size for blob in commit.tree.values()),
    }
    wanted = call.request.query.getall("expand", []) + call.request.query.getall("expand[]", [])
    if unknown := set(wanted) - info.keys():
        raise Refusal(400, f'"expand" must be one of [{", ".join(info)}], not {sorted(unknown)}')
    shown = {key: info[key] for key in wanted} if wanted else info
    return answer_json({"_id": hash_blob(repo.id.encode())[:24], "id": repo.id, **shown})


def list_refs(store: Store, call: Call, repo: Repo) -> Answer:
    """``GET …/refs``."""

    def chosen(prefix: str) -> list[dict[str, str]]:
        return [{"name": ref.removeprefix(prefix) if prefix != "refs/pr/" else ref, "ref": ref, "targetCommit": id}
                for ref, id in repo.refs.items() if ref.startswith(prefix)]  # fmt: skip

    refs = {"branches": chosen("refs/heads/"), "converts": chosen("refs/convert/"), "tags": chosen("refs/tags/")}
    if call.query("include_prs"):
        refs["pullRequests"] = chosen("refs/pr/")
    return answer_json(refs)


def list_commits(store: Store, call: Call, repo: Repo, revision: str) -> Answer:
    """``GET …/commits/REV``, newest first."""
    commits = repo.list_history(repo.resolve(revision))
    formatted = "formatted" in call.request.query.getall("expand[]", [])
    items = [
        {
            "id": commit.id,
            "title": commit.title,
            "message": commit.message,
            "authors": [{"user": commit.author}],
            "date": commit.date,
            **({"formatted": {"title": commit.title, "message": commit.message}} if formatted else {}),
        }
        for commit in commits
    ]
    return _answer_page(call, items, int(call.query("limit", "50")))


def list_tree(store: Store, call: Call, repo: Repo, revision: str, folder: str) -> Answer:
    """``GET …/tree/REV[/FOLDER]``, a page of it."""
    commit = repo.resolve(revision)
    prefix = f"{folder}/" if folder else ""
    if folder and not any(path.startswith(prefix) for path in commit.tree):
        raise Refusal(404, f'{folder} does not exist on "{revision}"', code="EntryNotFound")
    expand = call.query("expand") == "true"
    paths = [path for path in [*list_folders(commit.tree), *commit.tree] if path.startswith(prefix)]
    if call.query("recursive") != "true":
        paths = [path for path in paths if "/" not in path[len(prefix) :]]
    items = [_tell_path(repo, commit, path, expand) for path in sorted(paths)]
    return _answer_page(call, items, int(call.query("limit", str(PAGE_EXPANDED if expand else PAGE))))


async def tell_paths(store: Store, call: Call, repo: Repo, revision: str) -> Answer:
    """``POST …/paths-info/REV``: those of the paths that are there."""
    commit = repo.resolve(revision)
    if "json" in call.request.headers.get("Content-Type", ""):
        body = await call.read_json()
        paths, expand = list(body.get("paths", [])), bool(body.get("expand"))
    else:
        form = parse_qs((await call.read()).decode())
        paths, expand = form.get("paths", []), form.get("expand", [""])[0].lower() == "true"
    known = commit.tree.keys() | list_folders(commit.tree)
    return answer_json([_tell_path(repo, commit, path, expand) for path in paths if path in known])


def give_file(store: Store, call: Call, kind: str, id: str, revision: str, path: str) -> Answer:
    """``GET`` and ``HEAD /datasets/NAME/resolve/REV/PATH``: a regular file itself, of a large one its place."""
    repo = find_repo(store, call, kind, id)
    commit = repo.resolve(revision)
    blob = commit.tree.get(path)
    headers = {"X-Repo-Commit": commit.id}
    if blob is None:
        raise Refusal(404, "Entry not found", code="EntryNotFound", headers=headers)
    if blob.sha256 is None:
        return answer_file(call, store.path_of(blob), {**headers, "ETag": f'"{blob.oid}"'})
    headers |= {"X-Linked-Size": str(blob.size), "X-Linked-ETag": f'"{blob.sha256}"'}
    return Answer(status=302, headers={**headers, "Location": sign(call, blob.sha256), "ETag": f'"{blob.oid}"'})


def give_raw(store: Store, call: Call, kind: str, id: str, revision: str, path: str) -> Answer:
    """``GET /datasets/NAME/raw/REV/PATH``: what Git has, so of a large file what points to it."""
    repo = find_repo(store, call, kind, id)
    commit = repo.resolve(revision)
    blob = commit.tree.get(path)
    headers = {"X-Repo-Commit": commit.id}
    if blob is None:
        raise Refusal(404, "Entry not found", code="EntryNotFound", headers=headers)
    headers |= {"ETag": f'"{blob.oid}"', "Content-Type": "text/plain; charset=utf-8"}
    if blob.sha256 is None:
        return answer_file(call, store.path_of(blob), headers)
    return Answer(write_pointer(blob.sha256, blob.size), headers=headers)


def _read_metadata(store: Store, commit: Commit) -> dict[str, Any]:
    blob = commit.tree.get("README.md")
    data = read_card(store.read(blob).decode("utf-8", "replace")) if blob and not blob.sha256 else None
    return data if isinstance(data, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _tell_sibling(path: str, blob: Blob, detailed: str) -> dict[str, Any]:
    if not detailed:
        return {"rfilename": path}
    return {"rfilename": path, "blobId": blob.oid, "size": blob.size, **_tell_large(blob, "sha256")}


def _tell_large(blob: Blob, key: str) -> dict[str, Any]:
    if blob.sha256 is None:
        return {}
    pointer = len(write_pointer(blob.sha256, blob.size))
    return {"lfs": {key: blob.sha256, "size": blob.size, "pointerSize": pointer}}


def _tell_path(repo: Repo, commit: Commit, path: str, expand: bool) -> dict[str, Any]:
    blob = commit.tree.get(path)
    item: dict[str, Any]
    if blob is None:
        below = repr([(name, part.oid) for name, part in commit.tree.items() if name.startswith(f"{path}/")])
        item = {"type": "directory", "oid": hash_blob(below.encode()), "size": 0, "path": path}
    else:
        item = {"type": "file", "oid": blob.oid, "size": blob.size, "path": path, **_tell_large(blob, "oid")}
    if expand:
        last = _find_last(repo, commit, path)
        item["lastCommit"] = {"id": last.id, "title": last.title, "date": last.date}
    return item


def _find_last(repo: Repo, commit: Commit, path: str) -> Commit:
    """The newest commit that changed a file, or something in a folder."""

    def look(commit: Commit) -> list[tuple[str, Blob]]:
        return [item for item in commit.tree.items() if item[0] == path or item[0].startswith(f"{path}/")]

    history = repo.list_history(commit)
    last, seen = commit, look(commit)
    for older in history[1:]:
        if look(older) != seen:
            break
        last = older
    return last


def _answer_page(call: Call, items: list[dict[str, Any]], limit: int) -> Answer:
    """A page of a list, with the address of the next one."""
    start = int(call.query("cursor", "0"))
    headers = {}
    if start + limit < len(items):
        query = [(key, value) for key, value in call.request.query.items() if key != "cursor"]
        next_page = f"{call.base}{quote(call.entry.path, safe='/%')}?{urlencode([*query, ('cursor', start + limit)])}"
        headers["Link"] = f'<{next_page}>; rel="next"'
    return answer_json(items[start : start + limit], headers=headers)
