"""The page that people open on their own device, and what the device asks and answers.

answering.py   the endpoints for devices, outside of any session
page.py        the page, and what is in assets/
"""

from gateway.http.factors.device.answering import DeviceAnswers
from gateway.http.factors.device.page import page_routes

__all__ = ["DeviceAnswers", "page_routes"]
