"""`serve` and `demo`: the service itself."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from pydantic import ValidationError

from api.cli._show import line, progress
from api.exposure import require_safe
from api.settings import Settings
from geo_risk.errors import ParameterError
from layers._collector import uncollected
from layers._kept_file import read_ahead, saved_path

if TYPE_CHECKING:
    from layers._store import Store

_DEMO_OPERATOR = "operator"
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")]
Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
StorePath = Annotated[Path | None, typer.Option("--store", help="The store's file.")]

_YIELDING: Final = 10
_TURN_S: Final = 0.001


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    app.command("serve")(serve)
    app.command("demo")(demo)


def serve(
    host: Host = None, port: Port = None, store: StorePath = None,
    tls_cert: Annotated[Path | None, typer.Option(help="The certificate and those above it, as PEM.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The certificate's key, as PEM.")] = None,
) -> None:  # fmt: skip
    """Serve the map of a store: on this machine, or on a network with TLS or behind a named proxy (docs/deploy.md)."""
    # a file that is named is the store, whatever database the environment names
    database_url = "" if store else None
    _run(_settings(host=host, port=port, store=store, database_url=database_url, tls_cert=tls_cert, tls_key=tls_key))


def demo(
    port: Port = None,
    store: Annotated[Path, typer.Option("--store", help="The demo's own store.")] = Path("var/demo/geo-risk.sqlite"),
    serve: Annotated[bool, typer.Option(help="Serve it when it is made.")] = True,
) -> None:
    """Make the synthetic demo city in a store of its own, and serve it."""
    from api.use.demonstration import fill
    from layers._store import open_store

    with open_store(store) as opened, progress() as tell:
        count = fill(opened, store.parent / "rasters", tell)
        said_once = _operator_of_the_demo(opened)
    line(f"demo city: {count:,} synthetic features (演示数据) in {store}")
    if said_once:
        line(f"sign in as {_DEMO_OPERATOR} 登录: {said_once} (shown this once 仅显示一次)")
    if serve:
        _run(_settings(port=port, store=store, database_url="", log="console", log_requests=False))


def _operator_of_the_demo(store: "Store") -> str | None:
    """An operator with a password made now, which is given back; nothing where the demo has one already."""
    from api.passwords import generated, hashed
    from api.use.enrolment import Doer, NewAccount, add_account
    from geo_risk.errors import Conflict

    password = generated()
    try:
        add_account(store, NewAccount(name=_DEMO_OPERATOR, role="operator"), hashed(password), Doer("demo (command line)"))
    except Conflict:
        return None
    return password


def _settings(**stated: Any) -> Settings:
    """The settings, those stated on the command line before those of the environment."""
    try:
        settings = Settings(**{name: value for name, value in stated.items() if value is not None})
    except ValidationError as error:
        names = ", ".join(".".join(str(part) for part in fault["loc"]) for fault in error.errors())
        raise ParameterError(
            "a setting is out of range or of a wrong type", where=names, then="see docs/settings.md; mend GEO_RISK_..."
        ) from None
    require_safe(settings)
    return settings


def _run(settings: Settings) -> None:
    """Serve until told to end; the addresses are printed when they answer, not before."""
    with _compiler(settings.compile_ahead) as compile_ahead, ExitStack() as start:
        start.enter_context(uncollected())

        def answering(root: str) -> None:
            _announce(root)
            start.close()
            compile_ahead()

        _serve(settings, answering)


def _serve(settings: Settings, answering: Callable[[str], None]) -> None:
    from api import logs
    from api.certificate import certificate_of
    from api.server import serve_on

    logs.configure(settings.log)
    certificate_of(settings)  # a certificate that cannot be used is told before anything is opened
    listener = _listen(settings)
    kept = read_ahead(saved_path(settings.store, settings.where))
    # what is loaded with it takes longest, while the file is read
    from api.app import create_app

    app = create_app(settings, doors_later=True, kept=kept)
    scheme, host = "https" if settings.tls_cert else "http", f"[{settings.host}]" if ":" in settings.host else settings.host
    root = f"{scheme}://{host}:{listener.getsockname()[1]}"
    # who waits for the interpreter while another thread computes asks for it sooner: requests and commits are short
    sys.setswitchinterval(_TURN_S)
    serve_on(listener, app, settings, ready=partial(answering, root), ending=app.state.ending)


@contextmanager
def _compiler(wanted: bool) -> Iterator[Callable[[], None]]:
    """Beside the service, a process that compiles what nobody has asked for yet; it leaves results on the disk, and ends with us.

    Not a thread: a service that is told to end would wait for the compiler. It begins when the service answers, and yields to it.
    """
    command = [sys.executable, "-m", "api.use.access.readied"]
    begun: list[subprocess.Popen[bytes]] = []

    def begin() -> None:
        if wanted:
            begun.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))  # noqa: S603 (our own module)
            os.setpriority(os.PRIO_PROCESS, begun[0].pid, _YIELDING)

    try:
        yield begin
    finally:
        for compiler in begun:
            compiler.kill()
            compiler.wait()


def _announce(root: str) -> None:
    for title, path in (
        ("command map 指挥一张图", "/"),
        ("field page 现场页面", "/field"),
        ("API documentation 接口文档", "/docs"),
    ):
        line(f"{root}{path}  {title}")
    line("Ctrl+C ends it.")


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise ParameterError(
            "the port is taken",
            where=f"{settings.host}:{settings.port}",
            expected="a free port",
            got=error.strerror or "",
            then="choose another: --port 0 takes any free one (make demo PORT=8001)",
        ) from None
    return listener
