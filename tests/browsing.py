"""Chromium for the tests of pages: one a file, a context a page, and what went wrong on each."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is missing; pip install -e .[dev]")

ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass
class Seen:
    """A page and what went wrong on it."""

    page: Any
    faults: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    forgiven: list[str] = field(default_factory=list)

    def panel(self) -> Any:
        return self.page.locator("#panel")

    def forgive(self, *refusals: int | str) -> None:
        """What a test asked for is no fault: the browser writes each refusal to its console, by its status or words, some late."""
        self.forgiven += [f"status of {each}" if isinstance(each, int) else each for each in refusals]

    def unforgiven(self) -> list[str]:
        return [fault for fault in self.faults if not any(words in fault for words in self.forgiven)]


@contextmanager
def started(path: str) -> Iterator[Any]:
    """Chromium; what is expected of its pages is waited for longer than usual, as the machine does other things too."""
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        sync_api.expect.set_options(timeout=15_000)
        yield browser
        sync_api.expect.set_options(timeout=5_000)
        browser.close()


@contextmanager
def pages(browser: Any) -> Iterator[Callable[..., Seen]]:
    """Opens pages that share nothing; afterwards nothing may have gone wrong and no other host been asked."""
    opened: list[tuple[Any, Seen]] = []

    def browse_to(url: str, *, ready: str | None = "body[data-drawn]", **options: Any) -> Seen:
        context = browser.new_context(**({"locale": "en-GB", "viewport": {"width": 1366, "height": 768}} | options))
        context.set_default_timeout(60_000)  # the first page waits until the engine is loaded
        seen = Seen(context.new_page())
        opened.append((context, seen))
        context.on("request", lambda request: seen.hosts.add(urlsplit(request.url).hostname or ""))
        context.on("dialog", lambda dialog: (seen.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        context.on("weberror", lambda error: seen.faults.append(f"error: {error.error}"))
        context.on("console", lambda said: seen.faults.append(f"console: {said.text}") if said.type == "error" else None)
        seen.page.goto(url)
        if ready:
            seen.page.wait_for_selector(ready)
        return seen

    yield browse_to
    for context, seen in opened:
        ran = None
        if context.pages:
            seen.page.unroute_all(behavior="ignoreErrors")  # an answer of a test may still be on its way when the test ends
            ran = seen.page.evaluate("window.ran")
        context.close()
        assert (seen.unforgiven(), ran, seen.hosts - {"127.0.0.1"}) == ([], None, set())
