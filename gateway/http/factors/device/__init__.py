"""The page that people open on their own device, and what the device asks and answers.

answering.py   the endpoints for devices, outside of any session
"""

from gateway.http.factors.device.answering import DeviceAnswers

__all__ = ["DeviceAnswers"]
