"""Ports for servers of tests that must know theirs before they begin, or keep it over a new start."""

import os
import socket
from itertools import count

_FIRST, _HOW_MANY = 20_000, 10_000
_tries = count(os.getpid() * 61)


def free_port() -> int:
    """A port that nobody listens on, below those that the system gives to whoever asks for any (Linux: 32768 and above).

    One of those might be given to another process before it is bound; and who asks again and again for a server that is away
    would in the end be connected with himself.
    """
    for number in _tries:
        port = _FIRST + number % _HOW_MANY
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError
