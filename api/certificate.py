"""The certificate of the service: read at its start, and again when its files change or the process gets SIGHUP.

Connections that are open keep what they began with. Files that cannot be used change nothing: they are told in the log, and the
certificate that was read last stays.
"""

import asyncio
import logging
import signal
import ssl
import threading
from pathlib import Path
from typing import Final

from api.settings import Settings
from geo_risk.errors import ParameterError

_log = logging.getLogger(__name__)
_EVERY_S: Final = 10.0


class Certificate:
    """A certificate and its key, in files; ``tls`` is what new connections are made with, TLS 1.2 or later."""

    def __init__(self, cert: Path, key: Path) -> None:
        self._cert, self._key = cert, key
        self._seen = self._stamps()
        self.tls = _context(cert, key)
        self._next: asyncio.TimerHandle | None = None

    def follow(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look at the files now and then, and whenever a signal says so."""
        if threading.current_thread() is threading.main_thread():
            loop.add_signal_handler(signal.SIGHUP, self.read_again)
        self._look_later(loop)

    def leave(self) -> None:
        """Look no more."""
        if self._next is not None:
            self._next.cancel()

    def read_again(self) -> None:
        """Read the files; what cannot be used is told, and changes nothing."""
        self._seen = self._stamps()
        try:
            _context(self._cert, self._key)  # half of it must not be taken: it is tried on its own first
            _load(self.tls, self._cert, self._key)
        except ParameterError as error:
            _log.error("the certificate stays as it was: %s", error)
        else:
            _log.info("the certificate was read again")

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._stamps() != self._seen:
            self.read_again()
        self._look_later(loop)

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._next = loop.call_later(_EVERY_S, self._look, loop)

    def _stamps(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(map(_stamp, (self._cert, self._key)))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What tells that a file is another than it was; None where it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def certificate_of(settings: Settings) -> Certificate | None:
    """The certificate that the settings name; None where they name none.

    Raises
    ------
    ParameterError
        Only one of the two files is named, one cannot be read, or they do not belong together.
    """
    if settings.tls_cert is None and settings.tls_key is None:
        return None
    if settings.tls_cert is None or settings.tls_key is None:
        raise ParameterError(
            "TLS needs a certificate and its key", where="tls_cert, tls_key", expected="both files", got="one",
            then="set GEO_RISK_TLS_CERT and GEO_RISK_TLS_KEY",
        )
    return Certificate(settings.tls_cert, settings.tls_key)


def _context(cert: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    _load(context, cert, key)
    return context


def _load(context: ssl.SSLContext, cert: Path, key: Path) -> None:
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except (OSError, ssl.SSLError) as error:
        raise ParameterError(
            "the certificate or its key cannot be used", where=f"{cert.name}, {key.name}",
            expected="two PEM files that belong together, readable by this user, the key without a password",
            got=getattr(error, "reason", None) or error.strerror or "a fault", then="mend the files",
        ) from None


def _no_password() -> str:
    return ""
