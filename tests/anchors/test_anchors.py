"""Anchors: a checkpoint stamped by an outside service, recorded, and verified again under pinned certificates."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import httpx
import pytest

from chemtrace.adapters.timestamps import HTTPTimestampService, load_roots, verify_token
from chemtrace.bootstrap import open_application
from chemtrace.bootstrap.anchoring import load_anchors, stamp_newest
from chemtrace.core.base64url import encode_base64url
from chemtrace.core.errors import AnchorInvalidError, AnchorUnavailableError, SettingError
from chemtrace.ledger.anchoring import AnchorEvent, Timestamp, verify_anchors
from chemtrace.registry import office
from tests.anchors.tsa import TSA, make_tsa, serving_tsa
from tests.cli.shell import run, run_ok
from tests.seeded_ledger import Seeded, seed_ledger

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the timestamp service of the tests is openssl"
)

MESSAGE = b"log.example/chemtrace\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> TSA:
    return make_tsa(tmp_path_factory.mktemp("anchors") / "tsa")


@pytest.fixture(scope="module")
def stamped(tsa: TSA) -> Timestamp:
    """One honest stamp over the message."""
    with serving_tsa(tsa) as url:
        return HTTPTimestampService(url, load_roots(tsa.root.read_bytes())).stamp(MESSAGE)


def test_a_stamp_tells_time_and_signer_and_verifies_again_from_its_token_alone(
    tsa: TSA, stamped: Timestamp
) -> None:
    assert abs(stamped.time_us / 1_000_000 - time.time()) < 120
    assert stamped.signer == "CN=Test timestamp service"
    assert stamped == verify_token(stamped.token, MESSAGE, load_roots(tsa.root.read_bytes()))


def test_a_stamp_over_something_else_is_refused(tsa: TSA, stamped: Timestamp) -> None:
    with pytest.raises(AnchorInvalidError):
        verify_token(stamped.token, MESSAGE.replace(b"\n7\n", b"\n8\n"), load_roots(tsa.root.read_bytes()))


def test_a_stamp_of_a_service_that_is_not_trusted_is_refused(tmp_path: Path, stamped: Timestamp) -> None:
    other = make_tsa(tmp_path / "other")
    with pytest.raises(AnchorInvalidError):
        verify_token(stamped.token, MESSAGE, load_roots(other.root.read_bytes()))
    with pytest.raises(AnchorInvalidError):
        verify_token(stamped.token, MESSAGE, [])


def test_no_changed_byte_of_a_token_gives_another_time_or_imprint(tsa: TSA, stamped: Timestamp) -> None:
    """Bytes outside what is signed (the certificates beside it) may change; what is read from it never does."""
    roots, refused = load_roots(tsa.root.read_bytes()), 0
    for at in range(0, len(stamped.token), 3):
        changed = bytearray(stamped.token)
        changed[at] ^= 0x04
        try:
            found = verify_token(bytes(changed), MESSAGE, roots)
        except AnchorInvalidError:
            refused += 1
        else:
            assert (found.time_us, found.signer) == (stamped.time_us, stamped.signer)
    assert refused > len(stamped.token) // 3 * 0.9


@pytest.mark.parametrize("token", [b"", b"\0", b"\x30\x80", b"x" * 200, b"\x30\x03\x02\x01\x00"])
def test_what_is_no_token_is_refused(tsa: TSA, token: bytes) -> None:
    with pytest.raises(AnchorInvalidError):
        verify_token(token, MESSAGE, load_roots(tsa.root.read_bytes()))


def test_a_certificate_that_is_not_for_stamping_is_refused(tmp_path: Path) -> None:
    wrong = make_tsa(tmp_path / "wrong", stamping=False)
    with serving_tsa(wrong, tamper=lambda answer: answer) as url:
        service = HTTPTimestampService(url, load_roots(wrong.root.read_bytes()))
        with pytest.raises((AnchorInvalidError, AnchorUnavailableError)):
            service.stamp(MESSAGE)


def test_an_answer_to_another_request_is_refused(tsa: TSA) -> None:
    """A recorded answer over the same message carries another nonce."""
    recorded: list[bytes] = []

    def replay(answer: bytes) -> bytes:
        recorded.append(answer)
        return recorded[0]

    with serving_tsa(tsa, tamper=replay) as url:
        service = HTTPTimestampService(url, load_roots(tsa.root.read_bytes()))
        service.stamp(MESSAGE)
        with pytest.raises(AnchorInvalidError):
            service.stamp(MESSAGE)


@pytest.mark.parametrize("answer", [b"", b"<html>", b"\x30\x05\x30\x03\x02\x01\x02", b"x" * 100_000])
def test_a_service_that_answers_no_timestamp_is_unavailable(tsa: TSA, answer: bytes) -> None:
    with serving_tsa(tsa, tamper=lambda _: answer) as url, pytest.raises(AnchorUnavailableError):
        HTTPTimestampService(url, load_roots(tsa.root.read_bytes())).stamp(MESSAGE)


def test_a_service_that_is_down_or_refuses_is_unavailable(tsa: TSA) -> None:
    roots = load_roots(tsa.root.read_bytes())
    with pytest.raises(AnchorUnavailableError):
        HTTPTimestampService("http://127.0.0.1:9/", roots).stamp(MESSAGE)
    with serving_tsa(tsa, status=500) as url, pytest.raises(AnchorUnavailableError):
        HTTPTimestampService(url, roots).stamp(MESSAGE)
    redirect = httpx.MockTransport(lambda _: httpx.Response(302, headers={"Location": "http://a.test"}))
    with pytest.raises(AnchorUnavailableError):
        HTTPTimestampService("http://t.test/", roots, transport=redirect).stamp(MESSAGE)


def test_a_file_without_certificates_is_refused() -> None:
    with pytest.raises(AnchorInvalidError):
        load_roots(b"not pem")


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    return seed_ledger(tmp_path_factory.mktemp("anchored") / "data", codes=5)


def test_the_command_stamps_records_and_verifies(
    seeded: Seeded, tsa: TSA, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEMTRACE_DATA_DIR", str(seeded.folder))
    pinned = ("--tsa-root", str(tsa.root))
    assert run_ok("verify", "anchor", *pinned, "--json").json == {"anchors": []}
    with serving_tsa(tsa) as url:
        first = run_ok("anchor", "--tsa", f"{url}?token=secret", *pinned, "--json").json
        second = run_ok("anchor", "--tsa", url, *pinned, "--json").json
    assert first["service"] == "127.0.0.1/tsr"
    assert second["index"] > first["index"]
    reports = run_ok("verify", "anchor", *pinned, "--json").json["anchors"]
    assert [(one["index"], one["verified"]) for one in reports] == [
        (first["index"], True), (second["index"], True),
    ]  # fmt: skip
    assert reports[0]["time"] == first["time"]
    assert "核验通过" in run_ok("verify", "anchor", *pinned).out
    assert run_ok("verify", "log", "--json").json["verified"] is True


def test_under_other_certificates_the_command_says_no(
    seeded: Seeded, tsa: TSA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHEMTRACE_DATA_DIR", str(seeded.folder))
    with serving_tsa(tsa) as url:
        run_ok("anchor", "--tsa", url, "--tsa-root", str(tsa.root))
        other = make_tsa(tmp_path / "other")
        before = len(run_ok("verify", "anchor", "--tsa-root", str(tsa.root), "--json").json["anchors"])
        refused = run("anchor", "--tsa", url, "--tsa-root", str(other.root), "--json")
    assert refused.problem["code"] == "anchor.invalid"
    told = run("verify", "anchor", "--tsa-root", str(other.root), "--json")
    assert told.code == 1
    assert {one["code"] for one in told.json["anchors"]} == {"anchor.invalid"}
    assert len(told.json["anchors"]) == before


def test_an_anchor_over_a_root_that_the_log_never_had_is_found(seeded: Seeded, tsa: TSA) -> None:
    """The authority's key may write any anchor; whoever checks computes the root again."""
    application = open_application(seeded.settings)
    try:
        with serving_tsa(tsa) as url:
            honest = stamp_newest(application, url, tsa.root)
        desk = application.authority
        wrong = honest.facts() | {"root": "ab" * 32}
        head = desk.head(f"enterprise:{desk.enterprise}")
        desk.submit(office.publish_anchor(desk.signing(), prev=head, **wrong))  # type: ignore[arg-type]  # facts of the payload
        roots = load_roots(tsa.root.read_bytes())
        reports = verify_anchors(
            load_anchors(application)[-1:],
            application.ledger.origin,
            root_of=application.root_of,
            verify=lambda token, message: verify_token(token, message, roots),
        )
        assert [(one.verified, one.code) for one in reports] == [(False, "anchor.invalid")]
        assert application.root_of(10**9) is None
        assert application.root_of(0) is None
    finally:
        application.close()


def test_an_anchor_beyond_the_log_is_reported_not_raised(stamped: Timestamp) -> None:
    token = encode_base64url(stamped.token)
    anchors = [AnchorEvent(4, 9, "ab" * 32, "tsa.test", token), AnchorEvent(5, 9, "ab" * 32, "tsa.test", "=")]
    reports = verify_anchors(
        anchors, "log.test", root_of=lambda _: None, verify=lambda token, message: stamped
    )
    assert [one.verified for one in reports] == [False, False]


@pytest.mark.parametrize("url", ["ftp://tsa.test/", "tsa.test", "http://", ""])
def test_an_address_that_is_not_one_of_http_is_refused(seeded: Seeded, tsa: TSA, url: str) -> None:
    application = open_application(seeded.settings, read_only=True)
    try:
        with pytest.raises(SettingError):
            stamp_newest(application, url, tsa.root)
    finally:
        application.close()
