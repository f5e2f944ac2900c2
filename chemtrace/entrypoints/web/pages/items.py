"""Items: a list to filter, and one item's whole life on one page."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response
from starlette.responses import RedirectResponse

from chemtrace.core.bundle.model import BUNDLE_MEDIA
from chemtrace.core.bundle.qr import encode_status_qr
from chemtrace.core.bundle.text import encode_bundle_text
from chemtrace.core.codes import parse_code
from chemtrace.core.errors import ItemUnknownError, LabelError
from chemtrace.core.label import label_content
from chemtrace.entrypoints.web.context import PAGE_ROWS, Cursor, DeskPage, Filter
from chemtrace.entrypoints.web.label_page import hazards_of, public_state
from chemtrace.entrypoints.web.route import PageRoute
from chemtrace.entrypoints.web.timeline import history_rows, stage_counts
from chemtrace.entrypoints.web.wording import quantity

router = APIRouter(prefix="/desk/items", route_class=PageRoute)

STATES: Final = ("held", "in_transit", "spent", "closed", "missing", "void")
QR_MODULE_PX: Final = 6


@router.get("")
def get_items(
    page: DeskPage,
    holder: Filter = "",
    site: Filter = "",
    chemical: Filter = "",
    state: Filter = "",
    cursor: Cursor = "",
) -> Response:
    """Items by holder, site, substance and state."""
    found = page.app.reads.items(
        holder=holder or None,
        site=site or None,
        chemical=chemical or None,
        status=state or None,
        cursor=cursor or None,
        limit=PAGE_ROWS,
    )
    wanted = {"holder": holder, "site": site, "chemical": chemical, "state": state}
    chemicals = page.app.catalogue.chemicals
    return page.render("items.html", found=found, wanted=wanted, states=STATES, chemicals=chemicals)


@router.get("/{code}")
def get_item(code: str, page: DeskPage) -> Response:
    """State, custody, place, and every event with what was found on it."""
    parsed = parse_code(code)
    if code != parsed.text:
        return RedirectResponse(f"/desk/items/{parsed.text}", 303)
    reads = page.app.reads
    try:
        item = reads.item(parsed.text)
    except ItemUnknownError:
        return page.render("item_unknown.html", 404, code=parsed, state=public_state(page.app, parsed))
    rows = history_rows(reads.history(parsed.text), parsed.text)
    chemical = page.app.catalogue.by_slot.get(parsed.slot)
    return page.render(
        "item.html",
        code=parsed,
        item=item,
        rows=rows,
        stage_counts=stage_counts(rows),
        hazards=hazards_of(chemical) if chemical is not None else (),
        substance_record=chemical,
        has_label=chemical is not None,
        is_published=item.last_index < reads.published(),
    )


@router.get("/{code}/trace")
def get_trace(code: str, page: DeskPage) -> Response:
    """Where an item came from and where it went, level by level."""
    parsed = parse_code(code)
    reads = page.app.reads
    reads.item(parsed.text)
    up, down = reads.trace(parsed.text, "up"), reads.trace(parsed.text, "down")
    return page.render("trace.html", code=parsed, up=up, down=down)


@router.get("/{code}/label.svg")
def get_label_picture(code: str, page: DeskPage) -> Response:
    """The label as it is printed, but without its seal: a reader of pages is no printer of labels."""
    parsed, app = parse_code(code), page.app
    item, chemical = app.reads.item(parsed.text), app.catalogue.by_slot.get(parsed.slot)
    if chemical is None:
        raise LabelError("a mixed or unlisted load has no label of one substance", slot=parsed.slot)
    maker = page.names.party(app.registry.issue_status(parsed.text).enterprise)
    filled = item.state.get("filled", item.quantity)
    content = label_content(
        host=app.label_host,
        code=parsed,
        seal=None,
        chemical=chemical,
        quantity=quantity(str(filled), item.unit, page.words),
        maker="—" if maker is None else maker.text[:80],
    )
    return Response(app.labels.render_svg(content), media_type="image/svg+xml")


@router.get("/{code}/bundle.json")
def get_bundle(code: str, page: DeskPage) -> Response:
    """The bundle of an item, to be verified with no network: `chemtrace verify bundle`, or the page /verify."""
    subject = parse_code(code).text
    bundle = encode_bundle_text(page.app.reads.bundle(subject))
    headers = {"Content-Disposition": f'attachment; filename="{subject}.bundle.json"'}
    return Response(bundle, media_type=f"{BUNDLE_MEDIA}+json", headers=headers)


@router.get("/{code}/status.png")
def get_status_code(code: str, page: DeskPage) -> Response:
    """The status proof of an item as a QR code, to be scanned by the offline verifier."""
    proof = page.app.reads.status(parse_code(code).text, only_ed25519=True)
    picture = page.app.labels.render_qr_png(encode_status_qr(proof), QR_MODULE_PX, level="L")
    return Response(picture, media_type="image/png")
