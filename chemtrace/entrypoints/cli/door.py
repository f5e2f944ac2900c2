"""Where a command hands in statements: at the server that runs, by HTTP, or else into the ledger itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

import typer

from chemtrace.core.errors import ChemtraceError
from chemtrace.core.receipt import Receipt
from chemtrace.entrypoints.cli.options import load_settings

if TYPE_CHECKING:
    from chemtrace.bootstrap import Application
    from chemtrace.core.keys import PublicKey
    from chemtrace.ledger.outcome import Outcome

MAX_LINES: Final = 1000
MAX_BYTES: Final = 8 * 1024 * 1024

URL = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="talk to this server instead of the data folder / 服务器地址"),
]
Token = Annotated[
    str | None,
    typer.Option("--token", envvar="CHEMTRACE_TOKEN", help="bearer token for reading there / 读取令牌"),
]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one statement: a receipt (with its wire form, to be kept), or the error that refuses it."""

    receipt: Receipt | None = None
    signed: Mapping[str, str] | None = None
    duplicate: bool = False
    error: ChemtraceError | None = None

    def require(self) -> Receipt:
        """The receipt; raises the error of a refused statement."""
        if self.error is not None:
            raise self.error
        if self.receipt is None:
            raise ChemtraceError("neither a receipt nor an error came back")
        return self.receipt

    def as_json(self) -> dict[str, Any]:
        """`{admitted, duplicate, event, index, findings, late, received, receipt}` or `{admitted, problem}`."""
        if self.error is not None:
            return {"admitted": False, "problem": self.error.problem()}
        receipt = self.require()
        return {
            "admitted": True,
            "duplicate": self.duplicate,
            "event": receipt.event,
            "index": receipt.index,
            "findings": list(receipt.findings),
            "late": receipt.late,
            "received": receipt.received,
            "receipt": dict(self.signed or {}),
        }


class Door(Protocol):
    """Takes statements and tells heads."""

    @property
    def application(self) -> Application | None:
        """The ledger's data folder, opened; None where only an address is known."""
        ...

    def submit(self, wires: Sequence[bytes]) -> list[Answer]:
        """Hand in statements in their order; one answer for each."""
        ...

    def heads(self, subjects: Sequence[str]) -> dict[str, str | None]:
        """Event id of each subject's head in hex, None for one without events."""
        ...


@contextmanager
def opened_door(data: Path | None, url: str | None = None, token: str | None = None) -> Iterator[Door]:
    """Open the way in: `url` where given, else the server that holds the data folder's lock, else the ledger.

    Raises:
        LedgerLockedError: another process writes and does not serve; LedgerMissingError: no ledger there.
    """
    from chemtrace.bootstrap import open_application, running_server

    if url is not None:
        with _remote(url, token, None) as remote:
            yield remote
        return
    settings = load_settings(data)
    server = running_server(settings.data_dir)
    application = open_application(settings, read_only=server is not None)
    try:
        if server is None:
            try:
                yield _LocalDoor(application)
            finally:
                # Also after a refusal: what was admitted before it shall be published.
                application.ledger.publish()
        else:
            # Without the token: it is for the address that was typed, and whoever left one in the lock file needs none.
            with _remote(server, None, application) as remote:
                yield remote
    finally:
        application.close()


class _LocalDoor:
    """The ledger in this process."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def submit(self, wires: Sequence[bytes]) -> list[Answer]:
        return [_answer_of(outcome) for outcome in self.application.ledger.submit_many(wires)]

    def heads(self, subjects: Sequence[str]) -> dict[str, str | None]:
        return _events_of(self.application.reads.heads(list(subjects)))


@contextmanager
def _remote(url: str, token: str | None, application: Application | None) -> Iterator[_RemoteDoor]:
    from scanners.wire_http import LedgerHTTP

    http = LedgerHTTP(url, token)
    try:
        yield _RemoteDoor(http, application)
    finally:
        http.close()


class _RemoteDoor:
    """A server, reached by HTTP; receipts are verified where the data folder tells the receipt key."""

    def __init__(self, http: Any, application: Application | None) -> None:
        self._http = http
        self.application = application
        self._key = None if application is None else _receipt_key(application)

    def submit(self, wires: Sequence[bytes]) -> list[Answer]:
        answers: list[Answer] = []
        for chunk in chunks(wires):
            body = self._http.post("/v1/events/batch", b"\n".join(chunk), "application/x-ndjson").body
            answers += _lines_of(body, len(chunk), self._key)
        return answers

    def heads(self, subjects: Sequence[str]) -> dict[str, str | None]:
        if self.application is not None:
            return _events_of(self.application.reads.heads(list(subjects)))
        import orjson

        wanted = orjson.dumps({"subjects": list(subjects)})
        return _events_of(self._http.post("/v1/heads", wanted).as_object().get("heads", {}))


def chunks(wires: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Cut statements into batches within the server's limits, order kept."""
    chunk: list[bytes] = []
    size = 0
    for wire in wires:
        if chunk and (len(chunk) >= MAX_LINES or size + len(wire) + 1 > MAX_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(wire)
        size += len(wire) + 1
    if chunk:
        yield chunk


def _events_of(heads: Mapping[str, Any]) -> dict[str, str | None]:
    return {subject: None if head is None else str(head["event"]) for subject, head in heads.items()}


def _receipt_key(application: Application) -> PublicKey | None:
    record = application.registry.books.newest_key("receipt")
    return None if record is None else record.public_key


def _answer_of(outcome: Outcome) -> Answer:
    from chemtrace.core.base64url import encode_base64url
    from chemtrace.core.receipt import parse_receipt
    from chemtrace.ledger.outcome import Refused

    if isinstance(outcome, Refused):
        return Answer(error=outcome.error)
    signed = {
        "kid": outcome.kid.hex(),
        "receipt": encode_base64url(outcome.receipt_bytes),
        "signature": encode_base64url(outcome.signature),
    }
    return Answer(parse_receipt(outcome.receipt_bytes), signed, outcome.duplicate)


def _lines_of(body: bytes, count: int, key: PublicKey | None) -> list[Answer]:
    import orjson

    from chemtrace.core.errors import ServerAnswerError

    try:
        lines = [orjson.loads(line) for line in body.split(b"\n") if line.strip()]
    except orjson.JSONDecodeError as error:
        raise ServerAnswerError("The batch's answer is malformed; send the same batch again.") from error
    if len(lines) != count:
        raise ServerAnswerError("The batch's answer leaves out lines.", expected=count, found=len(lines))
    try:
        return [_line_of(line, key) for line in lines]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ServerAnswerError("The batch's answer is malformed; send the same batch again.") from error


def _line_of(line: Mapping[str, Any], key: PublicKey | None) -> Answer:
    import orjson

    from chemtrace.core.errors import ServerUnavailableError
    from chemtrace.core.receipt import parse_receipt, parse_signed_receipt, verify_signed_receipt
    from scanners.wire_http import refusal_of

    status, problem = int(line["status"]), line.get("problem")
    if isinstance(problem, dict):
        if status >= 500:
            detail = str(problem.get("detail"))
            return Answer(
                error=ServerUnavailableError(f"The ledger could not take this now: {detail}", remote=problem)
            )
        return Answer(error=refusal_of(status, problem))
    signed = {name: str(line[name]) for name in ("kid", "receipt", "signature")}
    wire = orjson.dumps(signed)
    if key is None:
        receipt = parse_receipt(parse_signed_receipt(wire).receipt_bytes)
    else:
        receipt = verify_signed_receipt(wire, key)
    return Answer(receipt, signed, duplicate=status == 200)
