"""The public page behind every label: what the substance is, what state the item is in, and what to do near a leak.

No login, any browser. It never says who has the item, where it is, or how much is in it. A seal in the address is
checked and never written anywhere: not on the page, not into a link, not into a message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, cast

from fastapi import APIRouter, Request, Response

from chemtrace.bootstrap import Application
from chemtrace.core.catalogue import Chemical
from chemtrace.core.codes import TraceCode, parse_label
from chemtrace.core.errors import ItemUnknownError, MasterKeyError, SealError
from chemtrace.entrypoints.limits import Shares, caller
from chemtrace.entrypoints.web.advice import Advice, advice_for
from chemtrace.entrypoints.web.code_words import CODE_ERRORS, explain
from chemtrace.entrypoints.web.context import PublicPage
from chemtrace.entrypoints.web.rendering import Page
from chemtrace.entrypoints.web.route import PageRoute

router = APIRouter(route_class=PageRoute)

SealWord = Literal["none", "right", "wrong", "unchecked", "unable"]
MOST_SUBSTANCES: Final = 12
"""Substances shown of one mixed container: more would hide the advice."""

PAGE_HEADERS: Final = {"Referrer-Policy": "no-referrer"}

_STATES: Final = {
    "held": "circulating",
    "in_transit": "circulating",
    "spent": "used",
    "closed": "disposed",
    "missing": "missing",
    "void": "void",
}
GOOD: Final = frozenset({"circulating"})
ENDED: Final = frozenset({"used", "disposed"})


@dataclass(frozen=True, slots=True)
class PublicState:
    """What anybody may know of an item: a word for its state, and the substances in it."""

    word: str
    tone: Literal["good", "plain", "bad"]
    chemicals: tuple[Chemical, ...]
    slots: tuple[str, ...]


class SealLimits:
    """How often seals may be tried: 20 at once and one every 3 s by caller, 10 at once and one a minute by code.

    A right seal counts only for the caller, so scanning a good label often is no crime. A seal has 49.5 bits: at
    this rate a guess takes longer than the label lives.
    """

    def __init__(self) -> None:
        """Start with full shares."""
        self.callers = Shares(burst=20, every_s=3)
        self.codes = Shares(burst=10, every_s=60)


def seal_limits(request: Request) -> SealLimits:
    """The limits of the application that serves this request; made at its first label."""
    state = request.app.state
    if not hasattr(state, "seal_limits"):
        state.seal_limits = SealLimits()
    return cast("SealLimits", state.seal_limits)


@router.get("/i/{label:path}")
@router.get("/I/{label:path}")
def get_label(label: str, page: PublicPage) -> Response:
    """What a label stands for; 422 for a text that is no code, 429 while seals may not be tried again."""
    try:
        code, seal = parse_label(label)
    except CODE_ERRORS as error:
        response = page.render("label_fault.html", 422, fault=explain(error, page.words))
    else:
        wait_s, word = check_seal(page, code, seal)
        response = _answer(page, code, word, wait_s)
    response.headers.update(PAGE_HEADERS)
    return response


def check_seal(page: Page, code: TraceCode, seal: str | None) -> tuple[int, SealWord]:
    """Say whether a seal belongs to a code, or after how many seconds that may be asked again."""
    if seal is None:
        return 0, "none"
    client, limits = page.request.client, seal_limits(page.request)
    wait_s = limits.callers.take(caller(client.host if client else None)) or limits.codes.take(code.text)
    if wait_s:
        return wait_s, "unchecked"
    try:
        page.app.seals.verify(code.text, seal)
    except SealError:
        return 0, "wrong"
    except MasterKeyError:
        return 0, "unable"
    limits.codes.give_back(code.text)
    return 0, "right"


def public_state(app: Application, code: TraceCode) -> PublicState:
    """Say what state the item of a code is in, in one word for everybody."""
    slots: tuple[str, ...] = (code.slot,)
    try:
        item = app.reads.item(code.text)
    except ItemUnknownError:
        word = _unborn_word(app, code)
    else:
        word = _STATES.get(item.status) or _unborn_word(app, code)
        if word in {"circulating", "used"} and not item.state.get("proven", False):
            word = "unproven"
        if item.containers and app.reads.item(item.containers[-1]).status == "missing":
            word = "missing"
        if code.slot == "000":
            slots = tuple(dict.fromkeys(inner[4:7] for inner in item.contents))[:MOST_SUBSTANCES]
    tone: Literal["good", "plain", "bad"] = "good" if word in GOOD else "plain" if word in ENDED else "bad"
    known = tuple(app.catalogue.by_slot[slot] for slot in slots if slot in app.catalogue.by_slot)
    return PublicState(word, tone, known, slots)


def _unborn_word(app: Application, code: TraceCode) -> str:
    status = app.registry.issue_status(code.text).status
    return {"issued": "unproduced", "not-issued": "not-issued"}.get(status, "unknown")


def _answer(page: Page, code: TraceCode, seal: SealWord, wait_s: int) -> Response:
    state = public_state(page.app, code)
    advice: tuple[Advice, ...] = advice_for(
        tuple(hazard for chemical in state.chemicals for hazard in hazards_of(chemical))
    )
    response = page.render(
        "label.html",
        429 if wait_s else 200,
        code=code,
        state=state,
        seal=seal,
        wait_s=wait_s,
        advice=advice,
        metres=max(each.metres for each in advice),
    )
    if wait_s:
        response.headers["Retry-After"] = str(wait_s)
    return response


def hazards_of(chemical: Chemical) -> tuple[str, ...]:
    """The class and the subsidiary hazards of a chemical; () for what is no dangerous good."""
    return () if chemical.tdg_class is None else (chemical.tdg_class, *chemical.subsidiary)
