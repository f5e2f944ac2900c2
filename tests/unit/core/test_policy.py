"""Policies: the syntax of C2SP tlog-policy to the letter, and the quorum that they state."""

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.checkpoint import Checkpoint, encode_checkpoint, sign_checkpoint
from chemtrace.core.cosignature import cosign, cosigner
from chemtrace.core.errors import (
    CheckpointError,
    NoteSignatureError,
    PolicyFormatError,
    PolicyUnmetError,
)
from chemtrace.core.keys import PrivateKey, generate_key
from chemtrace.core.ml_dsa import MLDSAKey
from chemtrace.core.note import Note, NoteSignature, encode_note, make_verifier, parse_note
from chemtrace.core.policy import Policy, names_of, parse_policy, verify_cosigned
from chemtrace.core.types import RootHash
from tests.specimens import ED25519

ORIGIN = "log.example/chemtrace"
LOG = make_verifier(ORIGIN, ED25519.public.raw)
CHECKPOINT = Checkpoint(ORIGIN, 42, RootHash(bytes(range(32))))
NAMES = ("X1", "X2", "X3", "Y1", "Y2", "Y3")


def key_of(name: str) -> PrivateKey:
    """A witness's key, the same in every run."""
    return generate_key("ed25519", name.encode().ljust(32, b"."))


def vkey(name: str) -> str:
    """The verifier key text of a witness named like its name in the policy."""
    return cosigner(f"witness.example/{name}", key_of(name)).vkey


EXAMPLE = f"""# the example of the standard
log {LOG.vkey}

witness X1 {vkey("X1")}
witness X2 {vkey("X2")} https://x2.example/
\twitness\tX3  {vkey("X3")}\t
group X-witnesses 2 X1 X2 X3

witness Y1 {vkey("Y1")}
witness Y2 {vkey("Y2")}
witness Y3 {vkey("Y3")}
group Y-witnesses any Y1 Y2 Y3

  # both
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def cosigned(names: tuple[str, ...]) -> bytes:
    """A checkpoint signed by the log and cosigned by some witnesses."""
    signed = parse_note(sign_checkpoint(CHECKPOINT, ED25519))
    lines = [cosign(signed.text, f"witness.example/{name}", key_of(name), 9) for name in names]
    return encode_note(Note(signed.text, (*signed.signatures, *lines)))


def test_the_example_of_the_standard_is_read() -> None:
    policy = parse_policy(EXAMPLE)
    assert [log.verifier for log in policy.logs] == [LOG]
    assert [(one.name, one.url) for one in policy.witnesses] == [
        (name, "https://x2.example/" if name == "X2" else None) for name in NAMES
    ]
    assert [(one.name, one.threshold) for one in policy.groups] == [
        ("X-witnesses", 2), ("Y-witnesses", 1), ("X-and-Y", 2),
    ]  # fmt: skip
    assert policy.describe() == "2 of (2 of (X1, X2, X3), 1 of (Y1, Y2, Y3))"


def test_the_quorum_is_met_by_exactly_the_sets_it_describes() -> None:
    policy = parse_policy(EXAMPLE)
    for count in range(7):
        for names in itertools.combinations(NAMES, count):
            xs = sum(name.startswith("X") for name in names)
            wanted = xs >= 2 and len(names) > xs
            assert policy.satisfied(set(names)) == wanted
            if wanted:
                needed = policy.needed(set(names))
                assert needed <= set(names)
                assert len(needed) == 3
                assert policy.satisfied(needed)
                assert not any(policy.satisfied(needed - {one}) for one in needed)
            else:
                with pytest.raises(PolicyUnmetError):
                    policy.needed(set(names))


def test_names_that_are_no_witness_do_not_count() -> None:
    policy = parse_policy(EXAMPLE)
    assert not policy.satisfied({"X-witnesses", "Y-witnesses", "X-and-Y", "none"})


def test_the_needed_part_follows_the_weights() -> None:
    policy = parse_policy(EXAMPLE)
    heavy = {"X1": 2420, "Y1": 2420}
    assert policy.needed(NAMES, lambda one: heavy.get(one.name, 64)) == {"X2", "X3", "Y2"}


def test_quorum_none_needs_nobody() -> None:
    policy = parse_policy("quorum none\n")
    assert policy == Policy((), (), (), "none")
    assert policy.needed(()) == frozenset()


def test_a_single_witness_may_be_the_quorum() -> None:
    policy = parse_policy(f"witness A {vkey('A')}\nquorum A\n")
    assert policy.satisfied({"A"})
    assert not policy.satisfied(set())


def test_a_post_quantum_witness_may_stand_in_a_policy() -> None:
    text = cosigner("witness.example/q", MLDSAKey(bytes(32))).vkey
    assert parse_policy(f"witness Q {text}\nquorum Q\n").witnesses[0].verifier.type == 6


def test_bytes_with_the_high_bit_are_opaque_in_names_and_comments() -> None:
    text = b"# \xff\xfe\nwitness K\xe2\x84\xaa\xff " + vkey("A").encode() + b"\nquorum K\xe2\x84\xaa\xff\n"
    name = "K\u212a\udcff"
    assert parse_policy(text).quorum == name
    assert parse_policy(text).satisfied({name})
    with pytest.raises(PolicyUnmetError) as caught:
        parse_policy(text).needed(())
    assert caught.value.problem()["fields"]["quorum"] == "K\u212a\\udcff"  # type: ignore[index]  # a mapping


A, B = f"witness A {vkey('A')}\n", f"witness B {vkey('B')}\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "quorum none",
        "quorum none\r\n",
        "quorum none\nquorum none\n",
        "quorum\n",
        "quorum none none\n",
        "quorum A\n",
        f"quorum A\n{A}",
        A,
        f"{A}{A}quorum A\n",
        f"{A}witness B {vkey('A')}\nquorum A\n",
        f"{A}witness A {vkey('B')}\nquorum A\n",
        f"witness none {vkey('A')}\nquorum none\n",
        f"witness A {LOG.vkey}\nquorum A\n",
        f"witness A {vkey('A')} u v\nquorum A\n",
        "witness A\nquorum none\n",
        "witness A bad\nquorum none\n",
        f"log {vkey('A')}\nquorum none\n",
        f"log {LOG.vkey} u v\nquorum none\n",
        "log\nquorum none\n",
        f"log {LOG.vkey}\nlog {LOG.vkey} https://log.example\nquorum none\n",
        f"log {LOG.vkey}\nlog {make_verifier('other.example', LOG.public).vkey}\nquorum none\n",
        f"{A}{B}group G all\nquorum G\n",
        f"{A}{B}group G 0 A B\nquorum G\n",
        f"{A}{B}group G 3 A B\nquorum G\n",
        f"{A}{B}group G 01 A B\nquorum G\n",
        f"{A}{B}group G some A B\nquorum G\n",
        f"{A}{B}group G all A A\nquorum G\n",
        f"{A}{B}group G all A B C\nquorum G\n",
        f"{A}{B}group G all G A\nquorum G\n",
        f"{A}{B}group G any A none\nquorum G\n",
        f"{A}{B}group G any A\ngroup H any A B\nquorum H\n",
        f"{A}{B}group A any B\nquorum A\n",
        f"{A}{B}group none any B\nquorum none\n",
        f"{A}{B}group G any B\ngroup G any A\nquorum G\n",
        "mirror A\nquorum none\n",
        "quorum none\n\x00\n",
        "quorum none\n\x7f\n",
        "Quorum none\n",
        "quorum none\n" + "#" * 262_144 + "\n",
        "".join(f"witness w{n} {vkey(f'w{n}')}\n" for n in range(129)) + "quorum none\n",
    ],
)
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(PolicyFormatError):
        parse_policy(text)


@given(st.text(alphabet="log witnessgroupquorum#\t\n 0none", max_size=120))
def test_any_text_is_a_policy_or_refused_by_name(text: str) -> None:
    with contextlib.suppress(PolicyFormatError):
        parse_policy(text)


def test_a_refusal_names_the_line() -> None:
    with pytest.raises(PolicyFormatError) as caught:
        parse_policy("# a\n\nquorum X\n")
    assert caught.value.fields["line"] == 3


def test_a_checkpoint_with_its_quorum_is_taken() -> None:
    found = verify_cosigned(cosigned(("X1", "X2", "Y3")), ORIGIN, None, parse_policy(EXAMPLE))
    assert found.checkpoint == CHECKPOINT
    assert names_of(parse_policy(EXAMPLE), found.cosignatures) == {"X1", "X2", "Y3"}
    assert [one.time_s for one in found.cosignatures] == [9, 9, 9]


def test_a_checkpoint_without_its_quorum_is_refused() -> None:
    with pytest.raises(PolicyUnmetError) as caught:
        verify_cosigned(cosigned(("X1", "X2", "X3")), ORIGIN, LOG, parse_policy(EXAMPLE))
    assert caught.value.fields["found"] == ("X1", "X2", "X3")


def test_the_same_witness_twice_counts_once() -> None:
    with pytest.raises(PolicyUnmetError):
        verify_cosigned(cosigned(("X1", "X1", "Y1")), ORIGIN, LOG, parse_policy(EXAMPLE))


def test_witnesses_cannot_stand_in_for_the_log() -> None:
    signed = parse_note(cosigned(NAMES))
    with pytest.raises(NoteSignatureError):
        verify_cosigned(
            encode_note(Note(signed.text, signed.signatures[1:])), ORIGIN, LOG, parse_policy(EXAMPLE)
        )


def test_another_log_is_refused() -> None:
    with pytest.raises(NoteSignatureError):
        verify_cosigned(cosigned(NAMES), "log.example/other", None, parse_policy(EXAMPLE))
    with pytest.raises(CheckpointError):
        verify_cosigned(cosigned(NAMES), "log.example/other", LOG, parse_policy(EXAMPLE))


def test_a_forged_line_of_one_witness_refuses_the_checkpoint_even_with_a_quorum() -> None:
    signed = parse_note(cosigned(("X1", "X2", "Y1")))
    forged = NoteSignature(
        "witness.example/Y2", cosigner("witness.example/Y2", key_of("Y2")).key_hash, bytes(72)
    )
    note = Note(signed.text, (*signed.signatures, forged))
    with pytest.raises(NoteSignatureError):
        verify_cosigned(encode_note(note), ORIGIN, LOG, parse_policy(EXAMPLE))
    assert encode_checkpoint(CHECKPOINT) == signed.text
