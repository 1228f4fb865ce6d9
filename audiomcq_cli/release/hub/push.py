"""Puts a release folder on the Hub: its large files first, then one commit, then a tag.

Readers of a branch see the old release or the new one, never a mixture: uploads stay invisible until a commit names
them, and there is one commit. A release with more files than one commit takes goes into a pull request, commit by
commit, which is compared with the release and then merged. After any interruption the same command goes on: large files
are not sent again, an existing commit or pull request is found, a missing tag is made.

Files on the Hub outside the release (``.gitattributes``, a picture in the card) stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiomcq_cli.errors import HubError, InputError, RecipeError
from audiomcq_cli.release.diff.versions import parse_version
from audiomcq_cli.release.hub.commits import LocalFile, check_files, find_first, holds, read_release
from audiomcq_cli.release.hub.repo import HubRepo, PullRequest, Stored
from audiomcq_cli.release.layout import CARD
from audiomcq_cli.release.texts.changelog import CHANGELOG
from audiomcq_cli.release.tree import MANIFEST, read_release_manifest

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

MOST_FILES = 100
"""Most files that one commit changes. The Hub allows a commit one minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushOptions:
    """Options of a push.

    Attributes:
        repo: ``org/name``.
        private: Visibility of a new repository, or the visibility that an existing one must have. None accepts any, and
            makes a new one private.
        branch: Branch that readers see.
        pull_request: Leave a pull request for a person to merge, in place of a commit.
    """

    repo: str
    private: bool | None = None
    branch: str = "main"
    pull_request: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The work of a push.

    Attributes:
        parent: Commit to build on; empty if the repository does not exist.
        new: Files to add.
        changed: Files to replace.
        same: Files that are there already.
        removed: Files of the previous release that this one lacks.
    """

    parent: str
    new: tuple[LocalFile, ...]
    changed: tuple[LocalFile, ...]
    same: tuple[LocalFile, ...]
    removed: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """True if the Hub already holds this release."""
        return not (self.new or self.changed or self.removed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """The result of a push.

    Attributes:
        commit: Commit of the release, or of a pull request that is left open.
        tag: Tag that was made; empty if none was.
        url: Address of a pull request that is left open.
        changed: Whether there was anything to commit.
    """

    plan: Plan
    commit: str
    tag: str = ""
    url: str = ""
    changed: bool = True


def plan_push(folder: Path, options: PushOptions, hub: HubRepo) -> Plan:
    """Compare a release folder with the Hub; nothing is written.

    Raises:
        HubError: The Hub cannot be reached or refuses, or a file there is in the way.
        StorageError: The folder is not a whole release.
    """
    manifest, files = read_release(folder)
    private = hub.find_private()
    if private is None:
        return Plan(parent="", new=files, changed=(), same=(), removed=())
    if options.private is not None and options.private != private:
        there, asked = ("private", "--public") if private else ("public", "--private")
        raise HubError(f"{options.repo} is {there}: {asked} is for new repositories", hint="change it in its settings")
    branch = options.branch if options.branch == "main" or hub.has_branch(options.branch) else "main"
    parent = hub.find_head(branch)
    stored = hub.list_files(parent)
    former = _read_former(hub, parent, stored)
    ours = {file["file"] for file in former.get("files", ())} | ({MANIFEST} if former else set())
    plan = _compare(folder, files, stored, ours, parent)
    _check_version(hub, manifest, former, plan, folder, files)
    return plan


def push(folder: Path, options: PushOptions, say: Callable[[str], None]) -> Pushed:
    """Put a release folder on the Hub.

    Args:
        folder: A whole release.
        options: Destination.
        say: Called with messages about progress.

    Raises:
        HubError: The Hub cannot be reached or refuses, or a file there is in the way. Nothing is half-published then.
        StorageError: The folder is not a whole release.
    """
    hub = HubRepo(options.repo, say)
    manifest, files = read_release(folder)
    plan = plan_push(folder, options, hub)
    if not plan.parent:
        hub.create(private=options.private is not False)
        plan = plan_push(folder, options, hub)
    if options.branch != "main":
        hub.create_branch(options.branch)
    title = f"Release {manifest['version']}"
    commit, url = plan.parent, ""
    if not plan.empty:
        operations = _make_operations(folder, plan)
        say(f"{len(plan.new)} new, {len(plan.changed)} changed, {len(plan.same)} unchanged,"
            f" {len(plan.removed)} removed files")  # fmt: skip
        if options.pull_request or len(operations) > MOST_FILES:
            commit, url = _push_by_pull_request(hub, folder, files, plan, operations, manifest, options)
        else:
            hub.upload(operations, options.branch)
            commit = hub.commit(operations, title, parent=plan.parent, revision=options.branch)
            check_files(hub, folder, files, commit)
    tag = ""
    if not url and (head := hub.find_head(options.branch)) != commit:
        say(f"somebody else has changed {options.branch} since (it is {head[:8]} now): the release is {commit[:8]}")
    if not url and options.branch == "main":
        tag = f"v{manifest['version']}"
        named = hub.find_tag(tag)
        if not named:
            commit = find_first(hub, folder, files, commit) if plan.empty else commit
            hub.tag(tag, commit, title)
        elif named != commit and not plan.empty:  # people edited texts: the release stays where it was tagged
            tag = ""
    return Pushed(plan=plan, commit=commit, tag=tag, url=url, changed=not plan.empty)


def _compare(
    folder: Path, files: Sequence[LocalFile], there: Mapping[str, Stored], former: set[str], parent: str
) -> Plan:
    ours = {file.path for file in files}
    strangers = sorted(path for path in there.keys() - ours - former if path.startswith("data/"))
    if strangers:
        raise HubError(
            f"{len(strangers)} files that no release made are in the way, such as {strangers[0]}: the configs of this"
            " release would include them",
            hint="remove them, or name another repository",
        )
    same = [file for file in files if file.path in there and holds(there[file.path], folder, file)]
    return Plan(
        parent=parent,
        new=tuple(file for file in files if file.path not in there),
        changed=tuple(file for file in files if file.path in there and file not in same),
        same=tuple(same),
        removed=tuple(sorted((former & there.keys()) - ours)),
    )


def _read_former(hub: HubRepo, commit: str, there: Mapping[str, Stored]) -> dict[str, Any]:
    """Return the manifest of the release at a commit; empty if there is none."""
    if MANIFEST not in there:
        return {}
    try:
        manifest = read_release_manifest(hub.read(MANIFEST, commit), MANIFEST)
        parse_version(manifest["version"])
        return manifest
    except (InputError, RecipeError) as error:
        raise HubError(f"{hub.name}: {MANIFEST} there is not a release's: {error}") from error


def _check_version(
    hub: HubRepo,
    manifest: Mapping[str, Any],
    former: Mapping[str, Any],
    plan: Plan,
    folder: Path,
    files: Sequence[LocalFile],
) -> None:
    """Refuse a version below the published one, or the same version with other content.

    Edits of the card and the changelog by people are allowed under the same version.
    """
    mine, hint = manifest["version"], "raise version in the recipe's [project]"
    if former and parse_version(mine) < parse_version(former["version"]):
        raise HubError(f"{hub.name} has version {former['version']}, and this is {mine}", hint=hint)
    tagged = hub.find_tag(f"v{mine}")
    if not tagged or plan.empty:
        return
    there = hub.list_files(tagged)
    other = {file.path for file in files if file.path not in there or not holds(there[file.path], folder, file)}
    edited = other <= {MANIFEST, CARD, CHANGELOG} and _describe(manifest) == _describe(_read_former(hub, tagged, there))
    if not edited:
        raise HubError(f"{hub.name} has a release {mine} (v{mine}) already, and it is another", hint=hint)


def _describe(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a manifest says about a release, without what follows from the texts that people may edit."""
    return {name: value for name, value in manifest.items() if name not in ("files", "fingerprint")}


def _make_operations(folder: Path, plan: Plan) -> list[CommitOperationAdd | CommitOperationDelete]:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    adds = [CommitOperationAdd(file.path, folder / file.path) for file in (*plan.new, *plan.changed)]
    return [*(CommitOperationDelete(path) for path in plan.removed), *adds]


# --------------------------------------------------------------------------------------------------- pull requests


def _push_by_pull_request(
    hub: HubRepo,
    folder: Path,
    files: Sequence[LocalFile],
    plan: Plan,
    operations: Sequence[CommitOperationAdd | CommitOperationDelete],
    manifest: Mapping[str, Any],
    options: PushOptions,
) -> tuple[str, str]:
    """Fill a pull request commit by commit and merge it when it is whole.

    Returns the commit, and the page of a pull request that is left open.
    """
    if options.branch != "main":
        raise HubError(
            f"{len(operations)} files are too many for one commit, and pull requests are for main alone",
            hint="push to main, or build the release of fewer shards",
        )
    title = f"Release {manifest['version']} ({manifest['fingerprint'][:12]})"
    request = _find_or_open(hub, title, plan.parent)
    there = hub.list_files(request.ref)
    waiting = [one for one in operations if not _is_done(one, there, folder, files)]
    for number, start in enumerate(range(0, len(waiting), MOST_FILES), 1):
        some = waiting[start : start + MOST_FILES]
        hub.upload(some, request.ref)
        hub.commit(some, f"{title}, {number}", parent=hub.find_head(request.ref), revision=request.ref)
    head = hub.find_head(request.ref)
    check_files(hub, folder, files, head)
    if request.draft:
        hub.undraft(request)
    if options.pull_request:
        return head, request.url
    if (now := hub.find_head("main")) != plan.parent:
        raise HubError(
            f"{hub.name}: main was changed by somebody else meanwhile ({now[:8]})",
            hint="the same command makes the pull request anew, and sends nothing twice",
            status=412,
        )
    merged = hub.merge(request)
    if not merged:
        raise HubError(f"{hub.name}: the Hub does not say which commit it merged", hint="the same command tags it")
    check_files(hub, folder, files, merged)
    return merged, ""


def _find_or_open(hub: HubRepo, title: str, parent: str) -> PullRequest:
    """Return the pull request that an earlier push began on this parent, or a new one."""
    request = hub.find_pull_request(title)
    if request and parent in hub.list_ancestors(request.ref):
        return request
    if request:
        hub.close_pull_request(request, "main has changed since; another takes its place.")
    return hub.open_pull_request(title, "Made by audiomcq: merge it when it is no draft any more, or let it do so.")


def _is_done(
    operation: CommitOperationAdd | CommitOperationDelete,
    there: Mapping[str, Stored],
    folder: Path,
    files: Sequence[LocalFile],
) -> bool:
    from huggingface_hub import CommitOperationDelete

    path = operation.path_in_repo
    if isinstance(operation, CommitOperationDelete):
        return path not in there
    return path in there and any(file.path == path and holds(there[path], folder, file) for file in files)
