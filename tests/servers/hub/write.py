"""What writers ask the stand-in Hub: to make repositories, commits, branches and tags."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from fnmatch import fnmatch
from typing import Any

import orjson

from tests.servers.hub.access import find_repo, need_user, need_write
from tests.servers.hub.answers import Answer, Call, answer_json
from tests.servers.hub.card import validate_card
from tests.servers.hub.discussions import find_pull, note_commit, open_discussion
from tests.servers.hub.store import MAIN, Blob, Commit, Refusal, Repo, Store, User, list_folders

LARGEST_REGULAR = 10 * 2**20
_STALE = "The branch was updated since you opened this page. Please refresh and try again."


async def create_repo(store: Store, call: Call) -> Answer:
    """``POST /api/repos/create``."""
    user = need_user(store, call)
    body = await call.read_json()
    namespace, kind = body.get("organization") or user.name, f"{body.get('type') or 'model'}s"
    id = f"{namespace}/{body.get('name')}"
    if not user.writes or not user.owns(namespace):
        raise Refusal(403, f'You don\'t have the rights to create a {kind[:-1]} under the namespace "{namespace}"')
    if not re.fullmatch(r"[\w-][\w.-]{0,95}", str(body.get("name"))):
        raise Refusal(400, f"Invalid name: {body.get('name')}")
    url = f"{call.base}/{id if kind == 'models' else f'{kind}/{id}'}"
    if (kind, id) in store.repos:
        message = f"You already created this {kind[:-1]} repo"
        raise Refusal(409, message, body={"error": message, "url": url})
    private = body.get("visibility") == "private" or bool(body.get("private"))
    store.create_repo(kind, id, private=private, author=user.name)
    return answer_json({"url": url, "name": id, "id": id})


async def delete_repo(store: Store, call: Call) -> Answer:
    """``DELETE /api/repos/delete``."""
    user = need_user(store, call)
    body = await call.read_json()
    kind, id = f"{body.get('type') or 'model'}s", f"{body.get('organization') or user.name}/{body.get('name')}"
    need_write(store, call, find_repo(store, call, kind, id))
    del store.repos[kind, id]
    return answer_json({})


async def change_settings(store: Store, call: Call, repo: Repo) -> Answer:
    """``PUT …/settings``: who may see it."""
    need_write(store, call, repo)
    body = await call.read_json()
    repo.private = body.get("visibility", "private" if body.get("private", repo.private) else "public") == "private"
    return answer_json({"private": repo.private})


async def validate_yaml(store: Store, call: Call) -> Answer:
    """``POST /api/validate-yaml``."""
    body = await call.read_json()
    report = validate_card(str(body.get("content", "")), str(body.get("repoType", "model")))
    return answer_json(report.as_json(), status=400 if report.errors else 200)


async def plan_upload(store: Store, call: Call, repo: Repo, revision: str) -> Answer:
    """``POST …/preupload/REV``: which files are large, which are ignored, and what is there of them."""
    need_write(store, call, repo, pull_request=bool(call.query("create_pr")))
    commit = repo.resolve(revision)
    body = await call.read_json()
    large = _read_patterns(store, commit, ".gitattributes", "filter=lfs")
    ignored = [line for line in str(body.get("gitIgnore", "")).splitlines() if line and not line.startswith("#")]
    ignored = ignored or _read_patterns(store, commit, ".gitignore", "")
    files = []
    for file in body["files"]:
        path, sample = file["path"], base64.b64decode(file.get("sample", ""))
        is_large = _matches(path, large) or file["size"] > LARGEST_REGULAR or b"\0" in sample
        blob = commit.tree.get(path)
        files.append(
            {
                "path": path,
                "uploadMode": "lfs" if is_large else "regular",
                "shouldIgnore": _matches(path, ignored),
                "oid": (blob.sha256 or blob.oid) if blob else None,
            }
        )
    return answer_json({"files": files})


async def make_commit(store: Store, call: Call, repo: Repo, revision: str) -> Answer:
    """``POST …/commit/REV``: lines of JSON, a header and then what is to change, all of it or nothing."""
    wants_pull = bool(call.query("create_pr"))
    user = need_write(store, call, repo, pull_request=wants_pull)
    lines = [line for line in (await call.read()).splitlines() if line]
    try:
        operations = [(item["key"], item["value"]) for item in map(orjson.loads, lines)]
    except (ValueError, KeyError, TypeError) as wrong:
        raise Refusal(400, f"Invalid NDJSON: {wrong!r}") from wrong
    if not operations or operations[0][0] != "header" or not operations[0][1].get("summary"):
        raise Refusal(400, "The first line must be a header with a summary")
    header = operations[0][1]
    ref = repo.find_ref(revision)
    if ref is None or ref.startswith("refs/tags/"):
        raise Refusal(404, f"Invalid rev id: {revision}", code="RevisionNotFound")
    head = parent = repo.resolve(ref)
    if header.get("parentCommit"):
        parent = repo.resolve(header["parentCommit"])
    if parent.id != head.id and not wants_pull:
        raise Refusal(412, _STALE)
    pull = find_pull(repo, ref)
    tree = _change_tree(store, repo, parent, operations[1:])
    if wants_pull:
        return _commit_to_pull(call, repo, user, parent, ref, tree, header)
    commit = repo.add_commit(ref, head, tree, header["summary"], header.get("description", ""), user.name)
    if pull is not None:
        note_commit(pull, commit)
    return answer_json(_describe(call, repo, commit))


def _commit_to_pull(call: Call, repo: Repo, user: User, parent: Commit, target: str, tree: Mapping[str, Blob],
                    header: Mapping[str, Any]) -> Answer:  # fmt: skip
    title, message = header["summary"], header.get("description", "")
    pull = open_discussion(repo, user.name, title, message, base=parent, target=target, status="open")
    commit = repo.add_commit(pull.ref, parent, tree, title, message, user.name)
    note_commit(pull, commit)
    return answer_json(
        {**_describe(call, repo, commit), "pullRequestUrl": f"{call.base}/{repo.address}/discussions/{pull.num}"}
    )


def _describe(call: Call, repo: Repo, commit: Commit) -> dict[str, Any]:
    url = f"{call.base}/{repo.address}/commit/{commit.id}"
    return {"success": True, "commitOid": commit.id, "commitUrl": url, "hookOutput": ""}


async def make_branch(store: Store, call: Call, repo: Repo, name: str) -> Answer:
    """``POST …/branch/NAME``."""
    need_write(store, call, repo)
    body = await call.read_json()
    if name.startswith("refs/"):
        raise Refusal(400, f"Invalid reference for a branch: {name}")
    return _make_ref(repo, f"refs/heads/{name}", body.get("startingPoint", "main"))


async def make_tag(store: Store, call: Call, repo: Repo, revision: str) -> Answer:
    """``POST …/tag/REV``, with the name in the body."""
    need_write(store, call, repo)
    body = await call.read_json()
    if not re.fullmatch(r"[\w][\w./+-]*", str(body.get("tag"))):
        repo.resolve(revision)
        raise Refusal(400, f"Invalid tag name: {body.get('tag')}")
    return _make_ref(repo, f"refs/tags/{body['tag']}", revision)


def _make_ref(repo: Repo, ref: str, revision: str) -> Answer:
    commit = repo.resolve(revision)
    if ref in repo.refs:
        raise Refusal(409, f"Reference {ref} already exists")
    repo.refs[ref] = commit.id
    return answer_json({})


def remove_ref(store: Store, call: Call, repo: Repo, ref: str) -> Answer:
    """``DELETE …/branch/NAME`` and ``…/tag/NAME``."""
    need_write(store, call, repo)
    if ref == MAIN:
        raise Refusal(403, f"Cannot delete {ref}")
    if ref not in repo.refs:
        raise Refusal(404, f"Invalid rev id: {ref.split('/', 2)[2]}", code="RevisionNotFound")
    del repo.refs[ref]
    return answer_json({})


def _change_tree(store: Store, repo: Repo, parent: Commit, operations: list[tuple[str, Any]]) -> dict[str, Blob]:
    tree = dict(parent.tree)
    for key, value in operations:
        path = _check_path(value["path"])
        match key:
            case "file":
                tree[path] = _decode_file(store, path, value)
            case "lfsFile":
                tree[path] = _find_object(store, repo, value["oid"])
            case "deletedFile" | "deletedFolder":
                doomed = [name for name in tree if name == path or name.startswith(f"{path.rstrip('/')}/")]
                if not doomed:
                    raise Refusal(404, f"A file with this name doesn't exist: {path}", code="EntryNotFound")
                for name in doomed:
                    del tree[name]
            case "copyFile":
                source = repo.resolve(value.get("srcRevision") or parent.id).tree.get(value["srcPath"])
                if source is None:
                    raise Refusal(404, f"Entry not found: {value['srcPath']}", code="EntryNotFound")
                tree[path] = source
            case _:
                raise Refusal(400, f"Unknown operation: {key}")
    if clash := tree.keys() & list_folders(tree):
        raise Refusal(400, f"Both a file and a folder: {sorted(clash)}")
    return tree


def _check_path(path: str) -> str:
    parts = path.rstrip("/").split("/")
    if "\\" in path or any(part in ("", ".", "..", ".git") for part in parts):
        raise Refusal(422, f"Invalid path: {path}")
    return path


def _decode_file(store: Store, path: str, value: Mapping[str, Any]) -> Blob:
    try:
        content = base64.b64decode(value["content"], validate=True)
    except binascii.Error as wrong:
        raise Refusal(400, f"{path}: not base64: {wrong}") from wrong
    if len(content) > LARGEST_REGULAR:
        raise Refusal(413, f"{path}: files larger than 10 MiB must be uploaded as large files")
    if path == "README.md" and (errors := validate_card(content.decode("utf-8", "replace"), "dataset").errors):
        raise Refusal(400, "Invalid metadata in README.md: " + "; ".join(errors))
    return store.add_blob(content)


def _find_object(store: Store, repo: Repo, sha256: str) -> Blob:
    blob = store.find_large(sha256) if sha256 in repo.lfs else None
    if blob is None:
        raise Refusal(400, f"LFS pointer pointed to a file that does not exist: {sha256}")
    return blob


def _read_patterns(store: Store, commit: Commit, name: str, attribute: str) -> list[str]:
    blob = commit.tree.get(name)
    lines = store.read(blob).decode("utf-8", "replace").splitlines() if blob else []
    return [line.split()[0] for line in lines if line.strip() and not line.startswith("#") and attribute in line]


def _matches(path: str, patterns: list[str]) -> bool:
    name = path.rpartition("/")[2]
    return any(fnmatch(path, pattern) or fnmatch(name, pattern) or path.startswith(f"{pattern.rstrip('/')}/")
               for pattern in patterns)  # fmt: skip
