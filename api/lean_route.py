"""A route for what is asked hundreds of times a second: its policy, then its function, and nothing of FastAPI's in between."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send


class LeanRoute(APIRoute):
    """Its function takes the request and the path's parameters as they are, and reads the rest itself.

    To solve dependencies takes FastAPI as long as all the rest of a small write. The route's policies are run all the same,
    and stand where tests look for them. What FastAPI opens around each answer for dependencies that must be closed again is
    left out too: nothing here has any.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        answer = self.get_route_handler()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            response = await answer(Request(scope, receive, send))
            await response(scope, receive, send)

        self.app = app

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request: each policy in turn, then the function."""
        policies = tuple(each.dependency for each in self.dependencies if each.dependency is not None)
        answer = self.endpoint

        async def handle(request: Request) -> Response:
            for policy in policies:
                await policy(request)
            response: Response = await answer(request, **request.path_params)
            return response

        return handle
