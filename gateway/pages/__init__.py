"""The pages under `/auth/`: rendered here, styled by one sheet; no script is needed but where a browser's API is.

pages.py      all of them, composed
site.py       what they share: from a request to a visit, refusals, the audit log
browser.py    what is known of a browser by its cookies: sessions, devices, forms
forms.py      fields with bounds, tokens, and paths to go on at
calling.py    what the endpoints of second factors answer, for pages and their scripts
rendering.py  templates, and what a browser may do with a page
sign_in.py    signing in and out
links.py      forgotten passwords, and choosing one by a link of an e-mail; choosing.py is what is asked of one
device/       the page that people install on their own device
account.py    the page of who is signed in; changing one's password
factors.py    setting up second factors, and confirming with one; offers.py has the kinds of them
recovery.py   recovery codes, and removing second factors
errors.py     what is refused before anything is done
"""

from gateway.pages.browser import Browser
from gateway.pages.factors import Offer
from gateway.pages.pages import Pages

__all__ = ["Browser", "Offer", "Pages"]
