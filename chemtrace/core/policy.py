"""Policies of C2SP tlog-policy: which logs and witnesses count, and how many of them make a checkpoint valid.

The text has one definition a line: `log <vkey> [url]`, `witness <name> <vkey> [url]`,
`group <name> all|any|<k> <member>...` and exactly one `quorum <name>|none`. Lines refer only to earlier ones.
"""

import re
from collections.abc import Callable, Collection, Iterable
from typing import Final

import msgspec

from chemtrace.core.checkpoint import Checkpoint, parse_checkpoint
from chemtrace.core.cosignature import (
    Cosignature,
    CosignatureVerifier,
    parse_witness_vkey,
    verify_cosignatures,
)
from chemtrace.core.errors import NoteFormatError, PolicyFormatError, PolicyUnmetError
from chemtrace.core.note import Note, NoteVerifier, parse_note, parse_vkey, verify_note

MAX_POLICY_BYTES: Final = 262_144
MAX_DEFINITIONS: Final = 128
"""Of logs and of groups, each; C2SP asks for at least 32."""
MAX_WITNESSES: Final = 90
"""So that a note, whose lines are 100 at most, has room for all their cosignatures and for the log's own lines."""
NONE: Final = "none"

_SPACE: Final = re.compile(r"[ \t]+")
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)


class PolicyLog(msgspec.Struct, frozen=True):
    """A log that counts: its key, whose name is the origin, and where it may be reached."""

    verifier: NoteVerifier
    url: str | None = None


class PolicyWitness(msgspec.Struct, frozen=True):
    """A witness that counts: its name inside the policy, its key, and where it takes checkpoints."""

    name: str
    verifier: CosignatureVerifier
    url: str | None = None


class PolicyGroup(msgspec.Struct, frozen=True):
    """A group: it has witnessed a checkpoint when at least `threshold` of its members have."""

    name: str
    threshold: int
    members: tuple[str, ...]


class Policy(msgspec.Struct, frozen=True):
    """A parsed policy; `quorum` is the name of a witness or group, or "none". Groups stand in file order."""

    logs: tuple[PolicyLog, ...]
    witnesses: tuple[PolicyWitness, ...]
    groups: tuple[PolicyGroup, ...]
    quorum: str

    def satisfied(self, names: Collection[str]) -> bool:
        """Whether cosignatures of the witnesses with these policy names are enough; unknown names do not count."""
        return self._cheapest(names, lambda _: 1) is not None

    def needed(
        self, names: Collection[str], weigh: Callable[[PolicyWitness], int] = lambda _: 1
    ) -> frozenset[str]:
        """Return the smallest part of `names` that satisfies the quorum, by the sum of `weigh` (ties: file order).

        Raises:
            PolicyUnmetError: all of `names` together are not enough.
        """
        chosen = self._cheapest(names, weigh)
        if chosen is None:
            raise PolicyUnmetError(
                "the witnesses that the policy asks for have not cosigned this checkpoint",
                quorum=_shown(self.quorum),
                expected=self.describe(),
                found=tuple(sorted(map(_shown, names))),
            )
        return chosen

    def find(self, name: str, key_hash: bytes) -> PolicyWitness | None:
        """Return the witness whose key has this name and hash: what a signature line tells of itself."""
        for witness in self.witnesses:
            if (witness.verifier.name, witness.verifier.key_hash) == (name, key_hash):
                return witness
        return None

    def describe(self) -> str:
        """Return the quorum written out, such as `2 of (A, B, any of (C, D))`."""
        groups = {group.name: group for group in self.groups}

        def text(name: str) -> str:
            group = groups.get(name)
            if group is None:
                return _shown(name)
            return f"{group.threshold} of ({', '.join(text(member) for member in group.members)})"

        return text(self.quorum)

    def _cheapest(
        self, names: Collection[str], weigh: Callable[[PolicyWitness], int]
    ) -> frozenset[str] | None:
        # Every name is a member of one group at most, so parts never overlap and the cheapest k are the best k.
        empty: frozenset[str] = frozenset()
        best: dict[str, tuple[int, frozenset[str]]] = {NONE: (0, empty)}
        for witness in self.witnesses:
            if witness.name in names:
                best[witness.name] = (weigh(witness), frozenset((witness.name,)))
        for group in self.groups:
            ready = sorted([best[name] for name in group.members if name in best], key=lambda one: one[0])
            if len(ready) >= group.threshold:
                part = ready[: group.threshold]
                best[group.name] = (sum(cost for cost, _ in part), empty.union(*[who for _, who in part]))
        return best[self.quorum][1] if self.quorum in best else None


class Cosigned(msgspec.Struct, frozen=True):
    """A checkpoint that a log and a policy's quorum have signed; `note` holds only the lines that verified."""

    checkpoint: Checkpoint
    note: Note
    cosignatures: tuple[Cosignature, ...]


def parse_policy(text: str | bytes) -> Policy:
    """Return the policy of a file; bytes with the high bit set stand only for themselves in names and comments.

    Raises:
        PolicyFormatError: not such a text, a name or key twice, a name before its line, no quorum line, or too large.
    """
    whole = text.decode("utf-8", "surrogateescape") if isinstance(text, bytes) else text
    if len(whole) > MAX_POLICY_BYTES:
        raise PolicyFormatError("the policy is too large", size=len(whole), limit=MAX_POLICY_BYTES)
    if not whole.endswith("\n") or _CONTROL.search(whole):
        raise PolicyFormatError(
            "every line of a policy ends in a newline; tab is the only other control character"
        )
    reader = _Reader()
    for number, line in enumerate(whole[:-1].split("\n"), 1):
        words = _SPACE.split(line.strip(" \t"))
        if words[0] and not words[0].startswith("#"):
            reader.read(number, words)
    return reader.finish()


def verify_cosigned(data: bytes, origin: str, log: NoteVerifier | None, policy: Policy) -> Cosigned:
    """Return a checkpoint that the log has signed and the policy's witnesses have cosigned.

    `log` is the log's pinned key; None takes the logs that the policy names. Lines of unknown keys are left out.

    Raises:
        NoteFormatError, CheckpointError: malformed, or of another origin.
        NoteSignatureError: the log has not signed, or a line of a known key does not verify.
        PolicyUnmetError: too few cosignatures.
    """
    logs = [log] if log is not None else [one.verifier for one in policy.logs if one.verifier.name == origin]
    signed = verify_note(data, logs)
    checkpoint = parse_checkpoint(signed.text, origin)
    cosignatures = verify_cosignatures(parse_note(data), [witness.verifier for witness in policy.witnesses])
    policy.needed(names_of(policy, cosignatures))
    lines = (*signed.signatures, *[one.line for one in cosignatures])
    return Cosigned(checkpoint, Note(signed.text, lines), cosignatures)


def names_of(policy: Policy, cosignatures: Iterable[Cosignature]) -> frozenset[str]:
    """Return the policy's names of the witnesses behind verified cosignatures."""
    found = [policy.find(one.verifier.name, one.verifier.key_hash) for one in cosignatures]
    return frozenset([witness.name for witness in found if witness is not None])


def _shown(word: str) -> str:
    """A word as text that every JSON writer takes: bytes that are not UTF-8 stand as escapes."""
    return word[:80].encode("utf-8", "backslashreplace").decode("utf-8")


class _Reader:
    """Takes the lines of a policy in order and refuses the first that is wrong, by its number."""

    def __init__(self) -> None:
        self._logs: dict[bytes, PolicyLog] = {}
        self._witnesses: dict[bytes, PolicyWitness] = {}
        self._groups: list[PolicyGroup] = []
        self._names: set[str] = set()
        self._members: set[str] = set()
        self._quorum: str | None = None
        self._line = 0

    def read(self, number: int, words: list[str]) -> None:
        self._line = number
        rows = {"log": self._log, "witness": self._witness, "group": self._group, "quorum": self._set_quorum}
        row = rows.get(words[0])
        if row is None:
            raise self._refuse("a line starts with log, witness, group or quorum", found=_shown(words[0]))
        row(words[1:])
        if len(self._witnesses) > MAX_WITNESSES:
            raise self._refuse("too many witnesses: one note has no room for them all", limit=MAX_WITNESSES)
        if max(len(self._logs), len(self._groups)) > MAX_DEFINITIONS:
            raise self._refuse("too many definitions", limit=MAX_DEFINITIONS)

    def finish(self) -> Policy:
        if self._quorum is None:
            raise PolicyFormatError("a policy has one quorum line; `quorum none` asks for no witness")
        return Policy(
            tuple(self._logs.values()), tuple(self._witnesses.values()), tuple(self._groups), self._quorum
        )

    def _log(self, words: list[str]) -> None:
        if not 1 <= len(words) <= 2:
            raise self._refuse("a log line reads: log <vkey> [<url>]", words=len(words))
        try:
            verifier = parse_vkey(words[0])
        except NoteFormatError as error:
            raise self._refuse("not the key of a log", reason=error.message) from error
        if verifier.public in self._logs:
            raise self._refuse("this log key stands on an earlier line", key=verifier.name)
        self._logs[verifier.public] = PolicyLog(verifier, words[1] if len(words) == 2 else None)

    def _witness(self, words: list[str]) -> None:
        if not 2 <= len(words) <= 3:
            raise self._refuse("a witness line reads: witness <name> <vkey> [<url>]", words=len(words))
        try:
            verifier = parse_witness_vkey(words[1])
        except NoteFormatError as error:
            raise self._refuse("not the key of a witness", reason=error.message) from error
        if verifier.public in self._witnesses:
            raise self._refuse("this witness key stands on an earlier line", key=verifier.name)
        self._define(words[0])
        url = words[2] if len(words) == 3 else None
        self._witnesses[verifier.public] = PolicyWitness(words[0], verifier, url)

    def _group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise self._refuse("a group line reads: group <name> all|any|<k> <name>...", words=len(words))
        name, rule, *members = words
        for member in members:
            if member not in self._names or member in self._members:
                raise self._refuse(
                    "a member is defined on an earlier line and stands in one group, once",
                    found=_shown(member),
                )
            self._members.add(member)
        threshold = {"all": len(members), "any": 1}.get(rule, int(rule) if _NUMBER.fullmatch(rule) else 0)
        if not 1 <= threshold <= len(members):
            raise self._refuse(
                "a group asks for all, any or 1 to n of its members",
                expected=len(members),
                found=_shown(rule),
            )
        self._define(name)
        self._groups.append(PolicyGroup(name, threshold, tuple(members)))

    def _set_quorum(self, words: list[str]) -> None:
        if len(words) != 1 or self._quorum is not None:
            raise self._refuse("there is one quorum line, and it reads: quorum <name>", words=len(words))
        if words[0] != NONE and words[0] not in self._names:
            raise self._refuse("the quorum line names what no earlier line defines", found=_shown(words[0]))
        self._quorum = words[0]

    def _define(self, name: str) -> None:
        if name == NONE or name in self._names:
            raise self._refuse("this name is taken", found=_shown(name))
        self._names.add(name)

    def _refuse(self, message: str, **fields: object) -> PolicyFormatError:
        return PolicyFormatError(f"policy line {self._line}: {message}", line=self._line, **fields)
