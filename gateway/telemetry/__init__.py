"""What the process tells its operator about its work.

logs.py       structured logs, each line with the correlation id of its request
observing.py  what there is to hear of: operations, and requests of any kind
metrics.py    counts and times for Prometheus; not imported from here, since few commands need it
"""

from gateway.telemetry.logs import (
    CORRELATION_HEADER,
    JsonFormatter,
    RequestLog,
    TextFormatter,
    configure_logging,
    correlation_id,
    log_fault,
)
from gateway.telemetry.observing import UNKNOWN, Observer, OperationReport, Outcome

__all__ = [
    "CORRELATION_HEADER",
    "UNKNOWN",
    "JsonFormatter",
    "Observer",
    "OperationReport",
    "Outcome",
    "RequestLog",
    "TextFormatter",
    "configure_logging",
    "correlation_id",
    "log_fault",
]
