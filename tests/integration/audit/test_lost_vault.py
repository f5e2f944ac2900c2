"""A vault that lost its memory: nothing is signed until the operator says which head was published."""

from __future__ import annotations

import json
import shutil
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from chemtrace.adapters.keys.vault import VAULT_FILE, VAULT_FOLDER, load_last_signed
from chemtrace.bootstrap import InitResult, init_ledger, open_application
from chemtrace.config import Settings
from chemtrace.core.checkpoint import Checkpoint
from chemtrace.core.errors import CheckpointForkError, VaultLostError
from tests.cli.shell import run
from tests.integration.audit.town import AUTHORITY


@pytest.fixture
def founded(tmp_path: Path) -> InitResult:
    """A ledger as `chemtrace init` leaves it."""
    return init_ledger(
        Settings(data_dir=tmp_path / "data"),
        authority_name_zh="测试局",
        authority_name_en="Test bureau",
        credit_code=AUTHORITY,
        origin="log.test/lost-vault",
        label_host="cx.example.cn",
    )


@pytest.fixture
def data(founded: InitResult) -> Path:
    return Path(founded.data_dir)


def publish(data: Path) -> Checkpoint:
    """Open the ledger, publish one more epoch, close it."""
    application = open_application(Settings(data_dir=data))
    try:
        checkpoint = application.ledger.publish(force=True)
    finally:
        application.close()
    assert checkpoint is not None
    return checkpoint


def lose_vault(data: Path) -> None:
    shutil.rmtree(data / VAULT_FOLDER)


def accept(data: Path, size: int, root: str) -> tuple[int, dict[str, object]]:
    told = run("db", "accept-head", "--size", str(size), "--root", root, "--data", str(data), "--json")
    return told.code, json.loads(told.out or told.err)


def test_a_ledger_with_checkpoints_does_not_start_without_the_vaults_memory(data: Path) -> None:
    lose_vault(data)
    with pytest.raises(VaultLostError) as caught:
        open_application(Settings(data_dir=data))
    assert caught.value.fields["signed_size"] == 6
    assert not (data / VAULT_FOLDER).exists()


def test_an_older_copy_of_the_ledger_without_the_vault_signs_no_second_history(data: Path) -> None:
    older = (data / "ledger.db").read_bytes()
    publish(data)
    (data / "ledger.db").write_bytes(older)
    lose_vault(data)
    with pytest.raises(VaultLostError):
        publish(data)


def test_a_running_writer_signs_nothing_once_the_memory_is_gone(data: Path) -> None:
    application = open_application(Settings(data_dir=data))
    try:
        lose_vault(data)
        with pytest.raises(VaultLostError):
            application.ledger.publish(force=True)
    finally:
        application.close()


@pytest.mark.parametrize("spell", [bytes.hex, lambda root: b64encode(root).decode()])
def test_the_ledger_goes_on_from_the_head_that_the_operator_confirmed(
    data: Path, spell: Callable[[bytes], str]
) -> None:
    published = publish(data)
    lose_vault(data)
    code, told = accept(data, published.size, spell(published.root))
    assert (code, told) == (0, {"size": published.size, "root": published.root.hex()})
    assert publish(data).size == published.size + 1


def test_a_smaller_head_than_the_ledgers_own_newest_is_not_what_the_vault_remembers(data: Path) -> None:
    first, second = publish(data), publish(data)
    lose_vault(data)
    code, told = accept(data, first.size, first.root.hex())
    assert (code, told["size"], told["root"]) == (0, second.size, second.root.hex())


def test_a_head_that_this_ledger_does_not_hold_is_not_accepted(data: Path) -> None:
    older = (data / "ledger.db").read_bytes()
    published = publish(data)
    lose_vault(data)
    assert accept(data, published.size, "00" * 32)[1]["code"] == CheckpointForkError.code
    (data / "ledger.db").write_bytes(older)
    assert accept(data, published.size, published.root.hex())[1]["code"] == CheckpointForkError.code
    assert load_last_signed(data / VAULT_FOLDER / VAULT_FILE) is None


def test_a_vault_that_has_its_memory_accepts_no_other(data: Path) -> None:
    first = publish(data)
    second = publish(data)
    assert accept(data, first.size, first.root.hex())[1]["code"] == "vault.memory"
    assert load_last_signed(data / VAULT_FOLDER / VAULT_FILE) == (second.size, second.root)


def test_no_head_is_accepted_beside_a_running_writer(data: Path) -> None:
    published = publish(data)
    application = open_application(Settings(data_dir=data))
    try:
        lose_vault(data)
        assert accept(data, published.size, published.root.hex())[1]["code"] == "ledger.locked"
    finally:
        application.close()


@pytest.mark.parametrize("root", ["", "zz" * 32, "00" * 31, "AA==", "A" * 43 + "B"])
def test_what_is_no_root_is_refused_as_such(data: Path, root: str) -> None:
    told = run("db", "accept-head", "--size", "6", "--root", root, "--data", str(data))
    assert told.code == 2


def test_the_command_says_what_accepting_means_in_both_languages(data: Path) -> None:
    published = publish(data)
    lose_vault(data)
    told = run(
        "db",
        "accept-head",
        "--size",
        str(published.size),
        "--root",
        published.root.hex(),
        "--data",
        str(data),
    )
    assert "分叉" in told.out
    assert "forks the log" in told.out
