"""Enterprises, their sites, and what stands at a site now."""

from __future__ import annotations

from fastapi import APIRouter, Response

from chemtrace.entrypoints.api.answers import READING, answers
from chemtrace.entrypoints.api.auth import Reader
from chemtrace.entrypoints.api.context import App
from chemtrace.entrypoints.api.paging import Cursor, Limit, json_response, page_response
from chemtrace.entrypoints.api.schemas import parties as forms
from chemtrace.entrypoints.api.schemas.events import EventPage

router = APIRouter(prefix="/v1", tags=["enterprises and sites"])


@router.get(
    "/enterprises", responses=answers(forms.EnterprisePage, *READING), summary="Registered enterprises"
)
def get_enterprises(app: App, reader: Reader, cursor: Cursor = None, limit: Limit = 100) -> Response:
    """A page of enterprises in the order of their credit codes."""
    return page_response("enterprises", app.reads.enterprises(cursor=cursor, limit=limit))


@router.get(
    "/enterprises/{party}",
    responses=answers(forms.Enterprise, 404, *READING),
    summary="One enterprise with its sites and keys",
)
def get_enterprise(party: str, app: App, reader: Reader) -> Response:
    """The registry's record; a party in a foreign namespace (ext:…) shows what the log says about it."""
    return json_response(app.reads.enterprise(party))


@router.get(
    "/enterprises/{party}/events",
    responses=answers(EventPage, *READING),
    summary="What an enterprise did, and what was done with it",
)
def get_enterprise_events(
    party: str, app: App, reader: Reader, cursor: Cursor = None, limit: Limit = 100
) -> Response:
    """Events where the party acts or is the other hand, newest last."""
    return page_response("events", app.reads.party_events(party, cursor=cursor, limit=limit))


@router.get("/sites/{site}", responses=answers(forms.Site, 404, *READING), summary="One site")
def get_site(site: str, app: App, reader: Reader) -> Response:
    """The registry's record of a place."""
    return json_response(app.reads.site(site))


@router.get(
    "/sites/{site}/stock",
    responses=answers(forms.SiteStock, 404, *READING),
    summary="What is in this place now",
)
def get_site_stock(site: str, app: App, reader: Reader) -> Response:
    """Items and exact sums by chemical, with UN number, class and hazards: what a fire brigade asks first."""
    return json_response(app.reads.site_stock(site))
