"""Admit, integrate, publish, sign: two writers, crashes between any two steps, stale leaders, restored backups.

The code that publishes, recovers, folds and signs is the real one; the store is in memory, admission is reduced to its
rule of order: judged upon a head row, written only if that is still the head row. Whatever happens, no acknowledged
entry is lost, no two signed checkpoints contradict each other, and the map root of an epoch is the naive fold.
"""

import copy
import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chemtrace.adapters.keys.vault import FileVault, load_last_signed
from chemtrace.core.entry import encode_entry, is_epoch_header, parse_entry
from chemtrace.core.epoch import parse_epoch
from chemtrace.core.errors import (
    CheckpointForkError,
    LedgerLockedError,
    StaleLeaderError,
)
from chemtrace.core.keys import generate_key
from chemtrace.core.map_pages import SparseMap
from chemtrace.core.merkle import MemoryTree
from chemtrace.ledger.integrate import Integration
from chemtrace.ledger.memory import Memory
from chemtrace.ledger.ports import Head, NewEntry
from chemtrace.ledger.publish import cut_epoch, sign_epoch
from chemtrace.ledger.recover import verify_tip
from tests.model.moments import Crash, Moments
from tests.model.store import MemoryStore, Transaction
from tests.oracle import map_naive, merkle_naive

ORIGIN = "log.test/model"
KEY = generate_key("ed25519", bytes(range(32)))
SUBJECTS = [f"site:S-{number}" for number in range(12)]
WRITERS = ("first", "second")
SECOND_US = 1_000_000

writers = st.sampled_from(WRITERS)
groups = st.lists(
    st.lists(st.sampled_from(SUBJECTS), min_size=1, max_size=4, unique=True), min_size=1, max_size=6
)
moments = st.integers(0, 30)


class WatchedVault(FileVault):
    """The real vault; notes every signature that leaves it, and may crash between any two of its steps."""

    def __init__(self, path: Path, machine: "LogMachine") -> None:
        super().__init__(KEY, path)
        self._machine = machine

    def sign(self, *, origin: str, size: int, root: bytes, path: Sequence[bytes]) -> bytes:
        self._machine.moments.pass_()
        note = super().sign(origin=origin, size=size, root=root, path=path)
        self._machine.signed.append((size, root))
        self._machine.moments.pass_()
        return note

    def _remember(self, size: int, root: bytes) -> None:
        self._machine.moments.pass_()
        half = json.dumps({"size": size, "root": root.hex()}).encode()[:-7]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.with_suffix(".new").write_bytes(half)
        self._machine.moments.pass_()
        super()._remember(size, root)
        self._machine.moments.pass_()


class Writer:
    """One process: what it keeps in memory, and its way to the vault."""

    def __init__(self, machine: "LogMachine") -> None:
        self.memory = Memory(None)
        self.integration = Integration(max_trees=5)
        self.vault = WatchedVault(machine.vault_path, machine)


class LogMachine(RuleBasedStateMachine):
    """All that may happen to a log."""

    @initialize()
    def found(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.vault_path = Path(self._folder.name) / "vault" / "log.vault"
        self.moments = Moments()
        self.store = MemoryStore(self.moments)
        self.signed: list[tuple[int, bytes]] = []
        self.acknowledged: dict[int, bytes] = {}
        self.now_us = 1_800_000_000 * SECOND_US
        self.serial = 0
        self.backup: Any = None
        self.writers: dict[str, Writer] = {}
        for name in WRITERS:
            self.writers[name] = Writer(self)

    def teardown(self) -> None:
        if hasattr(self, "_folder"):
            self._folder.cleanup()

    # ------------------------------------------------------------------ steps of a writer

    def admitted(self, writer: Writer, group: Sequence[Sequence[str]]) -> None:
        """Judge a group upon a snapshot, write it if that is still the head row, and only then acknowledge it."""
        for _ in range(3):
            with self.store.read() as snapshot:
                writer.memory.refresh(snapshot, snapshot.head())
                judged_upon = snapshot.head()
            entries, after = self._judged(judged_upon, group)
            try:
                with self.store.write() as transaction:
                    if transaction.lock_head() != judged_upon:
                        continue
                    transaction.append(entries)
                    transaction.set_head(after)
            except BaseException:
                writer.memory.forget()
                raise
            writer.memory.settle(after)
            # Durable from here: now the answers leave.
            self.acknowledged |= {entry.index: entry.body for entry in entries}
            return

    def _judged(self, head: Head, group: Sequence[Sequence[str]]) -> tuple[list[NewEntry], Head]:
        entries, chain = [], head.chain
        for index, names in enumerate(group, start=head.size):
            self.serial += 1
            header = {
                "nonce": self.serial,
                "subjects": [{"id": name, "prev": None} for name in names],
                "typ": "x",
            }
            data = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
            body = encode_entry(data, ((bytes(32), bytes(64)),))
            leaf = sha256(b"\0" + body).digest()
            chain = sha256(b"\x02" + chain + leaf).digest()
            entries.append(
                NewEntry(
                    index=index, event_id=sha256(data).digest(), leaf=leaf, chain=chain, received_us=self.now_us,
                    effective_us=self.now_us, late=False, kind="count", phase="done", actor="x", counterparty=None,
                    body=body, payload=None, openings=(), receipt=b"",
                )
            )  # fmt: skip
        known = {name for entry in self.store.rows.entries for name in _subjects(entry.body)}
        named = known | {name for names in group for name in names}
        after = Head(
            size=head.size + len(entries), chain=chain, epoch_number=head.epoch_number, epoch_index=head.epoch_index,
            log_time_us=head.log_time_us, registry_index=head.registry_index, subjects=len(named),
        )  # fmt: skip
        return entries, after

    def published(self, writer: Writer, *, force: bool) -> None:
        epoch = cut_epoch(self.store, writer.memory, self.now_us, force=force, integration=writer.integration)
        if epoch is not None:
            self.moments.pass_()
            sign_epoch(self.store, writer.vault, ORIGIN, epoch.index)

    def started(self, writer: Writer) -> None:
        """What `Ledger` does when it opens."""
        with self.store.read() as transaction:
            head = verify_tip(transaction, ORIGIN, writer.vault.last_signed())
            writer.memory.refresh(transaction, head)
        if head.epoch_index >= 0:
            sign_epoch(self.store, writer.vault, ORIGIN, head.epoch_index)

    def _run(self, name: str, action: Callable[[Writer], None], crash: int | None) -> None:
        writer = self.writers[name]
        if crash is not None:
            self.moments.arm_crash(crash)
        try:
            action(writer)
        except Crash:
            del self.writers[name]
        finally:
            self.moments.disarm()

    # ------------------------------------------------------------------ what may happen

    @precondition(lambda self: self.writers)
    @rule(data=st.data(), group=groups, crash=st.none() | moments)
    def admit(self, data: st.DataObject, group: list[list[str]], crash: int | None) -> None:
        name = data.draw(st.sampled_from(sorted(self.writers)))
        self._run(name, lambda writer: self.admitted(writer, group), crash)

    @precondition(lambda self: self.writers)
    @rule(data=st.data(), force=st.booleans(), crash=st.none() | moments)
    def publish(self, data: st.DataObject, force: bool, crash: int | None) -> None:
        self.now_us += SECOND_US
        name = data.draw(st.sampled_from(sorted(self.writers)))
        self._run(name, lambda writer: self.published(writer, force=force), crash)

    @precondition(lambda self: len(self.writers) < len(WRITERS))
    @rule(data=st.data(), crash=st.none() | moments)
    def start(self, data: st.DataObject, crash: int | None) -> None:
        """A writer opens after a crash: nothing that a crash leaves behind keeps it from it."""
        name = data.draw(st.sampled_from(sorted(set(WRITERS) - set(self.writers))))
        self.writers[name] = Writer(self)
        self._run(name, self.started, crash)

    @precondition(lambda self: len(self.writers) == len(WRITERS))
    @rule(name=writers, after=moments, group=groups, work=st.sampled_from(["admit", "publish", "both"]))
    def come_between(self, name: str, after: int, group: list[list[str]], work: str) -> None:
        """While one writer publishes, another one admits or publishes; a leader that is stale then signs nothing."""
        self.now_us += SECOND_US
        leader = self.writers[name]
        (other_name,) = set(WRITERS) - {name}
        other = self.writers[other_name]

        def between() -> None:
            if work != "publish":
                self.admitted(other, group)
            if work != "admit":
                # The vault may be in the leader's hands; then the other one publishes later.
                with suppress(LedgerLockedError):
                    self.published(other, force=True)

        self.moments.arm_interruption(after, between)
        try:
            self.published(leader, force=True)
        except StaleLeaderError:
            # The other one has published beyond it. It writes no more, and must be started again.
            assert work != "admit"
            del self.writers[name]
        finally:
            self.moments.disarm()

    @rule()
    def back_up(self) -> None:
        self.backup = copy.copy(self.store.rows), dict(self.acknowledged)

    @precondition(lambda self: self.backup is not None)
    @rule(group=groups, live=st.booleans(), name=writers)
    def restore(self, group: list[list[str]], live: bool, name: str) -> None:
        """An older copy of the database: the vault does not sign upon it what contradicts its last signature."""
        rows, signed, acknowledged = self.store.rows, len(self.signed), dict(self.acknowledged)
        last = max(self.signed, default=(0, b""))
        self.store.rows = self.backup[0]
        behind = last[0] > self.store.rows.head.size
        writer = self.writers.get(name, Writer(self)) if live else Writer(self)
        try:
            if not live:
                self.started(writer)
            self.now_us += SECOND_US
            self.admitted(writer, group)
            self.published(writer, force=True)
        except CheckpointForkError:
            assert len(self.signed) == signed
            self.store.rows, self.acknowledged = rows, acknowledged
            self.writers.pop(name, None)
        else:
            # Nothing was signed that the copy lacks: the log goes on from there, as its operator wanted.
            assert not behind
            self.acknowledged = {
                entry.index: entry.body for entry in self.store.rows.entries if entry.receipt is not None
            }
            self.writers.clear()
        self.backup = None

    # ------------------------------------------------------------------ what must hold

    @invariant()
    def nothing_acknowledged_is_lost(self) -> None:
        if hasattr(self, "store"):
            stored = {entry.index: entry.body for entry in self.store.rows.entries}
            assert self.acknowledged == {index: stored.get(index) for index in self.acknowledged}

    @invariant()
    def no_two_signed_checkpoints_contradict_each_other(self) -> None:
        if hasattr(self, "store"):
            tree = MemoryTree(entry.leaf for entry in self.store.rows.entries)
            for size, root in self.signed:
                assert tree.root(size) == root

    @invariant()
    def the_vault_never_forgets_the_largest_tree_it_signed(self) -> None:
        if hasattr(self, "store") and self.signed:
            last = load_last_signed(self.vault_path)
            assert last is not None
            assert last[0] >= max(self.signed)[0]

    @invariant()
    def the_map_of_the_newest_checkpoint_stays_readable(self) -> None:
        if not hasattr(self, "store") or not self.store.rows.checkpoints:
            return
        transaction, index = Transaction(self.store.rows, self.moments), max(self.store.rows.checkpoints) - 1
        map_ = SparseMap(lambda path: transaction.map_page(path, index))
        trees = _trees(self.store.rows.entries[:index])
        for key, value_hash in _values(trees).items():
            assert map_.find(key) == (key, value_hash)

    @invariant()
    def the_map_root_of_every_epoch_is_the_naive_fold(self) -> None:
        if not hasattr(self, "store"):
            return
        entries = self.store.rows.entries
        for entry in entries:
            header = parse_entry(entry.body).header_bytes
            if is_epoch_header(header):
                values = _values(_trees(entries[: entry.index]))
                assert parse_epoch(header).map_root == map_naive.node(values).hex()


def _trees(entries: Sequence[NewEntry]) -> dict[str, list[bytes]]:
    trees: dict[str, list[bytes]] = {}
    for entry in entries:
        for name in _subjects(entry.body):
            trees.setdefault(name, []).append(entry.index.to_bytes(8, "big") + entry.leaf)
    return trees


def _subjects(body: bytes) -> list[str]:
    header = parse_entry(body).header_bytes
    return [] if is_epoch_header(header) else [subject["id"] for subject in json.loads(header)["subjects"]]


def _values(trees: dict[str, list[bytes]]) -> dict[bytes, bytes]:
    return {
        sha256(name.encode()).digest(): sha256(
            len(leaves).to_bytes(8, "big") + merkle_naive.mth(leaves) + leaves[-1][:8]
        ).digest()
        for name, leaves in trees.items()
    }


TestLogMachine = LogMachine.TestCase
TestLogMachine.settings = settings(stateful_step_count=25)
