"""What docs/deploy.md tells an operator to do: the commands are taken from the page and done."""

import http.client
import json
import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import missing
from ports import free_port
from test_group import until

from api.exposure import require_safe
from api.settings import Settings
from geo_risk.errors import ParameterError

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "deploy.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    found = re.search(rf"<!-- run: {name} -->\n```\w*\n(.*?)```", PAGE, re.DOTALL)
    assert found, f"no block {name} on the page"
    return found[1]


def stated(name: str) -> dict[str, str]:
    """The variables of a block, as systemd and the shell read them."""
    lines = (shlex.split(line)[0] for line in block(name).splitlines())
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority and the server's certificate as the page makes them, for this machine's loopback address."""
    made = tmp_path_factory.mktemp("deploy")
    commands = block("certificates").replace("10.1.0.20", "127.0.0.1")
    try:
        subprocess.run(["bash", "-euo", "pipefail", "-c", commands], cwd=made, check=True, capture_output=True, timeout=30)
    except FileNotFoundError:
        missing("bash", "apt-get install bash openssl")
    return made


@contextmanager
def serving(folder: Path, settings: dict[str, str], log: Any = None) -> Iterator[str]:
    """The service with settings of the page, over a store of its own and on a free port: its address."""
    here = {"GEO_RISK_STORE": str(folder / "s.sqlite"), "GEO_RISK_PORT": "0", "GEO_RISK_COMPILE_AHEAD": "false"}
    command = [sys.executable, "-m", "api.cli.main", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ | settings | here) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[0].rstrip("/").replace("0.0.0.0", "127.0.0.1")
        finally:
            process.terminate()
            assert process.wait(timeout=20) == 0


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[str]:
    """The service with the page's settings: on all addresses, with TLS."""
    settings = stated("settings")
    tls = {name: str(folder / Path(settings[name]).name) for name in ("GEO_RISK_TLS_CERT", "GEO_RISK_TLS_KEY")}
    with serving(folder, settings | tls) as url:
        yield url


def test_the_shell_reads_the_settings_too(tmp_path):
    (tmp_path / "geo-risk.env").write_text(block("settings"))
    script = f"set -aeu; . {tmp_path}/geo-risk.env; env"
    told = subprocess.run(["bash", "-c", script], env={}, capture_output=True, text=True, check=True)
    assert stated("settings").items() <= dict(line.split("=", 1) for line in told.stdout.splitlines()).items()


def asked(url: str, authority: Path, **headers: str) -> tuple[int, dict[str, str], bytes]:
    context = ssl.create_default_context(cafile=str(authority))
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20, context=context) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, dict(refused.headers), refused.read()


def test_over_https_with_the_pages_certificate(service, folder):
    status, headers, body = asked(f"{service}/readyz", folder / "ca.pem")
    assert (status, json.loads(body)["status"], service[:8]) == (200, "ok", "https://")
    assert headers["strict-transport-security"] == "max-age=31536000"


def test_by_its_name_and_by_no_other(service, folder):
    assert asked(f"{service}/livez", folder / "ca.pem", Host="map.bureau.lan")[0] == 200
    assert asked(f"{service}/livez", folder / "ca.pem", Host="evil.example")[0] == 421


def test_a_stranger_is_not_told_details_through_a_proxy(service, folder):
    assert json.loads(asked(f"{service}/readyz", folder / "ca.pem", Via="1.1 x")[2]) == {"status": "ok"}


@pytest.mark.parametrize(
    "safe",
    [{}, {"host": "::1"}, {"host": "0.0.0.0", "tls_cert": "c.pem"}, {"host": "::", "trusted_proxy": ("10.1.1.1",)},
     {"host": "10.1.0.20", "insecure_network": True}],
)  # fmt: skip
def test_it_goes_on_a_network_safely(safe):
    assert require_safe(Settings(**safe)) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "10.1.0.20", "::", "map.bureau.lan"])
def test_or_not_at_all(host):
    with pytest.raises(ParameterError, match=r"does not go on a network .*TLS_CERT.*TRUSTED_PROXY.*INSECURE_NETWORK"):
        require_safe(Settings(host=host))


# behind nginx

NGINX = """pid {folder}/nginx.pid;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {server}
}}
"""


@contextmanager
def nginx(folder: Path, upstream: str) -> Iterator[int]:
    """nginx with the page's server, on a free port of loopback."""
    program, port = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"), free_port()
    if program is None:
        missing("nginx", "apt-get install nginx-light")
    server = block("nginx").replace("listen 443", f"listen 127.0.0.1:{port}").replace("http://127.0.0.1:8000", upstream)
    server = server.replace("/srv/geo-risk/tls", str(folder))
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, server=server, user="user root;" if os.geteuid() == 0 else ""))
    command = [str(program), "-p", str(folder), "-e", "error.log", "-c", "nginx.conf", "-g", "daemon off;"]
    with subprocess.Popen(command) as process:
        try:
            until(lambda: process.poll() is not None or _listens(port))
            yield port
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def proxied(folder: Path) -> Iterator[int]:
    """The port of nginx before the service, both with what the page says; the log says who asked."""
    settings = stated("proxied settings") | {"GEO_RISK_LOG_ADDRESSES": "true"}
    with (folder / "log").open("wb") as log, serving(folder, settings, log) as url, nginx(folder, url) as port:
        yield port


@contextmanager
def through(port: int, folder: Path, method: str, path: str, body: bytes | None = None) -> Iterator[http.client.HTTPResponse]:
    """The answer through nginx to somebody at 127.0.0.9."""
    trusting = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    line = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, source_address=("127.0.0.9", 0), context=trusting)
    line.request(method, path, body, {"Content-Type": "application/json"})
    answer = line.getresponse()
    yield answer
    answer.close()
    line.close()


def test_nginx_passes_on_what_every_answer_carries_once(proxied, folder):
    with through(proxied, folder, "GET", "/readyz") as answer:
        assert (answer.status, json.load(answer)) == (200, {"status": "ok"})
    for name in ("strict-transport-security", "content-security-policy", "x-content-type-options"):
        assert len(answer.headers.get_all(name, [])) == 1


def test_who_asks_is_whom_nginx_heard(proxied, folder):
    with through(proxied, folder, "GET", "/layers") as answer:
        assert answer.status == 200
    until(lambda: asked_by(folder / "log", "/layers"))  # the line is written after the answer
    assert asked_by(folder / "log", "/layers") == ["127.0.0.9"]


def asked_by(log: Path, route: str) -> list[str]:
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")]
    return [line["address"] for line in lines if line.get("route") == route]


def test_events_come_through_while_the_stream_is_open(proxied, folder):
    with through(proxied, folder, "GET", "/events") as answer:
        assert (answer.status, answer.readline()[:7]) == (200, b"retry: ")


@pytest.mark.parametrize(("size", "status"), [(1_999_999, 401), (2_000_001, 413), (5_000_000, 413)])
def test_a_body_too_long_is_refused_in_our_words(proxied, folder, size, status):
    with through(proxied, folder, "POST", "/collections/aeds/items", b"a" * size) as answer:
        assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")


# what the machine's own programs say of their files


def test_the_firewall_takes_its_rules(tmp_path):
    program = shutil.which("nft", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        missing("nft", "apt-get install nftables")
    if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody make a network of his own (CAP_SYS_ADMIN)")
    (tmp_path / "rules").write_text(block("firewall"))
    done = subprocess.run(["unshare", "-n", program, "-c", "-f", tmp_path / "rules"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("name", "file"), [("unit", "g.service"), ("backup unit", "g.service"), ("backup timer", "g.timer")])
def test_systemd_reads_the_units(name, file, tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("this machine has no systemd")
    (tmp_path / "g.service").write_text(block("backup unit").replace("/opt/geo-risk/.venv/bin/geo-risk", sys.executable))
    (tmp_path / file).write_text(block(name).replace("/opt/geo-risk/.venv/bin/geo-risk", sys.executable))
    told = subprocess.run(["systemd-analyze", "verify", tmp_path / file], capture_output=True, text=True, timeout=60)
    assert (told.returncode, told.stdout + told.stderr) == (0, "")
