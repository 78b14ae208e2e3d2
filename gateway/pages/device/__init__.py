"""The page that people install on their own device, and what is offered about it on other pages.

page.py     the page and its parts, at /auth/device
assets/     its scripts, its service worker, its manifest: device.js shows and asks, keys.js keeps and signs
"""

from gateway.pages.device.page import PAGE, DevicePages

__all__ = ["PAGE", "DevicePages"]
