"""Answers of machines that nobody trusts: packed over and over, and dripping for ever."""

import gzip

import httpx
import pytest

from chemtrace.adapters import timestamps
from chemtrace.adapters.http import witness_client
from chemtrace.adapters.http.body import read_capped
from chemtrace.adapters.http.log_client import HTTPLog
from chemtrace.adapters.http.witness_client import HTTPWitnessCaller
from chemtrace.adapters.timestamps import HTTPTimestampService
from chemtrace.core.errors import (
    AnchorUnavailableError,
    ServerAnswerError,
    ServerUnavailableError,
    WitnessUnavailableError,
)
from scanners.wire_http import LedgerHTTP


class Drip(httpx.SyncByteStream):
    """A body that never ends; fails the test when it is read on and on."""

    def __iter__(self):
        yield from [b"x"] * 1000
        raise AssertionError("read on and on")


def packed(times: int) -> httpx.MockTransport:
    body = bytes(1024)
    for _ in range(times):
        body = gzip.compress(body)
    headers = {"Content-Encoding": ", ".join(["gzip"] * times)}
    return httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, content=body))


DRIPPING = httpx.MockTransport(lambda _: httpx.Response(200, stream=Drip()))


def test_an_answer_packed_once_is_read():
    assert bytes(1024) == HTTPLog("http://log.test", transport=packed(1)).checkpoint()


@pytest.mark.parametrize("times", [2, 3])
def test_an_answer_packed_over_and_over_is_never_unpacked(times):
    with pytest.raises(ServerUnavailableError, match="DecodingError"):
        HTTPLog("http://log.test", transport=packed(times)).checkpoint()
    with pytest.raises(WitnessUnavailableError, match="DecodingError"):
        HTTPWitnessCaller(transport=packed(times)).send("http://witness.test", b"")
    with pytest.raises(AnchorUnavailableError, match="DecodingError"):
        HTTPTimestampService("http://stamp.test", [], transport=packed(times)).stamp(b"x")
    with pytest.raises(ServerAnswerError):
        LedgerHTTP("http://ledger.test", None, transport=packed(times)).get("/v1/health")


def test_an_answer_that_drips_on_is_given_up(monkeypatch):
    monkeypatch.setattr(witness_client, "ANSWER_S", -1)
    monkeypatch.setattr(timestamps, "ANSWER_S", -1)
    with pytest.raises(WitnessUnavailableError, match="ReadTimeout"):
        HTTPWitnessCaller(transport=DRIPPING).send("http://witness.test", b"")
    with pytest.raises(AnchorUnavailableError, match="ReadTimeout"):
        HTTPTimestampService("http://stamp.test", [], transport=DRIPPING).stamp(b"x")


def test_an_answer_of_the_limit_is_read_and_one_byte_more_is_not():
    answer = httpx.Response(200, content=b"1234")
    assert b"1234" == read_capped(answer, 4, 60)
    assert read_capped(httpx.Response(200, content=b"12345"), 4, 60) is None
