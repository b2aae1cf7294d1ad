"""What docs/deploy.md tells an operator to do: the commands are taken from the page and done."""

import json
import os
import re
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import missing

from api.exposure import require_safe
from api.settings import Settings
from geo_risk.errors import ParameterError

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "deploy.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    found = re.search(rf"<!-- run: {name} -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
    assert found, f"no block {name} on the page"
    return found[1]


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


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[str]:
    """The service with the page's settings: on all addresses, with TLS."""
    stated = dict(line.split("=", 1) for line in block("settings").splitlines())
    here = {"GEO_RISK_STORE": str(folder / "s.sqlite"), "GEO_RISK_PORT": "0", "GEO_RISK_COMPILE_AHEAD": "false"}
    tls = {name: str(folder / Path(stated[name]).name) for name in ("GEO_RISK_TLS_CERT", "GEO_RISK_TLS_KEY")}
    command = [sys.executable, "-m", "api.cli.main", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | stated | here | tls) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[0].rstrip("/").replace("0.0.0.0", "127.0.0.1")
        finally:
            process.terminate()
            assert process.wait(timeout=20) == 0


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
