"""Whoever follows a log that says nothing is told what it waits for, and where it had been asked."""

from __future__ import annotations

import time

import httpx
import pytest

from chemtrace.adapters.http import log_client
from chemtrace.adapters.http.log_client import HTTPLog
from chemtrace.core.errors import ServerUnavailableError


def test_a_slow_answer_is_told_of_while_it_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_client, "PATIENCE_S", 0.05)

    def slow(request: httpx.Request) -> httpx.Response:
        del request
        time.sleep(0.3)
        return httpx.Response(200, content=b"note")

    told: list[str] = []
    log = HTTPLog("https://log.example", transport=httpx.MockTransport(slow), waiting=told.append)
    assert log.checkpoint() == b"note"
    assert told == ["log.example/log/checkpoint"]


def test_a_quick_answer_is_not_told_of() -> None:
    told: list[str] = []
    answer = httpx.MockTransport(lambda _: httpx.Response(200, content=b"note"))
    HTTPLog("https://log.example", transport=answer, waiting=told.append).checkpoint()
    assert told == []


def test_the_error_of_a_silent_log_names_it_the_time_and_the_option() -> None:
    def silent(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("silent", request=request)

    with pytest.raises(ServerUnavailableError) as caught:
        HTTPLog("https://log.example", transport=httpx.MockTransport(silent)).checkpoint()
    for word in ("log.example", "--log", "30 s", "30 秒"):
        assert word in caught.value.message
