"""RFC 3161 over HTTP: a request with a nonce, one answer, verified against pinned root certificates before it counts.

Certificates are judged at the time that the token states, as RFC 3161 asks: an anchor outlives its certificate.
Verified are SHA-256, SHA-384 and SHA-512 imprints; a service whose certificates are of SM2 cannot be verified here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from chemtrace.adapters.http.body import read_capped
from chemtrace.core.errors import AnchorInvalidError, AnchorUnavailableError
from chemtrace.ledger.anchoring import Timestamp

MAX_ANSWER_BYTES: Final = 65_536
"""A token with its chain of certificates has 2 to 8 KiB."""
TIMEOUT: Final = httpx.Timeout(20.0, connect=5.0)
ANSWER_S: Final = 30.0
"""Seconds for the body of one answer as a whole."""
_GRANTED: Final = bytes.fromhex("3003020100")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class HTTPTimestampService:
    """One timestamp service by its address, and the root certificates that vouch for it."""

    def __init__(
        self, url: str, roots: list[x509.Certificate], *, transport: httpx.BaseTransport | None = None
    ) -> None:
        """Prepare; nothing is sent."""
        self._url = url
        self._roots = roots
        self._transport = transport

    def stamp(self, message: bytes) -> Timestamp:
        """Have `message` stamped and verify the answer.

        Raises:
            AnchorUnavailableError: not reached, too slow, or no timestamp in the answer.
            AnchorInvalidError: the token is over something else, of another request, or of no trusted service.
        """
        request = (
            TimestampRequestBuilder()
            .data(message)
            .hash_algorithm(HashAlgorithm.SHA256)
            .cert_request(cert_request=True)
            .nonce(nonce=True)
            .build()
        )
        response = _decode(self._post(request.as_bytes()))
        if response.status != 0:
            said = "; ".join(response.status_string) or "without a reason"
            raise AnchorUnavailableError(
                f"the timestamp service refuses: {said}", url=self._url, status=response.status
            )
        return _verify(response, message, self._roots, nonce=request.nonce)

    def _post(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
        try:
            with (
                httpx.Client(timeout=TIMEOUT, follow_redirects=False, transport=self._transport) as client,
                client.stream("POST", self._url, content=body, headers=headers) as response,
            ):
                return _read(response, self._url)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise AnchorUnavailableError(
                f"the timestamp service does not answer: {type(error).__name__}", url=self._url
            ) from error


def verify_token(token: bytes, message: bytes, roots: list[x509.Certificate]) -> Timestamp:
    """Verify a TimeStampToken over `message`: signature, chain to one of `roots` at its time, key usage, imprint.

    Raises:
        AnchorInvalidError: it does not verify, or is over something else.
    """
    try:
        response = _decode(_as_response(token))
    except AnchorUnavailableError as error:
        raise AnchorInvalidError(f"not a timestamp token: {error.message}", size=len(token)) from error
    return _verify(response, message, roots, nonce=None)


def load_roots(pem: bytes) -> list[x509.Certificate]:
    """Return the root certificates of a PEM file; raises `AnchorInvalidError` when there is none."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise AnchorInvalidError(
            "the file holds no PEM certificate to trust a timestamp service by"
        ) from error


def _read(response: httpx.Response, url: str) -> bytes:
    data = read_capped(response, MAX_ANSWER_BYTES, ANSWER_S)
    if data is None:
        raise AnchorUnavailableError("the answer is no timestamp: too large", url=url, limit=MAX_ANSWER_BYTES)
    if response.status_code != 200:
        raise AnchorUnavailableError(
            f"the timestamp service answers {response.status_code}", url=url, status=response.status_code
        )
    return data


def _decode(data: bytes) -> TimeStampResponse:
    try:
        return decode_timestamp_response(data)
    except ValueError as error:
        raise AnchorUnavailableError(f"the answer is no timestamp of RFC 3161: {error}") from error


def _verify(
    response: TimeStampResponse, message: bytes, roots: list[x509.Certificate], *, nonce: int | None
) -> Timestamp:
    builder = VerifierBuilder(roots=list(roots), nonce=nonce)
    try:
        builder.build().verify_message(response, message)
        info = response.tst_info
        signer = _signer(response)
        token = response.time_stamp_token()
        time_us = (info.gen_time - _EPOCH) // timedelta(microseconds=1)
    except (VerificationError, ValueError, TypeError) as error:
        raise AnchorInvalidError(f"the timestamp does not verify: {error}") from error
    return Timestamp(token, time_us, signer)


def _signer(response: TimeStampResponse) -> str:
    """The name in the signing certificate."""
    signers = list(response.signed_data.signer_infos)
    for der in response.signed_data.certificates:
        certificate = x509.load_der_x509_certificate(der)
        if any(
            certificate.serial_number == one.serial_number and certificate.issuer == one.issuer
            for one in signers
        ):
            return certificate.subject.rfc4514_string()
    return ", ".join(one.issuer.rfc4514_string() for one in signers)


def _as_response(token: bytes) -> bytes:
    """The token inside a granted TimeStampResp, which is what the library reads (RFC 3161 section 2.4.2)."""
    body = _GRANTED + token
    size = len(body)
    if size < 0x80:
        return bytes((0x30, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((0x30, 0x80 | len(length))) + length + body
