"""Large files on the stand-in Hub: the batch call that says what to upload, and the storage that takes and gives them.

Storage is another host than the Hub (``localhost`` in place of ``127.0.0.1``), as it is in truth: addresses there are
signed, and a request that brings a token as well is refused, so a client that leaks one is found out.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.servers.hub.access import find_repo, need_user, need_write
from tests.servers.hub.answers import Answer, Call, answer_file, answer_json
from tests.servers.hub.store import Blob, Refusal, Repo, Store, hash_blob, write_pointer

_SECRET = secrets.token_bytes(16)


def sign(call: Call, sha256: str, *, part: int = 0, repo: str = "") -> str:
    """A signed address in storage: of a large object or a part of one, to be stored for a repository or to be read."""
    path = f"{sha256}/{part}" if part else sha256
    port = call.base.rpartition(":")[2]
    query = urlencode({"repo": repo, "signature": _signature(f"{path} {repo}")})
    return f"http://localhost:{port}/_storage/{path}?{query}"


class LargeFiles:
    """The handlers; ``part_bytes`` is the size from which objects are uploaded in parts of it (0: never)."""

    def __init__(self, store: Store, folder: Path, part_bytes: int):
        self._store, self._folder, self._part_bytes = store, folder / "parts", part_bytes
        self._folder.mkdir(parents=True, exist_ok=True)
        self.uploaded: Counter[str] = Counter()
        """Bytes that came in for each object, those of broken uploads as well."""

    async def handle_batch(self, call: Call, kind: str, id: str) -> Answer:
        """``POST /datasets/NAME.git/info/lfs/objects/batch``."""
        repo = find_repo(self._store, call, kind, id)
        need_write(self._store, call, repo)
        body = await call.read_json()
        ref = body.get("ref", {}).get("name")
        if ref is not None:
            repo.resolve(ref)
        if body.get("operation") != "upload" or body.get("hash_algo", "sha256") != "sha256":
            raise Refusal(422, "only uploads by sha256")
        several = self._part_bytes and "multipart" in body.get("transfers", ["basic"])
        objects = [
            {**item, "authenticated": True, **self._plan(call, repo, item["oid"], item["size"], bool(several))}
            for item in body["objects"]
        ]
        return answer_json({"transfer": "multipart" if several else "basic", "objects": objects})

    def _plan(self, call: Call, target: Repo, sha256: str, size: int, several: bool) -> dict[str, Any]:
        """What is to be done for an object: nothing where it is here."""
        if sha256 in target.lfs:
            return {}
        repo = target.address
        if several and size > self._part_bytes:
            count = -(-size // self._part_bytes)
            query = urlencode({"repo": repo, "signature": _signature(f"complete {sha256} {repo}")})
            header = {str(number): sign(call, sha256, part=number, repo=repo) for number in range(1, count + 1)}
            header["chunk_size"] = str(self._part_bytes)
            upload: dict[str, Any] = {"href": f"{call.base}/api/complete_multipart?{query}", "header": header}
        else:
            upload = {"href": sign(call, sha256, repo=repo)}
        verify = {"href": f"{call.base}/{repo}.git/info/lfs/verify"}
        return {"actions": {"upload": upload, "verify": verify}}

    async def handle_storage(self, call: Call) -> Answer:
        """``PUT`` and ``GET /_storage/HASH[/PART]``."""
        path, repo = "/".join(call.parts[1:]), call.query("repo")
        if "Authorization" in call.request.headers:
            raise Refusal(400, "Only one auth mechanism allowed; a token does not belong here")
        if not hmac.compare_digest(call.query("signature"), _signature(f"{path} {repo}")):
            raise Refusal(403, "SignatureDoesNotMatch")
        sha256, _, part = path.partition("/")
        if call.method in ("GET", "HEAD"):
            return answer_file(call, self._store.path_of_large(sha256), {"ETag": f'"{sha256[:32]}"'})
        received, digest = await self._receive(call, "md5" if part else "sha256")
        if part:
            received.replace(self._folder / f"{sha256}.{part}")
        else:
            self._keep(received, digest, sha256, repo)
        return Answer(headers={"ETag": f'"{digest}"'})

    async def handle_completion(self, call: Call) -> Answer:
        """``POST /api/complete_multipart``: put the parts together."""
        body, repo = await call.read_json(), call.query("repo")
        sha256 = str(body.get("oid"))
        if not hmac.compare_digest(call.query("signature"), _signature(f"complete {sha256} {repo}")):
            raise Refusal(403, "SignatureDoesNotMatch")
        whole, digest = self._folder / secrets.token_hex(8), hashlib.sha256()
        with whole.open("wb") as stream:
            for number, part in enumerate(body["parts"], 1):
                path = self._folder / f"{sha256}.{number}"
                content = path.read_bytes() if path.exists() else b""
                if part["partNumber"] != number or part["etag"].strip('"') != hashlib.md5(content).hexdigest():
                    raise Refusal(400, f"InvalidPart: part {number} is not what was uploaded")
                stream.write(content)
                digest.update(content)
        self._keep(whole, digest.hexdigest(), sha256, repo)
        for path in self._folder.glob(f"{sha256}.*"):
            path.unlink()
        return answer_json({"success": True})

    async def handle_verify(self, call: Call, kind: str, id: str) -> Answer:
        """``POST /datasets/NAME.git/info/lfs/verify``: whether an object has come in whole."""
        repo = find_repo(self._store, call, kind, id)
        need_user(self._store, call)
        body = await call.read_json()
        blob = self._store.find_large(str(body.get("oid")))
        if blob is None or blob.sha256 not in repo.lfs or blob.size != body.get("size"):
            raise Refusal(404, "The object is not in storage")
        return answer_json({})

    def add_file(self, repo: Repo, path: str, content: bytes) -> Blob:
        """Keep a file as somebody else would have committed it, as a large one if its name says so."""
        if not path.endswith(".parquet"):
            return self._store.add_blob(content)
        sha256 = hashlib.sha256(content).hexdigest()
        self._store.path_of_large(sha256).write_bytes(content)
        repo.lfs.add(sha256)
        return Blob(hash_blob(write_pointer(sha256, len(content))), len(content), sha256)

    async def _receive(self, call: Call, hash_name: str) -> tuple[Path, str]:
        received, digest = self._folder / secrets.token_hex(8), hashlib.new(hash_name)
        try:
            with received.open("wb") as stream:
                async for piece in call.read_pieces():
                    digest.update(piece)
                    stream.write(piece)
        except BaseException:
            received.unlink()
            raise
        expected = int(call.request.headers.get("Content-Length", call.entry.bytes_in))
        if call.entry.bytes_in != expected:
            received.unlink()
            raise Refusal(400, "IncompleteBody")
        return received, digest.hexdigest()

    def _keep(self, received: Path, digest: str, sha256: str, repo: str) -> None:
        if digest != sha256:
            received.unlink()
            raise Refusal(400, "BadDigest: the content is not what its name says")
        received.replace(self._store.path_of_large(sha256))
        for known in self._store.repos.values():
            if known.address == repo:
                known.lfs.add(sha256)


def _signature(text: str) -> str:
    return hmac.new(_SECRET, text.encode(), "sha256").hexdigest()
