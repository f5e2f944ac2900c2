"""The law of a witness: whatever it is asked, in any order, all that it ever cosigned lies on one history."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chemtrace.core.add_checkpoint import AddCheckpoint, encode_add_checkpoint
from chemtrace.core.checkpoint import Checkpoint, sign_checkpoint
from chemtrace.core.errors import ChemtraceError, SplitViewError, UnavailableError
from chemtrace.core.keys import generate_key
from chemtrace.core.merkle import MemoryTree, consistency_path, hash_leaf
from chemtrace.core.note import make_verifier, parse_note
from chemtrace.core.types import RootHash
from chemtrace.ledger.witness import Evidence, Kept, Witness

ORIGIN = "log.test/lineage"
KEY = generate_key("ed25519", b"the log of the lineage test, 32 b")
WITNESS = generate_key("ed25519", b"the witness of the lineage test..")
COMMON = [hash_leaf(b"common %d" % at) for at in range(6)]
FORKS = [MemoryTree([*COMMON, *[hash_leaf(b"%d %d" % (fork, at)) for at in range(14)]]) for fork in range(3)]
SIZES = st.integers(0, 20)


@dataclass
class StrictState:
    """A witness's memory that fails the test when it is asked to go back."""

    rows: dict[str, Kept] = field(default_factory=dict)
    found: list[Evidence] = field(default_factory=list)
    broken: bool = False

    def kept(self, origin: str) -> Kept | None:
        return self.rows.get(origin)

    def swap(self, origin: str, before: Kept | None, after: Kept) -> bool:
        if self.broken:
            raise UnavailableError("the disk is full")
        now = self.rows.get(origin)
        if now != before:
            return False
        if now is not None:
            assert after.held.checkpoint.size >= now.held.checkpoint.size
            assert after.time_s >= now.time_s
        self.rows[origin] = after
        return True

    def keep_evidence(self, evidence: Evidence) -> None:
        self.found.append(evidence)

    def evidence(self) -> tuple[Evidence, ...]:
        return tuple(self.found)


class Time:
    """A clock that jumps as it is told, also back."""

    us = 1_700_000_000_000_000

    def now_us(self) -> int:
        return self.us


class Lineage(RuleBasedStateMachine):
    """A log's key signs three histories; the witness is asked by everybody, honestly and not."""

    def __init__(self) -> None:
        super().__init__()
        self.state, self.clock = StrictState(), Time()
        self.cosigned: list[tuple[int, bytes]] = []
        self.restart()

    @rule()
    def restart(self) -> None:
        self.witness = Witness(
            name="w.test",
            keys=[WITNESS],
            logs=[make_verifier(ORIGIN, KEY.public.raw)],
            state=self.state,
            clock=self.clock,
        )

    @rule(fork=st.integers(0, 2), old=SIZES, new=SIZES, other=st.integers(0, 2))
    def ask(self, fork: int, old: int, new: int, other: int) -> None:
        """A checkpoint of one history, with a proof from this or another one, from any size."""
        self._ask(fork, old, new, other)

    @rule(fork=st.integers(0, 2), new=SIZES)
    def ask_well(self, fork: int, new: int) -> None:
        """From the size held: what a log does that follows the answers."""
        held = self.state.kept(ORIGIN)
        self._ask(fork, 0 if held is None else held.held.checkpoint.size, new, fork)

    @rule(fork=st.integers(0, 2), new=SIZES)
    def the_disk_is_full(self, fork: int, new: int) -> None:
        self.state.broken = True
        before = len(self.cosigned)
        self.ask_well(fork, new)
        self.state.broken = False
        assert len(self.cosigned) == before

    @rule(seconds=st.integers(-1000, 1000))
    def time_jumps(self, seconds: int) -> None:
        self.clock.us += seconds * 1_000_000

    def _ask(self, fork: int, old: int, new: int, other: int) -> None:
        root = FORKS[fork].root(new)
        note = parse_note(sign_checkpoint(Checkpoint(ORIGIN, new, RootHash(root)), KEY))
        path = consistency_path(old, new, FORKS[other].node) if 0 < old <= new else ()
        body = encode_add_checkpoint(AddCheckpoint(old, path, note))
        try:
            lines = self.witness.add_checkpoint(body)
        except SplitViewError:
            assert self.state.found[-1].second_note.startswith(note.text.encode())
        except ChemtraceError:
            pass
        else:
            assert len(lines) == 1
            self.cosigned.append((new, root))

    @invariant()
    def all_that_was_cosigned_lies_on_one_history(self) -> None:
        assert any(all(tree.root(size) == root for size, root in self.cosigned) for tree in FORKS)

    @invariant()
    def evidence_is_two_roots_of_one_size(self) -> None:
        for one in self.state.found[-1:]:
            first, second = (note.split(b"\n")[1:3] for note in (one.first_note, one.second_note))
            assert first[0] == second[0]
            assert first[1] != second[1]


TestLineage = Lineage.TestCase
TestLineage.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
