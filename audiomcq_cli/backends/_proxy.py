"""Finds the proxy for an address in the environment, as curl reads HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from audiomcq_cli.contracts import Model
from audiomcq_cli.errors import RecipeError


def find_proxy(model: Model, url: str) -> str | None:
    """Return the address of the proxy for a server, or None if there is none.

    aiohttp's own ``trust_env`` is not used: for a model without a key, it would take passwords from ``~/.netrc``.

    Raises:
        RecipeError: The environment names a proxy that is not an HTTP proxy. The message leaves out the proxy's
            address, which may hold a password.
    """
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or not parts.hostname or proxy_bypass(_with_port(parts.hostname, parts.port)):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if not _is_usable(proxy):
        raise unusable_proxy(model)
    return proxy


def unusable_proxy(model: Model) -> RecipeError:
    """Return the error of a proxy that cannot be used."""
    return RecipeError(
        f"model {model.name!r}: the proxy that the environment names cannot be used",
        hint="look at http_proxy, https_proxy and all_proxy; no_proxy names hosts that need none",
    )


def _with_port(host: str, port: int | None) -> str:
    return f"{host}:{port}" if port else host


def _is_usable(proxy: str) -> bool:
    try:
        parts = urlsplit(proxy)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
