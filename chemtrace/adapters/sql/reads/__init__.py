"""All that doors read from a ledger's tables, each call from one consistent snapshot.

Answers are values ready for JSON: ids and digests in lowercase hex, bytes as base64url, times RFC 3339 in UTC,
quantities as decimal text. Lists come in pages by key (`Page.rows`, `Page.next`), never by number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from chemtrace.adapters.sql.engine import Database, asking
from chemtrace.adapters.sql.questions import Questions
from chemtrace.adapters.sql.reads import alerts, parties, state, waybills
from chemtrace.adapters.sql.reads.bundles import StoredProofs
from chemtrace.adapters.sql.reads.events import (
    EventLine,
    EventView,
    load_entries,
    load_entry,
    load_event,
    load_events,
)
from chemtrace.adapters.sql.reads.history import HistoryLine, load_history
from chemtrace.adapters.sql.reads.items import ItemLine, ItemView, load_item, load_items
from chemtrace.adapters.sql.reads.lineage import Direction, Lineage, load_lineage
from chemtrace.adapters.sql.reads.pages import DEFAULT_PAGE, Page
from chemtrace.adapters.sql.reads.proofs import StoredLog
from chemtrace.adapters.sql.reads.tiles import StoredFiles
from chemtrace.adapters.sql.sqlite_files import Ask
from chemtrace.core.bundle.absence import AbsenceProof
from chemtrace.core.bundle.model import Bundle, StatusProof
from chemtrace.core.catalogue import Catalogue
from chemtrace.core.errors import CheckpointMissingError
from chemtrace.ledger.bundles import MaySee, build_absence, build_bundle, build_status
from chemtrace.ledger.prove import prove_entry
from chemtrace.ledger.published import Edges, Published, open_published
from chemtrace.ledger.static import read_entry_bundle, read_hash_tile, registry_answer
from chemtrace.ledger.witnessing import Serving

__all__ = ["Page", "Reads"]


class Reads:
    """The reading side of one ledger; safe for many threads."""

    def __init__(
        self, database: Database, *, catalogue: Catalogue | None = None, serving: Serving | None = None
    ) -> None:
        """Read from `database`; `catalogue` gives names and hazards to chemical slots, `serving` says who cosigns."""
        self._database = database
        self._serving = serving or Serving()
        self._edges = Edges()
        self._catalogue = catalogue

    # --- items

    def item(self, code: str) -> ItemView:
        """One item now; raises `ItemUnknownError`."""
        with self._database.read() as connection:
            return load_item(connection, code, self._catalogue)

    def items(
        self,
        *,
        holder: str | None = None,
        site: str | None = None,
        chemical: str | None = None,
        status: str | None = None,
        pending: str | None = None,
        parent: str | None = None,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> Page[ItemLine]:
        """Items in the order of their codes; `pending`: a party that is to confirm a receipt."""
        with self._database.read() as connection:
            return load_items(
                connection,
                holder=holder,
                site=site,
                chemical=chemical,
                status=status,
                pending=pending,
                parent=parent,
                cursor=cursor,
                limit=limit,
            )

    def history(
        self, code: str, *, after: int | None = None, follow_containers: bool = True
    ) -> tuple[HistoryLine, ...]:
        """Every event of an item (or other subject) in the order of the log, through its containers too."""
        with self._database.read() as connection:
            return load_history(connection, code, after=after, follow_containers=follow_containers)

    def trace(self, code: str, direction: Direction = "up") -> Lineage:
        """Where an item came from (up) or went (down)."""
        with self._database.read() as connection:
            return load_lineage(connection, code, direction)

    # --- events and the log

    def entry(self, index: int) -> EventView:
        """The entry at an index; raises `EntryUnknownError`."""
        with self._database.read() as connection:
            return load_entry(connection, index)

    def entries(self, first: int, *, limit: int = DEFAULT_PAGE) -> tuple[EventView, ...]:
        """Entries from an index on, in the order of the log, at most `limit`."""
        with self._database.read() as connection:
            return load_entries(connection, first=first, limit=limit)

    def event(self, event_id: bytes) -> EventView:
        """The event with an id of 32 bytes; raises `EventNotFoundError`."""
        with self._database.read() as connection:
            return load_event(connection, event_id)

    def prove(self, index: int) -> dict[str, Any]:
        """`{entry, index, path, checkpoint}` of an entry under the newest checkpoint; raises `EntryUnknownError`."""
        with self._database.read() as connection:
            return prove_entry(StoredLog(connection, self._serving), index).to_json()

    def published(self) -> int:
        """Size of the newest checkpoint, 0 when there is none."""
        with self._database.read() as connection:
            return StoredFiles(connection).published()

    @contextmanager
    def static_source(self, size: int) -> Iterator[StoredFiles]:
        """What the static files of the tree of `size` are cut from, all of one snapshot."""
        with self._database.read() as connection:
            yield StoredFiles(connection, size)

    def hash_tile(self, level: int, number: int, width: int) -> bytes:
        """A published tile of hashes; raises `TileUnknownError`, `LogTruncatedError`."""
        with self._database.read() as connection:
            return read_hash_tile(StoredFiles(connection), level, number, width)

    def entry_bundle(self, number: int, width: int) -> bytes:
        """A published entry bundle; raises `TileUnknownError`, `LogTruncatedError`."""
        with self._database.read() as connection:
            return read_entry_bundle(StoredFiles(connection), number, width)

    def registry_lines(self, first: int, count: int) -> bytes:
        """Payloads of the authority's entries among the published ones of `first` to `first + count - 1`, a line each.

        As many as one answer takes (`ledger.static.MAX_REGISTRY_BYTES`); no more than that is ever in memory.
        """
        with self._database.read() as connection:
            files = StoredFiles(connection)
            # Closed here, not when it is collected: the answer may end before the payloads do.
            with closing(files.registry_payloads(first, min(first + count, files.published()))) as payloads:
                return registry_answer(payloads)

    def bundle(self, subject: str, *, may_see: MaySee | None = None) -> Bundle:
        """The bundle of a subject in the newest tree that the policy accepts, as `build_bundle` makes it."""
        with self._published() as published:
            return build_bundle(published, subject, may_see=may_see)

    def status(self, subject: str, *, only_ed25519: bool = False) -> StatusProof:
        """The status proof of a subject in the newest tree that the policy accepts, as `build_status` makes it."""
        with self._published() as published:
            return build_status(published, subject, only_ed25519=only_ed25519)

    def absence(self, subject: str) -> AbsenceProof:
        """The proof that no published entry names a subject, as `build_absence` makes it."""
        with self._published() as published:
            return build_absence(published, subject)

    def events(
        self,
        *,
        actor: str | None = None,
        counterparty: str | None = None,
        kind: str | None = None,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> Page[EventLine]:
        """Events, newest first."""
        with self._database.read() as connection:
            return load_events(
                connection, actor=actor, counterparty=counterparty, kind=kind, cursor=cursor, limit=limit
            )

    def heads(self, subjects: Sequence[str]) -> dict[str, dict[str, object] | None]:
        """`{subject: {event, index, count} or None}`."""
        with self._database.read() as connection:
            return state.load_heads(connection, subjects)

    def epochs(self, *, cursor: str | None = None, limit: int = DEFAULT_PAGE) -> Page[state.EpochLine]:
        """Epochs, newest first."""
        with self._database.read() as connection:
            return state.load_epochs(connection, cursor=cursor, limit=limit)

    def stats(self) -> dict[str, Any]:
        """Counts of everything."""
        with self._database.read() as connection:
            return state.load_stats(connection)

    @contextmanager
    def _published(self) -> Iterator[Published]:
        """The published tree that proofs are made under; where witnesses are required, only one that has its quorum."""
        if not self._serving.required:
            with self._database.ask() as ask:
                yield self._open_published(ask, None)
            return
        with self._database.read() as connection:
            size = self._serving.size(Questions(connection))
            if size is None:
                raise CheckpointMissingError(
                    "no checkpoint has the cosignatures that the policy asks for yet"
                )
            yield self._open_published(asking(connection), size)

    def _open_published(self, ask: Ask, size: int | None) -> Published:
        return open_published(StoredProofs(ask), policy=self._serving.policy, size=size, edges=self._edges)

    # --- parties and places

    def enterprise(self, party: str) -> parties.EnterpriseView:
        """One enterprise with its sites and keys; raises `EnterpriseNotFoundError`."""
        with self._database.read() as connection:
            return parties.load_enterprise(connection, party)

    def enterprises(
        self, *, cursor: str | None = None, limit: int = DEFAULT_PAGE
    ) -> Page[parties.RecordView]:
        """Registered enterprises in the order of their credit codes."""
        with self._database.read() as connection:
            return parties.load_enterprises(connection, cursor=cursor, limit=limit)

    def party_events(
        self, party: str, *, cursor: str | None = None, limit: int = DEFAULT_PAGE
    ) -> Page[EventLine]:
        """Events where a party acts or is the other hand, oldest first."""
        with self._database.read() as connection:
            return parties.load_party_events(connection, party, cursor=cursor, limit=limit)

    def site(self, site_id: str) -> parties.RecordView:
        """One site; raises `SiteNotFoundError`."""
        with self._database.read() as connection:
            return parties.load_site(connection, site_id)

    def sites(self, *, cursor: str | None = None, limit: int = DEFAULT_PAGE) -> Page[parties.RecordView]:
        """Registered sites in the order of their ids."""
        with self._database.read() as connection:
            return parties.load_sites(connection, cursor=cursor, limit=limit)

    def site_stock(self, site_id: str) -> parties.SiteStock:
        """What is in a place now, by chemical with hazards; raises `SiteNotFoundError`."""
        with self._database.read() as connection:
            return parties.load_site_stock(connection, site_id, self._catalogue)

    # --- waybills

    def waybill(self, number: str) -> dict[str, Any]:
        """One waybill with its events; raises `WaybillUnknownError`."""
        with self._database.read() as connection:
            return waybills.load_waybill(connection, number)

    def waybills(
        self,
        *,
        state: str | None = None,
        carrier: str | None = None,
        vehicle: str | None = None,
        party: str | None = None,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> Page[dict[str, Any]]:
        """Waybills in the order of their numbers."""
        with self._database.read() as connection:
            return waybills.load_waybills(
                connection,
                state=state,
                carrier=carrier,
                vehicle=vehicle,
                party=party,
                cursor=cursor,
                limit=limit,
            )

    # --- alerts and refusals

    def alert(self, alert_id: str) -> dict[str, Any]:
        """One alert with all its evidence; raises `AlertUnknownError`."""
        with self._database.read() as connection:
            return alerts.load_alert(connection, alert_id)

    def alerts(
        self,
        *,
        detector: str | None = None,
        status: str | None = None,
        severity: int | None = None,
        enterprise: str | None = None,
        chemical: str | None = None,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> Page[dict[str, Any]]:
        """Alerts, newest first."""
        with self._database.read() as connection:
            return alerts.load_alerts(
                connection,
                detector=detector,
                status=status,
                severity=severity,
                enterprise=enterprise,
                chemical=chemical,
                cursor=cursor,
                limit=limit,
            )

    def refusals(
        self,
        *,
        enterprise: str | None = None,
        code: str | None = None,
        cursor: str | None = None,
        limit: int = DEFAULT_PAGE,
    ) -> Page[dict[str, Any]]:
        """Validly signed statements that were refused, newest first."""
        with self._database.read() as connection:
            return alerts.load_refusals(
                connection, enterprise=enterprise, code=code, cursor=cursor, limit=limit
            )
