"""The server of the stand-in Hub: ``python -m tests.servers.hub --port-file FILE --root FOLDER``.

Each request is logged, may be struck by a fault, and is otherwise handed to who answers it. Under ``/_hub/`` are the
controls that ``RunningHub`` uses; they are neither logged nor struck.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import uvloop
from aiohttp import web

from tests.servers.faults import reset_connection
from tests.servers.hub import ORG, OTHER_TOKEN, OTHER_USER, READ_TOKEN, TOKEN, USER, discussions, read, write
from tests.servers.hub.access import find_repo
from tests.servers.hub.answers import (
    Answer,
    Call,
    Entry,
    answer_file,
    answer_json,
    answer_refusal,
    read_call,
    send,
)
from tests.servers.hub.faults import Rule, read_rule
from tests.servers.hub.lfs import LargeFiles
from tests.servers.hub.store import MAIN, Refusal, Repo, Store, User
from tests.servers.process import stop_with_parent
from tests.servers.scripted import listen

KINDS = ("models", "datasets", "spaces")
_KIND = "datasets"
"""Of the repositories that the controls are about."""

USERS = {
    TOKEN: User(USER, (ORG,), writes=True),
    READ_TOKEN: User(USER, (ORG,), writes=False),
    OTHER_TOKEN: User(OTHER_USER, (), writes=True),
}


class Hub:
    """The handler of all requests."""

    def __init__(self, root: Path, part_bytes: int):
        self._store = Store(root, USERS)
        self._large = LargeFiles(self._store, root, part_bytes)
        self._log: list[Entry] = []
        self._rules: list[Rule] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        entry = Entry(len(self._log), request.method, request.rel_url.raw_path)
        call = read_call(request, entry)
        if call.parts[0] == "_hub":
            return await send(request, await self._refuse_in(self._control(call)))
        self._log.append(entry)
        struck = [rule for rule in self._rules if rule.strikes(entry.method, entry.path)]
        return await self._answer(call, struck[0] if struck else None)

    async def _answer(self, call: Call, rule: Rule | None) -> web.StreamResponse:
        """Do what is asked for and answer, with what a fault does before, in place of it or after."""
        entry, name = call.entry, rule.name if rule else ""
        if rule and name in ("reset", "hang", "close_early"):
            if name == "close_early":
                await self._read_some(call, rule.argument)
            entry.fault = rule.fault
            return await self._break_off(call, name)
        if rule and name == "slow":
            await asyncio.sleep(float(rule.argument))
        if name == "other_commit":
            self._commit_as_other(call)
        answer = answer_refusal(rule.refuse()) if rule and name == "status" else await self._work(call)
        if name == "other_commit_after":
            self._commit_as_other(call)
        entry.fault = rule.fault if rule else ""
        if name in ("reset_after", "hang_after"):
            return await self._break_off(call, name)
        response = await send(call.request, answer, cut=name == "cut")
        entry.status = answer.status
        return response

    async def _work(self, call: Call) -> Answer:
        try:
            return await self._refuse_in(self._dispatch(call))
        finally:
            self._count_upload(call)

    async def _read_some(self, call: Call, most: str) -> None:
        length = int(call.request.headers.get("Content-Length", "0"))
        async for _ in call.read_pieces(int(most) if most else length // 2):
            pass
        self._count_upload(call)

    def _count_upload(self, call: Call) -> None:
        if call.parts[0] == "_storage" and call.method == "PUT":
            self._large.uploaded[call.parts[1]] += call.entry.bytes_in

    @staticmethod
    async def _break_off(call: Call, name: str) -> web.StreamResponse:
        if name.startswith("hang"):
            await asyncio.Event().wait()
        return reset_connection(call.request)

    @staticmethod
    async def _refuse_in(work: Any) -> Answer:
        try:
            answer: Answer = await work
        except Refusal as refusal:
            return answer_refusal(refusal)
        return answer

    # ------------------------------------------------------------------------------------------- who answers what

    async def _dispatch(self, call: Call) -> Answer:
        match call.method, *call.parts:
            case "GET", "api", "whoami-v2":
                return read.tell_user(self._store, call)
            case "POST", "api", "repos", "create":
                return await write.create_repo(self._store, call)
            case "DELETE", "api", "repos", "delete":
                return await write.delete_repo(self._store, call)
            case "POST", "api", "validate-yaml":
                return await write.validate_yaml(self._store, call)
            case "POST", "api", "complete_multipart":
                return await self._large.handle_completion(call)
            case "PUT" | "GET" | "HEAD", "_storage", *_:
                return await self._large.handle_storage(call)
            case _, "api", kind, namespace, name, *rest if kind in KINDS:
                repo = find_repo(self._store, call, kind, f"{namespace}/{name}")
                return await self._dispatch_repo(call, repo, *_join_revision(rest))
            case _, ("datasets" | "spaces") as kind, namespace, name, *rest:
                return await self._dispatch_site(call, kind, f"{namespace}/{name}", *_join_revision(rest))
            case _, namespace, name, *rest:
                return await self._dispatch_site(call, "models", f"{namespace}/{name}", *_join_revision(rest))
        raise Refusal(404, "Sorry, we can't find the page you are looking for.")

    async def _dispatch_site(self, call: Call, kind: str, id: str, *rest: str) -> Answer:
        match call.method, *rest:
            case "GET" | "HEAD", "resolve", revision, *path:
                return read.give_file(self._store, call, kind, id, revision, "/".join(path))
            case "GET" | "HEAD", "raw", revision, *path:
                return read.give_raw(self._store, call, kind, id, revision, "/".join(path))
            case "POST", "info", "lfs", "objects", "batch":
                return await self._large.handle_batch(call, kind, id.removesuffix(".git"))
            case "POST", "info", "lfs", "verify":
                return await self._large.handle_verify(call, kind, id.removesuffix(".git"))
        raise Refusal(404, "Sorry, we can't find the page you are looking for.")

    async def _dispatch_repo(self, call: Call, repo: Repo, *rest: str) -> Answer:
        store = self._store
        match call.method, *rest:
            case "GET", "auth-check", *more:
                return read.check_access(store, call, repo, more)
            case "GET", "refs":
                return read.list_refs(store, call, repo)
            case "GET", "revision", revision:
                return read.tell_info(store, call, repo, revision)
            case "GET", "commits", revision:
                return read.list_commits(store, call, repo, revision)
            case "GET", "tree", revision, *path:
                return read.list_tree(store, call, repo, revision, "/".join(path))
            case "POST", "paths-info", revision:
                return await read.tell_paths(store, call, repo, revision)
            case "GET", "discussions":
                return discussions.list_discussions(store, call, repo)
            case "GET", "discussions", num:
                return discussions.tell_discussion(store, call, repo, num)
            case "POST", "discussions":
                return await discussions.create_discussion(store, call, repo)
            case "POST", "discussions", num, what:
                return await discussions.change_discussion(store, call, repo, num, what)
            case "GET", *nothing if not nothing:
                return read.tell_info(store, call, repo, None)
        return await self._dispatch_write(call, repo, *rest)

    async def _dispatch_write(self, call: Call, repo: Repo, *rest: str) -> Answer:
        store = self._store
        match call.method, *rest:
            case "POST", "preupload", revision:
                return await write.plan_upload(store, call, repo, revision)
            case "POST", "commit", revision:
                return await write.make_commit(store, call, repo, revision)
            case "POST", "branch", *name:
                return await write.make_branch(store, call, repo, "/".join(name))
            case "POST", "tag", revision:
                return await write.make_tag(store, call, repo, revision)
            case "DELETE", "branch" | "tag" as what, *name:
                folder = "heads" if what == "branch" else "tags"
                return write.remove_ref(store, call, repo, f"refs/{folder}/{'/'.join(name)}")
            case "PUT", "settings":
                return await write.change_settings(store, call, repo)
        raise Refusal(404, "Sorry, we can't find the page you are looking for.")

    # -------------------------------------------------------------------------------------------------- controls

    async def _control(self, call: Call) -> Answer:
        match call.method, call.parts[1]:
            case "GET", "health":
                return answer_json({})
            case "GET", "log":
                return answer_json([asdict(entry) for entry in self._log])
            case "GET", "uploads":
                return answer_json(dict(self._large.uploaded))
            case "POST", ("clear" | "empty") as name:
                self._log, self._rules, self._large.uploaded = [], [], Counter()
                if name == "empty":
                    self._store.empty()
                return answer_json({})
            case "POST", "faults":
                self._rules += [read_rule(described) for described in orjson.loads(await call.read())]
                return answer_json({})
            case "POST", "commit":
                return self._commit(await call.read_json())
            case "GET", "refs":
                found = self._store.repos.get((_KIND, call.query("repo")))
                return answer_json(found.refs if found else {})
        return self._control_reading(call)

    def _control_reading(self, call: Call) -> Answer:
        repo = self._store.repos.get((_KIND, call.query("repo")))
        if repo is None:
            raise Refusal(404, "no such repository")
        commit = repo.resolve(call.query("revision"))
        match call.parts[1]:
            case "tree":
                return answer_json({path: asdict(blob) for path, blob in commit.tree.items()})
            case "history":
                keys = ("id", "parents", "title", "message", "author")
                return answer_json([{key: getattr(one, key) for key in keys} for one in repo.list_history(commit)])
            case "file":
                if call.query("path") in commit.tree:
                    return answer_file(call, self._store.path_of(commit.tree[call.query("path")]), {})
        raise Refusal(404, "no such control or file")

    def _commit(self, body: dict[str, Any]) -> Answer:
        repo = self._store.repos.get((_KIND, body["repo"]))
        if repo is None:
            repo = self._store.create_repo(_KIND, body["repo"], private=body["private"], author=OTHER_USER)
        head = repo.resolve("main")
        tree = dict(head.tree)
        for path, encoded in body["files"].items():
            if encoded is None:
                del tree[path]
            else:
                tree[path] = self._large.add_file(repo, path, base64.b64decode(encoded))
        return answer_json({"id": repo.add_commit(MAIN, head, tree, body["title"], "", OTHER_USER).id})

    def _commit_as_other(self, call: Call) -> None:
        parts = call.parts[1:] if call.parts[0] == "api" else call.parts
        kind, *names = parts if parts[0] in KINDS else ("models", *parts)
        repo = self._store.repos[kind, f"{names[0]}/{names[1].removesuffix('.git')}"]
        head = repo.resolve("main")
        blob = self._store.add_blob(f"after {head.id}\n".encode())
        repo.add_commit(MAIN, head, {**head.tree, "somebody-else.txt": blob}, "Say something", "", OTHER_USER)


def _join_revision(rest: list[str]) -> list[str]:
    """Some clients write the revisions ``refs/pr/N`` and ``refs/convert/NAME`` into a path as they are."""
    if len(rest) >= 4 and rest[1] == "refs" and rest[2] in ("pr", "convert"):
        return [rest[0], "/".join(rest[1:4]), *rest[4:]]
    return rest


async def serve(arguments: argparse.Namespace) -> None:
    """Listen until SIGTERM or SIGINT."""
    await listen(Hub(arguments.root, arguments.part_bytes).handle, arguments)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="A stand-in Hugging Face Hub for tests.")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--port-file", type=Path, required=True, help="where to write the port once it listens")
    parser.add_argument("--root", type=Path, required=True, help="where the bytes of files are kept")
    parser.add_argument("--part-bytes", type=int, default=0, help="larger files come in parts of this (0: never)")
    parser.add_argument("--with-parent", action="store_true", help="end when the process that started it is gone")
    arguments = parser.parse_args()
    if arguments.with_parent:
        stop_with_parent()
    uvloop.run(serve(arguments))


if __name__ == "__main__":
    main()
