"""GraphiQL at `/graphiql`: a page that asks no other origin for anything, and may not."""

import re
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.http.headers import SECURE_HEADERS
from gateway.http.negotiation import accepted_codings
from gateway.web import DIST

PAGE_POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "connect-src 'self'",
        # Monaco, the editor, writes its theme into <style> elements and the place of every line into style attributes
        # of markup it generates, so neither a nonce nor a hash can name them. Scripts have no such leave.
        "style-src 'self' 'unsafe-inline'",
        # GraphiQL's style sheet holds its fonts and a few icons as data.
        "font-src 'self' data:",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
_HEADERS: Final = SECURE_HEADERS | {
    "Content-Security-Policy": PAGE_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Kept, but asked for again each time: it names the assets of the last build.
_PAGE_CACHING: Final = {"Cache-Control": "no-cache"}
# The name of an asset holds a hash of its content.
_ASSET_CACHING: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_MEDIA_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".ttf": "font/ttf"}
_NOT_BUILT: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>GraphiQL is not built</title></head>
<body>
<h1>GraphiQL is not built</h1>
<p>Build it with <code>./dev run python -m gateway.web.build</code>, then load this page again.</p>
<p>The gateway itself is not affected: <code>/graphql</code> answers.</p>
</body>
</html>
"""


def graphiql_routes(dist: Path = DIST) -> list[BaseRoute]:
    """Return the routes of the page and of its assets, as `gateway.web.build` left them in `dist`.

    Until there is a build the page answers 503 and says how to make one; no restart is needed after it.
    """

    async def page(_request: Request) -> Response:
        index = dist / "index.html"
        if not index.is_file():
            return HTMLResponse(_NOT_BUILT, status_code=503, headers=_HEADERS)
        return FileResponse(index, media_type="text/html", headers=_HEADERS | _PAGE_CACHING)

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        media_type = _MEDIA_TYPES.get(Path(name).suffix)
        file = dist / "assets" / name
        if not media_type or not re.fullmatch(r"[\w-][\w.-]*", name, re.ASCII) or not file.is_file():
            raise HTTPException(404)
        headers = _HEADERS | _ASSET_CACHING | {"Vary": "Accept-Encoding"}
        compressed = file.with_name(f"{name}.gz")
        if accepted_codings(request.scope["headers"]).gzip and compressed.is_file():
            return FileResponse(compressed, media_type=media_type, headers=headers | {"Content-Encoding": "gzip"})
        return FileResponse(file, media_type=media_type, headers=headers)

    return [Route("/graphiql", page), Route("/graphiql/assets/{name}", asset)]
