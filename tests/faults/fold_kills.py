"""A ledger whose writer is killed again and again, and what must hold of it all the time."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from chemtrace.adapters.keys.vault import VAULT_FILE, VAULT_FOLDER, load_last_signed
from chemtrace.adapters.sql.engine import Database
from chemtrace.bootstrap import init_ledger, maintenance, open_application
from chemtrace.config import Settings
from chemtrace.core.checkpoint import parse_checkpoint
from chemtrace.core.credit_code import make_credit_code
from chemtrace.core.entry import is_epoch_header, parse_entry
from chemtrace.core.epoch import parse_epoch
from chemtrace.core.header import parse_header
from chemtrace.core.key_files import encode_private_pem
from chemtrace.core.keys import generate_key, make_key_request
from chemtrace.core.map_pages import SparseMap
from chemtrace.core.merkle import MemoryTree
from chemtrace.core.note import parse_note
from chemtrace.core.sparse_map import map_key
from chemtrace.core.subject_tree import SubjectTree
from tests.faults.forked_writer import PHASES

ROOT = Path(__file__).resolve().parents[2]
AUTHORITY = make_credit_code("11110000MB0000001")
MAKER = make_credit_code("91110000MA0000011")
ORIGIN = "log.test/folds"
DRUMS = 40
LONGEST_LIFE_S = 0.25
LONGEST_WAIT_S = 2.0
MOST_CALLS = {"admit": 400, "integrate": 3000, "publish": 120, "vault": 80}
"""Calls into the files of a phase within which a life ends: some epochs, or some groups."""


def found(folder: Path, url: str = "") -> Settings:
    """A founded ledger with one enterprise, its key beside, and some codes."""
    settings = Settings(data_dir=folder, database_url=url)
    init_ledger(
        settings, authority_name_zh="测试局", authority_name_en="Test Bureau", credit_code=AUTHORITY,
        origin=ORIGIN, label_host="LABEL.TEST",
    )  # fmt: skip
    application = open_application(settings)
    office = application.authority
    office.register_enterprise(MAKER, name_zh="厂", name_en="Maker", roles=("producer",), issuer="7K2M")
    key = generate_key("ed25519")
    office.register_key(make_key_request(key, MAKER, "enterprise"))
    batch = office.issue(batch="B-1", enterprise=MAKER, kind="P", slot="005", count=DRUMS, seal_year=2026)
    codes = office.codes(kind="P", slot="005", issuer=batch.issuer, start=0, count=DRUMS)
    (folder / "maker.pem").write_bytes(encode_private_pem(key))
    (folder / "maker.txt").write_text(" ".join([MAKER, *codes]))
    application.close()
    return settings


@dataclass
class Told:
    """Everything that the lives said before they ended."""

    receipts: dict[int, str] = field(default_factory=dict)
    checkpoints: dict[int, str] = field(default_factory=dict)
    ready_ms: list[float] = field(default_factory=list)
    deaths: Counter[str] = field(default_factory=Counter)

    def take(self, path: Path, *, own_hand: bool) -> None:
        """Read what a life wrote; an index or a size is never told twice with different content."""
        died = "from outside"
        for line in path.read_bytes().split(b"\n")[:-1]:
            said: dict[str, Any] = json.loads(line)
            assert "error" not in said, said
            died = said.get("died", died)
            # A life that counts its own calls is slow to get ready, which says nothing.
            self.ready_ms += [said["ready_ms"]] if "ready_ms" in said and not own_hand else []
            for index, receipt in said.get("acknowledged", ()):
                assert self.receipts.setdefault(index, receipt) == receipt
            if "checkpoint" in said:
                size, root = said["checkpoint"]
                assert self.checkpoints.setdefault(size, root) == root, f"two checkpoints of size {size}"
        self.deaths[died.partition(":")[0]] += 1


def kill_often(settings: Settings, told: Told, kills: int, chance: random.Random) -> None:
    """Let lives begin and end: two in three by their own hand inside a phase, the others from outside at any time."""
    command = [
        sys.executable,
        "-m",
        "tests.faults.forked_writer",
        str(settings.data_dir),
        settings.database_url,
    ]
    # Processes that checked signatures for a killed writer complain about it there.
    complaints = settings.data_dir / "complaints.txt"
    with (
        complaints.open("ab") as log,
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, stderr=log
        ) as parent,
    ):
        assert parent.stdin is not None
        assert parent.stdout is not None
        for _ in range(kills):
            out = settings.data_dir / "said.jsonl"
            out.unlink(missing_ok=True)
            phase = chance.choice([*PHASES, *PHASES, *([None] * len(PHASES))])
            after = chance.randint(1, MOST_CALLS[phase]) if phase else 0
            life = {"out": str(out), "phase": phase, "after": after, "seed": chance.random()}
            parent.stdin.write(json.dumps(life).encode() + b"\n")
            parent.stdin.flush()
            pid = int(parent.stdout.readline())
            _wait_for_first_word(out)
            wait_s = chance.uniform(0, LONGEST_LIFE_S) if phase is None else LONGEST_WAIT_S
            if not select.select([parent.stdout], [], [], wait_s)[0]:
                # Not ended yet, so not reaped yet: the number is still its own.
                os.kill(pid, signal.SIGKILL)
            assert int(parent.stdout.readline()) == signal.SIGKILL, out.read_text()[-500:]
            told.take(out, own_hand=phase is not None)


def _wait_for_first_word(out: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (out.exists() and out.stat().st_size):
        time.sleep(0.002)


def check_survival(settings: Settings, told: Told) -> None:
    """Nothing acknowledged is lost, no checkpoint forks, every map root is the fold of what stands before it."""
    assert maintenance.audit_ledger(database_url=settings.database_url, data_dir=settings.data_dir).verified
    database = Database(settings.database_url, read_only=True)
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT idx, leaf, body, receipt FROM entry ORDER BY idx").all()
        notes = connection.exec_driver_sql("SELECT size, note FROM checkpoint").all()
    database.close()
    assert [row[0] for row in rows] == list(range(len(rows)))
    lost = {
        index for index, receipt in told.receipts.items() if bytes(rows[index][3] or b"").hex() != receipt
    }
    assert not lost, f"acknowledged and lost: {sorted(lost)[:10]}"
    tree = MemoryTree(bytes(row[1]) for row in rows)
    signed = dict(told.checkpoints)
    for size, note in notes:
        root = parse_checkpoint(parse_note(bytes(note)).text, ORIGIN).root.hex()
        assert signed.setdefault(size, root) == root
    last = load_last_signed(settings.data_dir / VAULT_FOLDER / VAULT_FILE)
    assert last is not None
    assert signed.setdefault(last[0], last[1].hex()) == last[1].hex()
    for size, root in signed.items():
        assert tree.root(size).hex() == root, f"the checkpoint of size {size} is a fork"
    _check_folds([(index, bytes(leaf), bytes(body)) for index, leaf, body, _ in rows])


def check_rebuild(settings: Settings) -> None:
    """What is a fold of the entries comes back byte for byte when it is dropped and made again."""
    before = _folds(settings.database_url)
    assert all(before.values())
    maintenance.rebuild_ledger(database_url=settings.database_url, data_dir=settings.data_dir)
    assert before == _folds(settings.database_url)


def _folds(url: str) -> dict[str, list[tuple[object, ...]]]:
    database = Database(url, read_only=True)
    orders = {"tile": "level, n", "subject_tree": "subject", "map_page": "path, version"}
    with database.read() as connection:
        found = {
            table: [
                tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY {order}")
            ]
            for table, order in orders.items()
        }
    database.close()
    return found


def _check_folds(entries: list[tuple[int, bytes, bytes]]) -> None:
    trees: dict[str, SubjectTree] = {}
    map_, changed = SparseMap(lambda _: None, cache_pages=1 << 30), set[str]()
    for index, leaf, body in entries:
        header = parse_entry(body).header_bytes
        if is_epoch_header(header):
            root = map_.update({map_key(name): sha256(trees[name].value()).digest() for name in changed})
            assert parse_epoch(header).map_root == root.hex(), index
            changed.clear()
        else:
            for subject in parse_header(header).subjects:
                trees.setdefault(subject.id, SubjectTree()).append(index, leaf)
                changed.add(subject.id)
