"""A tiny HTTP proxy on loopback: it forwards requests with an absolute address and notes what it was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Forwarding:
    """What the proxy saw: request lines, and what it was told of the caller."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.passwords: list[str] = []

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one request and the whole answer."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *headers = head.rstrip().split("\r\n")
        self.lines.append(first)
        given = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in headers)}
        self.passwords.append(given.pop("proxy-authorization", ""))
        body = await reader.readexactly(int(given.get("content-length", 0)))
        method, url, _ = first.split(" ")
        parts = urlsplit(url)
        onward, back = await asyncio.open_connection(parts.hostname, parts.port)
        lines = [f"{method} {parts.path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
        back.write("\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1") + body)
        await back.drain()
        writer.write(await onward.read())
        await writer.drain()
        for one in (back, writer):
            one.close()


@asynccontextmanager
async def forwarding() -> AsyncIterator[tuple[Forwarding, int]]:
    """Serve in this loop; gives what it sees and its port."""
    proxy = Forwarding()
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0)
    try:
        yield proxy, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
