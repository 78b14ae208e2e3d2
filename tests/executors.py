"""The executor that tests of the graph run on: ITCARE_EXECUTOR names it, as it does for the gateway."""

from gateway.execution import EXECUTORS
from gateway.settings import Settings

EXECUTOR_CLASS = EXECUTORS[Settings().executor]
