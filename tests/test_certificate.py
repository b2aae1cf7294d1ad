"""The service's certificate: read at its start, read again when it is another, and kept where the new one cannot be used."""

import asyncio
import logging
import shutil
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest
from conftest import missing

from api.certificate import Certificate, certificate_of
from api.settings import Settings
from bare_service import serving
from geo_risk.errors import ParameterError

HOST = "Host: 127.0.0.1"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return made(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return made(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def own(certificate: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """The first certificate in files of the test's own."""
    cert, key = (Path(shutil.copy(file, tmp_path)) for file in certificate)
    return cert, key


def made(folder: Path) -> tuple[Path, Path]:
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert),
    ]  # fmt: skip
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        missing("openssl", "apt-get install openssl")
    return cert, key


def over_tls(port: int, trusted: Path) -> bytes:
    context = ssl.create_default_context(cafile=str(trusted))
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    with context.wrap_socket(plain, server_hostname="127.0.0.1") as line:
        line.sendall(f"GET /echo HTTP/1.1\r\n{HOST}\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: line.recv(65536), b""))


def test_tls_from_files(certificate):
    cert, key = certificate
    with serving(tls_cert=cert, tls_key=key) as found:
        answer = over_tls(found.port, cert)
        assert b'"scheme": "https"' in answer
        assert b"strict-transport-security: max-age=31536000" in answer


def test_no_tls_before_1_2(certificate):
    found = certificate_of(Settings(tls_cert=certificate[0], tls_key=certificate[1]))
    assert found is not None
    assert found.tls.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_certificate_that_cannot_be_used_is_told_at_once(certificate, tmp_path):
    cert, key = certificate
    other = tmp_path / "other.pem"
    other.write_text("no certificate")
    assert certificate_of(Settings()) is None
    with pytest.raises(ParameterError, match=r"TLS needs a certificate and its key; where: tls_cert, tls_key; expected: both"):
        certificate_of(Settings(tls_cert=cert))
    with pytest.raises(ParameterError, match=r"cannot be used; where: other\.pem, key\.pem"):
        certificate_of(Settings(tls_cert=other, tls_key=key))
    with pytest.raises(ParameterError, match=r"cannot be used; where: cert\.pem, nowhere\.pem"):
        certificate_of(Settings(tls_cert=cert, tls_key=tmp_path / "nowhere.pem"))


def put(of: tuple[Path, Path], into: tuple[Path, Path]) -> None:
    """Put files in the place of others, as those who renew certificates do: each is whole at every moment."""
    for new, old in zip(of, into, strict=True):
        old.with_suffix(".new").write_bytes(new.read_bytes())
        old.with_suffix(".new").replace(old)


def der(cert: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(cert.read_text())


def test_a_signal_reads_the_certificate_again_and_open_connections_stay(certificate, own, another):
    with serving(tls_cert=own[0], tls_key=own[1]) as found:
        kept = ssl.create_default_context(cafile=str(own[0])).wrap_socket(
            socket.create_connection(("127.0.0.1", found.port), timeout=10), server_hostname="127.0.0.1"
        )
        put(another, own)
        found.process.send_signal(signal.SIGHUP)
        until = time.monotonic() + 10
        while ssl.get_server_certificate(("127.0.0.1", found.port)) != another[0].read_text() and time.monotonic() < until:
            time.sleep(0.05)
        assert b'"scheme": "https"' in over_tls(found.port, another[0])
        with pytest.raises(ssl.SSLError, match="verify failed"):
            over_tls(found.port, certificate[0])
        with kept:
            kept.sendall(f"GET /echo HTTP/1.1\r\n{HOST}\r\nConnection: close\r\n\r\n".encode())
            assert kept.recv(15).startswith(b"HTTP/1.1 200")


async def presented(server: asyncio.Server) -> bytes:
    """The certificate that a new connection is shown."""
    anybody = ssl._create_unverified_context()
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2], ssl=anybody)
    shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return shown


def shown_while(own: tuple[Path, Path], *steps: object) -> list[bytes]:
    """What new connections are shown at the beginning, and some looks after each step."""

    async def run() -> list[bytes]:
        certificate = Certificate(*own)
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=certificate.tls)
        certificate.follow(asyncio.get_running_loop())
        seen = [await presented(server)]
        for step in steps:
            step()  # type: ignore[operator]
            await asyncio.sleep(0.3)
            seen.append(await presented(server))
        certificate.leave()
        server.close()
        return seen

    return asyncio.run(run())


def test_a_certificate_that_changes_is_read_without_a_signal(own, another, monkeypatch):
    monkeypatch.setattr("api.certificate._EVERY_S", 0.02)
    first = der(own[0])
    assert shown_while(own, lambda: put(another, own)) == [first, der(another[0])]


def test_files_that_cannot_be_used_change_nothing_until_they_can(own, another, monkeypatch, caplog):
    """The certificate comes before its key: between the two the old one is shown, and the log says so once."""
    monkeypatch.setattr("api.certificate._EVERY_S", 0.02)
    first, second = der(own[0]), der(another[0])
    cert, key = own
    with caplog.at_level(logging.INFO):
        seen = shown_while(
            own,
            lambda: put(another[:1], (cert,)),
            lambda: key.write_text("no key"),
            key.unlink,
            lambda: key.write_bytes(another[1].read_bytes()),
        )
    assert seen == [first, first, first, first, second]
    told = [each.getMessage() for each in caplog.records if each.name == "api.certificate"]
    assert [text.split(":")[0] for text in told] == ["the certificate stays as it was"] * 3 + ["the certificate was read again"]
    assert all("cert.pem, key.pem" in text for text in told[:3])
