"""What pages refuse before they do anything.

ItcareError
└── HttpError
    ├── FormRefused       FORM_REFUSED        403   the form is not one that we gave to this browser
    ├── ForeignOrigin     ORIGIN_REFUSED      403   it was sent from a page of another host
    ├── ForeignRedirect   REDIRECT_REFUSED    400   it asks to go on at another host
    ├── LinkRefused       LINK_REFUSED        410   the link of an e-mail is not one, is over, or was used
    └── PageMissing       NOT_FOUND           404
"""

from gateway.http.errors import HttpError


class FormRefused(HttpError):
    """The form does not carry the token that belongs to the browser's cookies."""

    code = "FORM_REFUSED"
    http_status = 403

    def __init__(self) -> None:
        super().__init__("This form is no longer valid. Load the page again, and allow cookies of this site.")


class ForeignOrigin(HttpError):
    """The browser says that the form was sent from elsewhere."""

    code = "ORIGIN_REFUSED"
    http_status = 403

    def __init__(self, public_url: str) -> None:
        super().__init__(f"This was not sent from a page of this site. Open it at {public_url}.")


class ForeignRedirect(HttpError):
    """Where to go on is not a page of ours."""

    code = "REDIRECT_REFUSED"
    http_status = 400

    def __init__(self) -> None:
        super().__init__("The address to go on at is not one of this site. Begin again where you came from.")


class LinkRefused(HttpError):
    """One sentence for all there is: no such link, one that is over, one that was used, one that a newer one ended."""

    code = "LINK_REFUSED"
    http_status = 410

    def __init__(self) -> None:
        super().__init__("This link is not valid any more: links serve once, and not for long. Ask for a new one.")
