"""The adapters around the ledger: vault, key files, clocks, logs."""

import io
import json
import logging
import os

import pytest
import structlog

from chemtrace.adapters.clock import DemoClock, SystemClock
from chemtrace.adapters.keys.files import load_private_key, load_secret, store_private_key, store_secret
from chemtrace.adapters.keys.signers import KeyReceiptSigner
from chemtrace.adapters.keys.vault import FileVault
from chemtrace.adapters.logs import HIDDEN, configure_logs
from chemtrace.core.algorithms import verify
from chemtrace.core.errors import (
    CheckpointForkError,
    KeyFileMissingError,
    KeyFileModeError,
    LedgerExistsError,
    LedgerLockedError,
    SettingError,
)
from chemtrace.core.keys import generate_key
from chemtrace.core.merkle import MemoryTree, consistency_path, hash_leaf

KEY = generate_key("ed25519", b"only for these tests, thirty-two bytes")
ORIGIN = "log.test/edges"


def tree(size, salt=b""):
    return MemoryTree(hash_leaf(salt + bytes([n])) for n in range(size))


def sign(vault, tree_, size, old_size=None):
    path = consistency_path(old_size, size, tree_.node) if old_size else ()
    return vault.sign(origin=ORIGIN, size=size, root=tree_.root(size), path=path)


@pytest.fixture
def vault(tmp_path):
    return FileVault(KEY, tmp_path / "vault" / "log.vault")


def test_the_vault_signs_a_tree_that_grows_and_remembers_it(vault, tmp_path):
    log = tree(9)
    sign(vault, log, 4)
    sign(vault, log, 9, 4)
    again = FileVault(KEY, tmp_path / "vault" / "log.vault")
    assert (9, bytes(log.root(9))) == again.last_signed()
    assert 0o600 == (tmp_path / "vault" / "log.vault").stat().st_mode & 0o777


def test_the_vault_signs_the_same_tree_again(vault):
    """After a crash between signing and storing."""
    log = tree(4)
    assert sign(vault, log, 4) == sign(vault, log, 4)


def test_the_vault_refuses_a_smaller_tree(vault):
    log = tree(9)
    sign(vault, log, 9)
    with pytest.raises(CheckpointForkError):
        sign(vault, log, 4)
    assert vault.last_signed()[0] == 9


def test_the_vault_refuses_another_tree_of_the_same_or_larger_size(vault):
    sign(vault, tree(4), 4)
    other = tree(9, b"other")
    with pytest.raises(CheckpointForkError):
        sign(vault, other, 4)
    with pytest.raises(CheckpointForkError):
        sign(vault, other, 9, 4)


def test_the_vault_refuses_to_guess_what_a_damaged_file_said(vault, tmp_path):
    sign(vault, tree(4), 4)
    (tmp_path / "vault" / "log.vault").write_text("{")
    with pytest.raises(CheckpointForkError):
        sign(vault, tree(9), 9, 4)


def test_two_processes_never_sign_with_one_vault_at_once(vault, tmp_path, monkeypatch):
    """Else the smaller of two trees could be remembered last, and a copy of the log fork behind it."""
    log, other = tree(9), FileVault(KEY, tmp_path / "vault" / "log.vault")

    def remember(size, root):
        with pytest.raises(LedgerLockedError):
            sign(other, log, 9)
        FileVault._remember(vault, size, root)

    monkeypatch.setattr(vault, "_remember", remember)
    sign(vault, log, 4)
    assert vault.last_signed()[0] == 4
    sign(other, log, 9, 4)
    assert vault.last_signed()[0] == 9


@pytest.mark.parametrize("algorithm", ["ed25519", "p256", "sm2"])
def test_receipts_are_signed_as_the_key_would(algorithm):
    key = generate_key(algorithm)
    signer = KeyReceiptSigner(key)
    verify(key.public, b"a message", signer.sign(b"a message"))
    assert key.kid == signer.kid


def test_a_private_key_is_kept_for_its_owner_alone(tmp_path):
    path = tmp_path / "keys" / "log.pem"
    store_private_key(path, KEY)
    assert 0o600 == path.stat().st_mode & 0o777
    assert KEY.kid == load_private_key(path).kid


def test_refuses_a_key_that_others_can_read(tmp_path):
    path = tmp_path / "log.pem"
    store_private_key(path, KEY)
    path.chmod(0o640)
    with pytest.raises(KeyFileModeError):
        load_private_key(path)


def test_refuses_a_key_file_that_is_missing(tmp_path):
    with pytest.raises(KeyFileMissingError):
        load_secret(tmp_path / "none.pem")


def test_never_overwrites_a_secret(tmp_path):
    store_secret(tmp_path / "a", b"1")
    with pytest.raises(LedgerExistsError):
        store_secret(tmp_path / "a", b"2")
    assert b"1" == load_secret(tmp_path / "a")


def test_the_system_clock_stands_still_when_the_machine_goes_back(monkeypatch):
    clock = SystemClock()
    first = clock.now_us()
    monkeypatch.setattr("time.time_ns", lambda: 1000)
    assert clock.now_us() >= first


def test_the_demo_clock_is_for_the_demo_alone_and_goes_forward_only():
    with pytest.raises(SettingError):
        DemoClock(0, demo=False)
    clock = DemoClock(100, demo=True)
    assert clock.now_us() < clock.now_us()
    clock.move_to(1000)
    with pytest.raises(SettingError):
        clock.move_to(500)


@pytest.fixture
def lines():
    """Lines of the log pipeline; the process's own set-up is put back afterwards."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    configure_logs(level="DEBUG", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


SEAL = "2345678923"
CODE = "BJ1P0057K2MP7YRQ2RJ"


def test_seals_tokens_keys_and_openings_never_reach_a_line(lines):
    """By field name, by form inside text, in our records and in a library's."""
    log = structlog.get_logger("test")
    pem = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"
    log.info(
        "label.resolved", url=f"HTTPS://CX.EXAMPLE.CN/I/{CODE}{SEAL}", seal=SEAL, token="ctr_" + "x" * 43
    )
    log.info(
        "request", headers={"Authorization": "Bearer abc.def"}, note="Authorization: Bearer abc.def", pem=pem
    )
    log.info("statement", openings=[{"value": "a person"}], payload={"note": "a person"}, raw=b"a person")
    logging.getLogger("uvicorn.access").info("GET /i/%s%s HTTP/1.1", CODE.lower(), SEAL)
    text = json.dumps(lines())
    for secret in (SEAL, "x" * 43, "abc.def", "abc\\\\n", "a person"):
        assert secret not in text
    assert CODE in text
    assert HIDDEN in text


def test_every_record_is_one_line_of_json_with_time_and_level(lines):
    structlog.get_logger("test").warning("one", n=1)
    logging.getLogger("library").error("two")
    first, second = lines()
    assert ("one", 1, "warning") == (first["event"], first["n"], first["level"])
    assert ("two", "error") == (second["event"], second["level"])
    assert {"timestamp"} <= first.keys() & second.keys()


def test_secrets_are_not_world_readable_even_for_a_moment(tmp_path):
    """The mode is given at creation, whatever the umask."""
    before = os.umask(0)
    try:
        store_secret(tmp_path / "s", b"1")
    finally:
        os.umask(before)
    assert 0o600 == (tmp_path / "s").stat().st_mode & 0o777
