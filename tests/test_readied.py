"""Every access question can be asked before anybody does."""

from api.use.access.readied import ask_once


def test_every_question_is_asked_once() -> None:
    assert ask_once() is None
