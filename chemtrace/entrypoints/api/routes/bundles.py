"""Proof files: the bundle of a history, the short status proof, and the trust file that the operator states."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Header, Query, Response

from chemtrace.core.bundle.absence import ABSENCE_MEDIA, encode_absence
from chemtrace.core.bundle.compact import encode_bundle_compact, encode_status_compact
from chemtrace.core.bundle.model import BUNDLE_MEDIA, STATUS_MEDIA, Bundle
from chemtrace.core.bundle.qr import encode_status_qr
from chemtrace.core.bundle.text import encode_bundle_text, encode_status_text
from chemtrace.core.bundle.trust import TRUST_MEDIA, encode_trust
from chemtrace.core.codes import parse_code
from chemtrace.core.subjects import parse_subject
from chemtrace.entrypoints.api.answers import READING, Responses, problems
from chemtrace.entrypoints.api.auth import Reader
from chemtrace.entrypoints.api.context import App

router = APIRouter(tags=["proofs"])

QR_MODULE_PX: Final = 6
"""Pixels a module: a phone reads 150 modules from a screen or a sheet of A5 at arm's length."""

_JSON: Final = {"schema": {"type": "object"}}
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_FRESH: Final = {"Cache-Control": "private, no-cache", "Vary": "Accept"}

Accept = Annotated[
    str, Header(max_length=400, description="a media type that ends in `+cbor` asks for the compact form")
]


def _answer(media: str, description: str, *statuses: int, picture: bool = False) -> Responses:
    content = {f"{media}+json": _JSON, f"{media}+cbor": _BINARY}
    if picture:
        content["image/png"] = _BINARY
    return {200: {"description": description, "content": content}, **problems(*statuses)}


_BUNDLE: Final = _answer(BUNDLE_MEDIA, "contracts/specs/bundle.md", 404, 413, *READING)
_STATUS: Final = _answer(STATUS_MEDIA, "contracts/specs/status.md", 404, 413, *READING, picture=True)
_ABSENCE: Final[Responses] = {
    200: {"description": "contracts/specs/absence.md", "content": {ABSENCE_MEDIA: _JSON}},
    **problems(404, 409, *READING),
}
_TRUST: Final[Responses] = {
    200: {"description": "contracts/specs/trust.md", "content": {TRUST_MEDIA: _JSON}},
    **problems(422, 500, 503),
}


@router.get(
    "/v1/items/{code}/bundle",
    response_class=Response,
    responses=_BUNDLE,
    summary="Everything about one item, to be verified with no network",
)
def get_item_bundle(code: str, app: App, reader: Reader, accept: Accept = "") -> Response:
    """The item's whole history with its containers', its signers' key histories, and the signed tree over them."""
    subject = parse_code(code).text
    return _bundle_response(app.reads.bundle(subject), subject, accept)


@router.get(
    "/v1/subjects/{subject}/bundle",
    response_class=Response,
    responses=_BUNDLE,
    summary="Everything about one subject, to be verified with no network",
)
def get_subject_bundle(subject: str, app: App, reader: Reader, accept: Accept = "") -> Response:
    """As for an item, of any subject: a code, or `enterprise:`, `key:`, `waybill:` … and its id."""
    subject = parse_subject(subject)
    return _bundle_response(app.reads.bundle(subject), subject, accept)


@router.get(
    "/v1/subjects/{subject}/status",
    response_class=Response,
    responses=_STATUS,
    summary="How many events a subject has, to be verified with no network",
)
def get_subject_status(
    subject: str,
    app: App,
    reader: Reader,
    accept: Accept = "",
    qr: Annotated[Literal["png"] | None, Query(description="as a QR code")] = None,
) -> Response:
    """Count, last index and root of a subject's history as the signed tree commits them; never says *authentic*."""
    subject = parse_subject(subject)
    if qr is not None:
        text = encode_status_qr(app.reads.status(subject, only_ed25519=True))
        picture = app.labels.render_qr_png(text, QR_MODULE_PX, level="L")
        return Response(picture, media_type="image/png", headers=_FRESH)
    proof = app.reads.status(subject)
    if _wants_compact(accept):
        return _file(encode_status_compact(proof), f"{STATUS_MEDIA}+cbor", subject, "status.cbor")
    return _file(encode_status_text(proof), f"{STATUS_MEDIA}+json", subject, "status.json")


@router.get(
    "/v1/subjects/{subject}/absence",
    response_class=Response,
    responses=_ABSENCE,
    summary="That no entry names a subject, to be verified with no network",
)
def get_subject_absence(subject: str, app: App, reader: Reader) -> Response:
    """The place in the map where the subject would stand, and the signed tree over it; 409 where it has entries."""
    subject = parse_subject(subject)
    return _file(encode_absence(app.reads.absence(subject)), ABSENCE_MEDIA, subject, "absence.json")


@router.get(
    "/log/trust",
    response_class=Response,
    responses=_TRUST,
    summary="The trust file as the operator states it",
)
def get_trust(app: App) -> Response:
    """Origin, log key, authority's first key and witness policy. Take them from somebody you trust, not from here."""
    headers = {"Cache-Control": "no-cache", "Content-Disposition": 'attachment; filename="trust.json"'}
    return Response(encode_trust(app.trust), media_type=TRUST_MEDIA, headers=headers)


def _bundle_response(bundle: Bundle, subject: str, accept: str) -> Response:
    if _wants_compact(accept):
        return _file(encode_bundle_compact(bundle), f"{BUNDLE_MEDIA}+cbor", subject, "bundle.cbor")
    return _file(encode_bundle_text(bundle), f"{BUNDLE_MEDIA}+json", subject, "bundle.json")


def _wants_compact(accept: str) -> bool:
    """Whether the first media type that names a form is CBOR (RFC 9110 section 12.5.1, without weights)."""
    kinds = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    named = [kind for kind in kinds if kind.endswith(("json", "cbor"))]
    return bool(named) and named[0].endswith("cbor")


def _file(data: bytes, media_type: str, subject: str, ending: str) -> Response:
    name = subject.replace(":", "-")
    headers = {**_FRESH, "Content-Disposition": f'attachment; filename="{name}.{ending}"'}
    return Response(data, media_type=media_type, headers=headers)
