"""The pages under `/auth/`: rendered here, styled by one sheet; no script is needed but where a browser's API is.

pages.py      all of them, composed
site.py       what they share: from a request to a visit, refusals, the audit log
browser.py    what is known of a browser by its cookies: sessions, devices, forms
forms.py      fields with bounds, tokens, and paths to go on at
scripts.py    scripts of pages that call the endpoints of second factors
rendering.py  templates, and what a browser may do with a page
sign_in.py    signing in and out
account.py    the page of who is signed in
errors.py     what is refused before anything is done
"""

from gateway.pages.browser import Browser
from gateway.pages.pages import Pages

__all__ = ["Browser", "Pages"]
