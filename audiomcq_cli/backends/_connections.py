"""Why no answer came over a connection, in words for people: what a library says of it names hosts and sockets."""

from __future__ import annotations

import os


def explain_connection(error: Exception, seconds: float) -> str:
    """What went wrong with a request that was given so many seconds; empty where the library alone has words for it.

    Nothing of what the error says is repeated, which may hold a password.
    """
    import aiohttp

    match error:
        case aiohttp.ClientConnectorDNSError():
            return "no such host"
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not trusted"
        case aiohttp.ClientConnectorSSLError():
            return "no TLS connection can be made (is it http:// rather than https://?)"
        case aiohttp.ClientConnectorError() if error.os_error.errno:
            return os.strerror(error.os_error.errno).lower()
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed without an answer"
        case TimeoutError():
            return f"no answer in {seconds:g} s"
    return ""
