"""A log in memory for the tests of witnesses: its checkpoints, proofs and requests, also those of a liar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import uvicorn

from chemtrace.bootstrap.witnessing import create_identity, opened_witness
from chemtrace.core.add_checkpoint import AddCheckpoint, encode_add_checkpoint
from chemtrace.core.checkpoint import Checkpoint, sign_checkpoint
from chemtrace.core.keys import PrivateKey, generate_key
from chemtrace.core.merkle import MemoryTree, consistency_path, hash_leaf
from chemtrace.core.note import NoteVerifier, make_verifier, parse_note
from chemtrace.entrypoints.server import open_socket, url_of
from chemtrace.entrypoints.witness.app import create_witness_app
from chemtrace.ledger.witness import Witness

ORIGIN = "log.test/witnessed"


@dataclass
class Log:
    """A growing tree with a key; two logs of one key and other leaves are a fork."""

    leaf: str = "entry"
    origin: str = ORIGIN
    key: PrivateKey = field(
        default_factory=lambda: generate_key("ed25519", b"the log of the witness tests 32b")
    )
    tree: MemoryTree = field(default_factory=MemoryTree)

    @property
    def verifier(self) -> NoteVerifier:
        """Its key, as witnesses pin it."""
        return make_verifier(self.origin, self.key.public.raw)

    def checkpoint(self, size: int) -> bytes:
        """The signed checkpoint of a size; leaves are made as needed."""
        while self.tree.size < size:
            self.tree.append(hash_leaf(f"{self.leaf} {self.tree.size}".encode()))
        return sign_checkpoint(Checkpoint(self.origin, size, self.tree.root(size)), self.key)

    def request(self, old: int, new: int) -> bytes:
        """The body that asks a witness on from `old` to `new`."""
        note = parse_note(self.checkpoint(new))
        path = consistency_path(old, new, self.tree.node) if 0 < old <= new else ()
        return encode_add_checkpoint(AddCheckpoint(old, path, note))


@contextmanager
def served_app(app: Any) -> Iterator[str]:
    """Serve an ASGI application on a free port of this machine; gives its address."""
    listener = open_socket("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=2))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # a thread takes no signals
    thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        url = url_of(listener)
        httpx.get(f"{url}/healthz", timeout=10)
        yield url
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@dataclass
class Standing:
    """A witness that is served."""

    witness: Witness
    url: str

    def ask(self, body: bytes) -> httpx.Response:
        """Send a request as it is."""
        return httpx.post(f"{self.url}/add-checkpoint", content=body, timeout=10)


@contextmanager
def standing(folder: Path, name: str, *logs: NoteVerifier) -> Iterator[Standing]:
    """Serve a witness from a folder, which is made when it is not there."""
    if not folder.exists():
        create_identity(folder, name)
    with opened_witness(folder, logs) as witness, served_app(create_witness_app(witness)) as url:
        yield Standing(witness, url)
