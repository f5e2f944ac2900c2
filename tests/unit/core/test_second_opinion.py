"""Two libraries over one signature: they agree on every borrowed edge case, and a difference is named."""

import json

import pytest

from chemtrace.core import second_opinion
from chemtrace.core.algorithms import PublicKey
from chemtrace.core.errors import SignatureInvalidError, VerifiersDisagreeError
from chemtrace.core.keys import generate_key
from chemtrace.core.second_opinion import verify_twice
from chemtrace.core.types import KeyId
from tests.specimens import ED25519, P256, SM2


@pytest.mark.parametrize("key", [ED25519, P256, SM2], ids=lambda key: key.public.alg)
def test_a_good_signature_is_taken_by_all(key):
    verify_twice(key.public, b"message", key.sign(b"message"))


@pytest.mark.parametrize("key", [ED25519, P256, SM2], ids=lambda key: key.public.alg)
def test_a_signature_over_something_else_is_refused_by_all(key):
    with pytest.raises(SignatureInvalidError):
        verify_twice(key.public, b"other", key.sign(b"message"))


@pytest.mark.parametrize("size", [0, 31, 63, 65])
def test_a_signature_of_another_length_is_refused_by_all(size):
    with pytest.raises(SignatureInvalidError):
        verify_twice(ED25519.public, b"message", bytes(size))


def test_what_one_library_takes_and_the_other_refuses_is_named_with_its_bytes(monkeypatch):
    monkeypatch.setitem(second_opinion._SECOND, "ed25519", lambda *_: None)
    key = generate_key("ed25519", b"a key of two opinions, 32 bytes.")
    with pytest.raises(VerifiersDisagreeError) as raised:
        verify_twice(key.public, b"message", bytes(64))
    assert bytes(64) == raised.value.fields["signature"]
    assert (raised.value.fields["first"], raised.value.fields["second"]) == (False, True)


def test_both_libraries_agree_on_every_edge_case_of_mixed_and_low_order_points(shared):
    folder = shared / "vectors" / "ed25519-edge-cases"
    if not folder.exists():
        pytest.skip("the vectors are not beside this checkout")
    cases = json.loads(next(folder.rglob("*.json")).read_bytes())
    for case in cases:
        key = PublicKey("ed25519", bytes.fromhex(case["key"]), b"", KeyId(bytes(32)))
        try:
            verify_twice(key, case["msg"].encode(), bytes.fromhex(case["sig"]))
        except SignatureInvalidError:
            continue
    assert len(cases) >= 900
