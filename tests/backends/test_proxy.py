"""Proxies that the environment names: used as people expect, and their passwords told to nobody else."""

from __future__ import annotations

import asyncio

import pytest

from audiomcq_cli.backends._proxy import find_proxy
from audiomcq_cli.backends.openai_compatible import BACKEND
from audiomcq_cli.errors import CallUnavailable, EndpointUnreachable, RecipeError
from tests.backends.test_openai_compatible import Notes, encode, find_dead_address, make_call, make_model, taking_notes
from tests.servers.forwarding import forwarding

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
PASSWORD = "pw-0123456789abc"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def send_and_check(url: str) -> None:
    backend = BACKEND.open(make_model(url), encode)
    try:
        await backend.check()
        await backend.send(make_call())
    finally:
        await backend.close()


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_proxy_is_used(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """Every request goes through the proxy, which is told its own user and password and the server is not."""
    if variable == "HTTP_PROXY":
        monkeypatch.delenv("REQUEST_METHOD", raising=False)
    notes = Notes()

    async def work() -> list[str]:
        async with taking_notes(notes) as url, forwarding() as (proxy, port):
            monkeypatch.setenv(variable, f"http://user:{PASSWORD}@127.0.0.1:{port}")
            await send_and_check(url)
            assert all(said.startswith("Basic ") for said in proxy.passwords)
            return [line.split(" ")[1].removeprefix(url) for line in proxy.lines]

    assert asyncio.run(work()) == ["/models", "/chat/completions"]
    assert not any("Proxy-Authorization" in headers for headers in notes.headers)


@pytest.mark.parametrize("spared", ["127.0.0.1", "localhost,127.0.0.1", "*"])
def test_host_that_needs_no_proxy_is_asked_directly(monkeypatch: pytest.MonkeyPatch, spared: str) -> None:
    """What NO_PROXY names is not sent to the proxy."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", spared)

    async def work() -> None:
        async with taking_notes(Notes()) as url:
            await send_and_check(url)

    asyncio.run(work())


def test_proxy_is_that_of_the_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTPS_PROXY is for https alone, and a proxy may be named without a scheme."""
    monkeypatch.setenv("HTTPS_PROXY", "proxy.test:3128")
    assert find_proxy(make_model(), "http://server.test/v1") is None
    assert find_proxy(make_model(), "https://server.test/v1") == "http://proxy.test:3128"
    monkeypatch.setenv("NO_PROXY", ".test")
    assert find_proxy(make_model(), "https://server.test/v1") is None


@pytest.mark.parametrize(
    "proxy", [f"socks5://user:{PASSWORD}@h:1", f"gopher://user:{PASSWORD}@h", f"http://{PASSWORD}:x"]
)
def test_proxy_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    """A proxy that is none of HTTP is a mistake of the environment, which is told without its password."""
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(RecipeError) as caught:
        BACKEND.open(make_model("http://server.test/v1"), encode)
    assert PASSWORD not in f"{caught.value} {caught.value.hint}" and "no_proxy" in caught.value.hint


def test_proxy_that_is_gone_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that does not answer is a server out of reach, and the message says that there is a proxy."""
    monkeypatch.setenv("http_proxy", find_dead_address().replace("//", f"//user:{PASSWORD}@").removesuffix("/v1"))
    with pytest.raises(EndpointUnreachable, match="proxy") as caught:
        asyncio.run(send_and_check("http://server.test/v1"))
    assert caught.value.down and PASSWORD not in str(caught.value)

    async def send() -> None:
        backend = BACKEND.open(make_model("http://server.test/v1"), encode)
        try:
            await backend.send(make_call())
        finally:
            await backend.close()

    with pytest.raises(CallUnavailable) as sent:
        asyncio.run(send())
    assert sent.value.down and PASSWORD not in str(sent.value)
