"""The wired application: what every door is given."""

from __future__ import annotations

from chemtrace.adapters import labels
from chemtrace.adapters.keys.files import MASTER_FILE
from chemtrace.adapters.lock import WriterLock
from chemtrace.adapters.publisher import Publisher
from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.reads import Reads
from chemtrace.adapters.sql.store import SQLStore
from chemtrace.adapters.sql.tokens import Tokens
from chemtrace.bootstrap.cosigning import Witnesses
from chemtrace.bootstrap.parts import draw_nonce, load_registered_key, log_vkey_of
from chemtrace.bootstrap.trust import load_serving, stated_trust
from chemtrace.config import Settings
from chemtrace.core.bundle.trust import Trust
from chemtrace.core.catalogue import Catalogue
from chemtrace.core.checkpoint import Checkpoint
from chemtrace.core.errors import KeyFileMissingError, LedgerMissingError
from chemtrace.core.note import parse_vkey
from chemtrace.ledger.authority import Authority
from chemtrace.ledger.ledger import Ledger
from chemtrace.ledger.ports import Clock
from chemtrace.ledger.publish import tree_root
from chemtrace.ledger.reading import ReadOnlyLedger
from chemtrace.ledger.witnessing import WitnessSheet, read_sheet
from chemtrace.registry.seals import Seals
from chemtrace.registry.state import Registry


class Application:
    """Everything wired. Close it to finish what was handed in and to give the lock back."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        database: Database,
        store: SQLStore,
        ledger: Ledger | ReadOnlyLedger,
        catalogue: Catalogue,
        master: bytes | None,
        label_host: str,
        lock: WriterLock | None,
    ) -> None:
        """Take the parts; `open_application` makes them."""
        self.settings = settings
        self.clock = clock
        self.ledger = ledger
        self.catalogue = catalogue
        self.label_host = label_host
        self.reads = Reads(database, catalogue=catalogue, serving=load_serving(settings))
        self.tokens = Tokens(database)
        self.seals = Seals(master, lambda: self.ledger.registry)
        self.labels = labels
        self._database = database
        self._store = store
        self._master = master
        self._lock = lock
        self._publisher: Publisher | None = None
        self._witnesses: Witnesses | None = None

    @property
    def registry(self) -> Registry:
        """The registry as of the newest entry."""
        return self.ledger.registry

    @property
    def log_vkey(self) -> str:
        """The verifier key of the log's checkpoints (C2SP signed note), to be pinned by verifiers."""
        return log_vkey_of(self.registry, self.ledger.origin)

    @property
    def trust(self) -> Trust:
        """The trust file as the operator states it; raises as `stated_trust`."""
        return stated_trust(self.settings, self.registry, self.ledger.origin)

    @property
    def authority(self) -> Authority:
        """The authority's desk, where its key lies in the data folder.

        Raises:
            KeyFileMissingError: the key is not here (kept offline).  KeyFileModeError: readable by others.
        """
        if self._master is None:
            raise KeyFileMissingError(
                "there is no master key on this machine: see docs/runbooks/key-lost.md", name=MASTER_FILE
            )
        record = self.registry.authority
        if record is None:
            raise LedgerMissingError("this log has no authority yet")
        return Authority(
            key=load_registered_key(self.settings.data_dir, "authority", self.registry),
            enterprise=record.party,
            ledger=self.ledger,
            store=self._store,
            clock=self.clock,
            master=self._master,
            nonce=draw_nonce,
        )

    def health(self) -> dict[str, object]:
        """`Ledger.health`, and `witnesses`: how it stands with those that cosign, None where no policy is set."""
        return self.ledger.health() | {
            "witnesses": None if self._witnesses is None else self._witnesses.health()
        }

    @property
    def witnesses(self) -> Witnesses | None:
        """The gathering of cosignatures, once publishing has started under a policy."""
        return self._witnesses

    def witness_sheet(self, note: bytes | None) -> WitnessSheet | None:
        """Who of the policy has cosigned a checkpoint; None without a policy or a checkpoint."""
        policy = load_serving(self.settings).policy
        return None if policy is None or note is None else read_sheet(note, policy)

    def root_of(self, size: int) -> bytes | None:
        """The root of the first `size` entries, None where no checkpoint reaches that far or the size is 0."""
        with self._store.read() as transaction:
            published = transaction.checkpoint_size() or 0
            return tree_root(transaction, size) if 0 < size <= published else None

    def announce(self, url: str) -> None:
        """Write into the lock file where this process can be reached."""
        if self._lock is not None:
            self._lock.announce(url)

    def start_publishing(self) -> None:
        """Publish by timer from now on, as the settings say, and have the checkpoints witnessed."""
        policy = load_serving(self.settings).policy
        if self._witnesses is None and policy is not None:
            self._witnesses = Witnesses(
                self._store,
                policy,
                self.clock,
                required=self.settings.witness_mode == "required",
                mirrors=self.settings.mirrors,
                log=parse_vkey(self.log_vkey),
            )
            self._witnesses.start()
        if self._publisher is None:
            self._publisher = Publisher(
                self._publish,
                interval_s=self.settings.publish_interval_s,
                heartbeat_s=self.settings.heartbeat_s,
            )
            self._publisher.start()

    def _publish(self, force: bool) -> Checkpoint | None:
        checkpoint = self.ledger.publish(force, watched=False)
        if checkpoint is not None and self._witnesses is not None:
            self._witnesses.wake()
        return checkpoint

    def close(self) -> None:
        """End the threads, close the database, give the lock back."""
        if self._publisher is not None:
            self._publisher.stop()
        if self._witnesses is not None:
            self._witnesses.stop()
        self.ledger.close()
        self._database.close()
        if self._lock is not None:
            self._lock.release()
