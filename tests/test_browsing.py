"""What the tests of pages stand on: a page that ends while something it asked for is still on its way harms no later one."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.browsing import pages

pytestmark = pytest.mark.browser


class Quiet(SimpleHTTPRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The test's output is the test's."""


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[str]:
    """A server of one page that says nothing."""
    (tmp_path / "page.html").write_text("<!doctype html><link rel=icon href=data:,><p>plain")
    (tmp_path / "late.txt").write_text("late")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_answer_on_its_way_when_a_page_ends_is_no_fault_of_the_next_page(browser: Any, plain: str) -> None:
    begun = []

    def slow(route: Any) -> None:
        begun.append(answer := route.fetch())
        browser.contexts[0].pages[0].wait_for_timeout(300)
        route.fulfill(response=answer)

    with pages(browser) as browse:
        page = browse(f"{plain}/page.html", ready=None).page
        page.route("**/late.txt", slow)
        page.evaluate("void fetch('late.txt')")
        while not begun:
            page.wait_for_timeout(10)
    with pages(browser) as browse:
        browse(f"{plain}/page.html", ready=None).page.wait_for_timeout(600)
