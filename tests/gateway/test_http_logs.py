import json
import logging
import subprocess
import sys

import pytest

from gateway.telemetry import JsonFormatter, TextFormatter
from tests.gateway.library import SECRET, Application


async def logged(caplog: pytest.LogCaptureFixture, formatter: logging.Formatter) -> list[str]:
    """What the log says of one request whose resolver fails with a message that quotes a value."""
    app = Application()
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(formatter.format(record))

    handler = Lines()
    loggers = [logging.getLogger(name) for name in ("gateway.requests", "gateway.faults")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        with caplog.at_level(logging.INFO):
            async with app.client() as client:
                response = await client.get("/graphql", params={"query": '{ broken echo(text: "private") }'})
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
    lines.append(response.headers["x-correlation-id"])
    return lines


async def test_logs_are_json_lines_with_the_correlation_id(caplog: pytest.LogCaptureFixture) -> None:
    fault, request, correlation_id = await logged(caplog, JsonFormatter())
    fault_line, request_line = json.loads(fault), json.loads(request)
    assert fault_line["correlationId"] == request_line["correlationId"] == correlation_id
    assert fault_line["level"] == "ERROR"
    assert fault_line["traceback"][-1] == "builtins.RuntimeError"
    assert any("in broken" in line for line in fault_line["traceback"])
    assert request_line["message"] == "Request"
    assert (request_line["method"], request_line["path"], request_line["status"]) == ("GET", "/graphql", 200)
    assert request_line["ms"] > 0


async def test_logs_are_text_lines_with_the_correlation_id(caplog: pytest.LogCaptureFixture) -> None:
    fault, request, correlation_id = await logged(caplog, TextFormatter())
    assert f" ERROR gateway.faults {correlation_id} Fault\n" in fault
    assert fault.endswith("builtins.RuntimeError")
    assert f" INFO gateway.requests {correlation_id} Request method=GET path=/graphql status=200 ms=" in request
    assert "\n" not in request


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
async def test_logs_hold_no_value_that_was_sent_or_read(
    caplog: pytest.LogCaptureFixture, formatter: logging.Formatter
) -> None:
    text = "".join(await logged(caplog, formatter))
    assert SECRET not in text
    assert "private" not in text
    assert "Bearer" not in text


def test_the_logs_of_the_whole_process_go_to_standard_error() -> None:
    program = (
        "import logging; from gateway.telemetry import configure_logging; configure_logging(as_json=True);"
        "logging.getLogger('any.library').warning('Something %s', 'happened')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout == ""
    line = json.loads(done.stderr)
    assert (line["logger"], line["message"], line["correlationId"]) == ("any.library", "Something happened", "-")


def test_a_fault_is_told_with_its_causes_first() -> None:
    try:
        try:
            raise KeyError("cause")
        except KeyError as cause:
            raise ValueError("effect") from cause
    except ValueError as error:
        exc_info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("gateway", logging.ERROR, __file__, 1, "Fault", None, exc_info)
    types = [line for line in JsonFormatter().format(record).split('"') if line.startswith("builtins.")]
    assert types == ["builtins.KeyError", "builtins.ValueError"]


async def test_a_path_cannot_forge_a_line(caplog: pytest.LogCaptureFixture) -> None:
    app = Application()
    with caplog.at_level(logging.INFO, "gateway.requests"):
        async with app.client() as client:
            await client.get("/none%0AERROR")
    (record,) = (record for record in caplog.records if record.name == "gateway.requests")
    assert "path=/none%0AERROR" in TextFormatter().format(record)
