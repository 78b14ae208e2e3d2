"""From templates to pages, with what a browser may do with them; and the style sheet that they share."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from gateway.http.headers import SECURE_HEADERS

FOLDER: Final = Path(__file__).parent
STYLE: Final = "style.css"
_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript"}
PAGE_HEADERS: Final = SECURE_HEADERS | {
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not to be compressed either: the length of what holds a secret is nobody's business.
    "Cache-Control": "no-store, no-transform",
    # With no-referrer a browser would not say either which origin a form was sent from.
    "Referrer-Policy": "strict-origin",
}

ASSET_HEADERS: Final = SECURE_HEADERS | {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "public, max-age=300",
}


class Renderer:
    """Renders the templates of `templates/`; everything that is put into one is escaped.

    `client_origins` are where clients get their answers: a browser follows a form no further than its page allows.
    """

    def __init__(self, client_origins: Sequence[str] = ()) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._policy = "; ".join(
            [
                "default-src 'none'",
                "style-src 'self'",
                "script-src 'self'",
                "connect-src 'self'",
                "img-src 'self' data:",
                "worker-src 'self'",
                "manifest-src 'self'",
                "base-uri 'none'",
                " ".join(["form-action 'self'", *client_origins]),
                "frame-ancestors 'none'",
            ]
        )

    def page(self, template: str, status: int, context: Mapping[str, Any]) -> Response:
        """Render one page."""
        text = self._environment.get_template(template).render(context)
        return HTMLResponse(text, status, PAGE_HEADERS | {"Content-Security-Policy": self._policy})


def asset_route(folder: Path = FOLDER / "assets") -> Route:
    """Route the style sheet, and the scripts of pages that cannot do without."""
    names = {path.name for path in folder.iterdir() if path.suffix in _MEDIA_TYPES}

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in names:
            raise HTTPException(404)
        return FileResponse(folder / name, media_type=_MEDIA_TYPES[Path(name).suffix], headers=ASSET_HEADERS)

    return Route("/auth/assets/{name}", asset)
