"""Discussions and pull requests of the stand-in Hub.

A pull request is a ref, ``refs/pr/N``, that commits go to. Merging makes one commit on its target of all that it
changed since it began. What others changed there meanwhile stays, so the result may be what nobody has seen; only where
both changed the same file is it refused.
"""

from __future__ import annotations

import secrets
from typing import Any

from tests.servers.hub.access import need_user, need_write
from tests.servers.hub.answers import Answer, Call, answer_json
from tests.servers.hub.store import MAIN, Blob, Commit, Discussion, Refusal, Repo, Store, now

_PAGE = 50


def open_discussion(repo: Repo, author: str, title: str, text: str, *, base: Commit | None = None, target: str = MAIN,
                    status: str = "open") -> Discussion:  # fmt: skip
    """Begin a discussion, or a pull request where ``base`` says what it starts from."""
    discussion = Discussion(len(repo.discussions) + 1, title, author, now(), status, base, target)
    repo.discussions.append(discussion)
    if base is not None:
        repo.refs[discussion.ref] = base.id
    _add_event(discussion, author, "comment", edited=False, hidden=False, latest={"raw": text, "html": text})
    return discussion


def find_pull(repo: Repo, ref: str) -> Discussion | None:
    """The pull request of a ref, if it is one; refuses one that is over."""
    pull = next((one for one in repo.discussions if one.base is not None and one.ref == ref), None)
    if pull is not None and pull.status not in ("open", "draft"):
        raise Refusal(400, f"This pull request is {pull.status}")
    return pull


def note_commit(pull: Discussion, commit: Commit) -> None:
    """Note in a pull request a commit to it."""
    _add_event(pull, commit.author, "commit", subject=commit.title, oid=commit.id)


async def create_discussion(store: Store, call: Call, repo: Repo) -> Answer:
    """``POST …/discussions``; a pull request begins as a draft and without a change."""
    user = need_user(store, call)
    if not user.writes:
        raise Refusal(403, "Forbidden: Authorization error.")
    body = await call.read_json()
    title = str(body.get("title", ""))
    if not 3 <= len(title) <= 200:
        raise Refusal(400, '"title" length must be between 3 and 200 characters')
    pull = bool(body.get("pullRequest"))
    base, status = (repo.resolve("main"), "draft") if pull else (None, "open")
    discussion = open_discussion(repo, user.name, title, str(body.get("description", "")), base=base, status=status)
    url = f"{call.base}/{repo.address}/discussions/{discussion.num}"
    return answer_json({"num": discussion.num, "pullRequest": pull, "url": url})


def list_discussions(store: Store, call: Call, repo: Repo) -> Answer:
    """``GET …/discussions``, newest first; a draft counts as open."""
    kind, status, author = call.query("type", "all"), call.query("status", "all"), call.query("author")
    found = [
        discussion
        for discussion in reversed(repo.discussions)
        if kind in ("all", "pull_request" if discussion.base else "discussion")
        and status in ("all", "open" if discussion.status in ("open", "draft") else "closed")
        and author in ("", discussion.author)
    ]
    start = _PAGE * int(call.query("p", "0"))
    shown = [_describe(repo, discussion) for discussion in found[start : start + _PAGE]]
    return answer_json({"discussions": shown, "count": len(found), "start": start})


def tell_discussion(store: Store, call: Call, repo: Repo, num: str) -> Answer:
    """``GET …/discussions/N``."""
    discussion = _find(repo, num)
    described = {**_describe(repo, discussion), "events": discussion.events}
    if discussion.base is not None:
        described["changes"] = {"base": discussion.target, "mergeCommitId": discussion.merged}
        described["filesWithConflicts"] = [] if discussion.merged else _merge(repo, discussion)[1]
        described["diff"] = ""
    return answer_json(described)


async def change_discussion(store: Store, call: Call, repo: Repo, num: str, what: str) -> Answer:
    """``POST …/discussions/N/comment``, ``/title``, ``/status`` or ``/merge``."""
    user = need_user(store, call)
    discussion = _find(repo, num)
    body = await call.read_json()
    if what == "comment":
        text = str(body.get("comment", ""))
        event = _add_event(
            discussion, user.name, "comment", edited=False, hidden=False, latest={"raw": text, "html": text}
        )
        return answer_json({"newMessage": event})
    need_write(store, call, repo)
    if what == "title":
        event = _add_event(discussion, user.name, "title-change", **{"from": discussion.title, "to": body["title"]})
        discussion.title = body["title"]
        return answer_json({"newTitle": event})
    if what == "status":
        return _change_status(discussion, user.name, str(body.get("status")))
    if what == "merge":
        return _merge_pull(repo, discussion, user.name)
    raise Refusal(404, "Not found")


def _change_status(discussion: Discussion, author: str, status: str) -> Answer:
    if status not in ("open", "closed"):
        raise Refusal(400, '"status" must be one of [open, closed]')
    if discussion.status == "merged":
        raise Refusal(400, "This pull request has been merged already")
    discussion.status = status
    return answer_json({"newStatus": _add_event(discussion, author, "status-change", status=status)})


def _merge_pull(repo: Repo, discussion: Discussion, author: str) -> Answer:
    if discussion.base is None or discussion.status != "open":
        raise Refusal(400, f"Only an open pull request can be merged; this is {discussion.status}")
    tree, conflicts = _merge(repo, discussion)
    if conflicts:
        raise Refusal(409, f"This pull request has conflicts: {', '.join(conflicts)}")
    head, title = repo.resolve(discussion.target), f"{discussion.title} (#{discussion.num})"
    commits = [event["data"] for event in discussion.events if event["type"] == "commit"]
    message = "\n".join(f"- {commit['subject']} ({commit['oid']})" for commit in commits)
    discussion.merged = repo.add_commit(discussion.target, head, tree, title, message, author).id
    discussion.status = "merged"
    _add_event(discussion, author, "status-change", status="merged")
    return answer_json({"success": True})


def _merge(repo: Repo, discussion: Discussion) -> tuple[dict[str, Blob], list[str]]:
    """The target with what the pull request changed, and the files that both did."""
    base = discussion.base.tree if discussion.base else {}
    theirs, ours = repo.resolve(discussion.ref).tree, repo.resolve(discussion.target).tree
    tree, conflicts = dict(ours), list[str]()
    for path in sorted(base.keys() | theirs.keys()):
        before, wanted, there = base.get(path), theirs.get(path), ours.get(path)
        if wanted in (before, there):
            continue
        if there != before:
            conflicts.append(path)
        elif wanted is None:
            del tree[path]
        else:
            tree[path] = wanted
    return tree, conflicts


def _find(repo: Repo, num: str) -> Discussion:
    found = [discussion for discussion in repo.discussions if str(discussion.num) == num]
    if not found:
        raise Refusal(404, f"Discussion {num} not found")
    return found[0]


def _describe(repo: Repo, discussion: Discussion) -> dict[str, Any]:
    return {
        "num": discussion.num,
        "title": discussion.title,
        "author": {"name": discussion.author},
        "createdAt": discussion.date,
        "status": discussion.status,
        "isPullRequest": discussion.base is not None,
        "repo": {"name": repo.id, "type": repo.kind.removesuffix("s")},
    }


def _add_event(discussion: Discussion, author: str, kind: str, **data: Any) -> dict[str, Any]:
    event = {"id": secrets.token_hex(12), "type": kind, "createdAt": now(), "author": {"name": author}, "data": data}
    discussion.events.append(event)
    return event
