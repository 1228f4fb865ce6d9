"""Explains a failed connection in words for people: a library's own message names hosts and sockets."""

from __future__ import annotations

import os


def explain_connection(error: Exception, seconds: float) -> str:
    """Describe why a request with a time limit of ``seconds`` failed; empty if the kind of error is not known here.

    The text of the error is never repeated: it may hold a password.
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
