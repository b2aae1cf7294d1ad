"""`serve` and `demo`: the service itself."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from api.cli._show import line, progress
from api.settings import Settings
from geo_risk.errors import ParameterError
from layers._store import open_store

Port = Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")]
Host = Annotated[str | None, typer.Option(help="Address to listen on.")]
StorePath = Annotated[Path | None, typer.Option("--store", help="The store's file.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this page."""
    app.command("serve")(serve)
    app.command("demo")(demo)


def serve(host: Host = None, port: Port = None, store: StorePath = None) -> None:
    """Serve the map of a store. Loopback only, until roles exist."""
    _run(_settings(host, port, store))


def demo(
    port: Port = None,
    store: Annotated[Path, typer.Option("--store", help="The demo's own store.")] = Path("var/demo/geo-risk.sqlite"),
    serve: Annotated[bool, typer.Option(help="Serve it when it is made.")] = True,
) -> None:
    """Make the synthetic demo city in a store of its own, and serve it."""
    from api.use.demonstration import fill

    with open_store(store) as opened, progress() as tell:
        count = fill(opened, store.parent / "rasters", tell)
    line(f"demo city: {count:,} synthetic features (演示数据) in {store}")
    if serve:
        _run(_settings(None, port, store))


def _settings(host: str | None, port: int | None, store: Path | None) -> Settings:
    stated = {"host": host, "port": port, "store": store}
    settings = Settings(**{name: value for name, value in stated.items() if value is not None})  # type: ignore[arg-type]
    if settings.host not in ("127.0.0.1", "::1", "localhost"):
        raise ParameterError(
            "the service has no roles yet and does not go on a network",
            where="--host",
            expected="127.0.0.1",
            then="put it behind a proxy that asks who is calling, on this machine",
        )
    return settings


def _run(settings: Settings) -> None:
    import uvicorn

    from api.app import create_app
    class AnnouncingServer(uvicorn.Server):
        """Prints the addresses when they answer, not before."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                _announce(root)

    listener = _listen(settings)
    root = f"http://{settings.host}:{listener.getsockname()[1]}"
    server = AnnouncingServer(uvicorn.Config(create_app(settings), log_level="warning", server_header=False))
    with _compiling(settings.compile_ahead):
        server.run(sockets=[listener])


@contextmanager
def _compiling(wanted: bool) -> Iterator[None]:
    """Beside the service, a process that compiles what nobody has asked for yet; it leaves results on the disk, and ends with us.

    Not a thread: a service that is told to end would wait for the compiler.
    """
    command = [sys.executable, "-m", "api.use.access.readied"]
    compiler = subprocess.Popen(command, stdin=subprocess.DEVNULL) if wanted else None  # noqa: S603 (our own module)
    try:
        yield
    finally:
        if compiler is not None:
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
