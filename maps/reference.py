"""The API reference for developers: Swagger UI from our own files, over the service's own OpenAPI document."""

from maps.page import PageSettings, rendered


def reference_page(language: str, settings: PageSettings) -> str:
    """The HTML of the API reference."""
    return rendered("reference.html", language, settings)
