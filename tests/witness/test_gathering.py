"""A real ledger and its witnesses over HTTP: k of n, one down, one lying, one forging, one behind, one ahead."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

from chemtrace.adapters.http.witness_client import HTTPWitnessCaller
from chemtrace.adapters.sql.engine import Database
from chemtrace.adapters.sql.store import SQLStore
from chemtrace.bootstrap import Application, open_application
from chemtrace.bootstrap.witnessing import create_identity, load_identity
from chemtrace.config import Settings
from chemtrace.core.checkpoint import parse_checkpoint
from chemtrace.core.cosignature import cosigner, parse_witness_vkey
from chemtrace.core.errors import (
    CheckpointMissingError,
    ChemtraceError,
    EntryUnknownError,
    PolicyUnmetError,
    SettingError,
    WitnessUnavailableError,
)
from chemtrace.core.keys import generate_key
from chemtrace.core.note import NoteSignature, encode_signature_lines, parse_note, parse_vkey
from chemtrace.core.policy import Cosigned, Policy, parse_policy, verify_cosigned
from tests.databases import PostgreSQLDatabases
from tests.seeded_ledger import ORIGIN, Seeded, seed_ledger, serving, settings_of
from tests.witness.log import Log, served_app, standing

NAMES = ("A", "B", "C")
PATIENCE_S = 15


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    """A ledger, founded once and copied by nobody: each test goes on where the one before left it."""
    return seed_ledger(tmp_path_factory.mktemp("ledger") / "data", codes=5)


@dataclass
class Town:
    """A ledger that is open as its writer, under a policy of witnesses at work."""

    application: Application
    policy: Policy

    def publish(self) -> int:
        """Publish a new checkpoint and return its size."""
        checkpoint = self.application.ledger.publish(force=True)
        assert checkpoint is not None
        return checkpoint.size

    def served(self) -> tuple[int, bytes]:
        """Size and bytes of what is served as the newest checkpoint."""
        note = self.application.ledger.checkpoint()
        if note is None:
            raise CheckpointMissingError("nothing is served")
        return parse_checkpoint(parse_note(note).text).size, note

    def cosigned(self) -> Cosigned:
        """The newest checkpoint as somebody with the policy takes it."""
        return verify_cosigned(self.served()[1], ORIGIN, parse_vkey(self.application.log_vkey), self.policy)

    def health(self) -> dict[str, Any]:
        """What is told of the witnesses."""
        found = self.application.health()["witnesses"]
        assert isinstance(found, dict)
        return found


@contextmanager
def opened(
    founded: Seeded, urls: dict[str, str], vkeys: dict[str, str], *, quorum: str = "2", mode: str = "open"
) -> Iterator[Town]:
    """Open the ledger under a policy `quorum of A B C`."""
    lines = [f"witness {name} {vkeys[name]} {urls[name]}" for name in urls]
    text = "\n".join([*lines, f"group all-of-them {quorum} {' '.join(urls)}", "quorum all-of-them", ""])
    path = founded.folder.parent / "policy"
    path.write_text(text)
    changes = {"policy": path, "witness_mode": mode, "database_url": founded.settings.database_url}
    application = open_application(settings_of(founded.folder, **changes))
    try:
        application.start_publishing()
        yield Town(application, parse_policy(text))
    finally:
        application.close()


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something holds; the last error shows what did not."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            if condition():
                return
            failure: BaseException = AssertionError("it never became true")
        except ChemtraceError as error:
            failure = error
        if time.monotonic() > deadline:
            raise failure
        time.sleep(0.02)


def ledger_log(founded: Seeded) -> Any:
    """The log's key, as witnesses pin it."""
    return parse_vkey(founded.founded.log_vkey)


@contextmanager
def three(
    founded: Seeded, folder: Path, names: tuple[str, ...] = NAMES
) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Addresses and keys of honest witnesses; those not in `names` have a key and nobody at the address."""
    urls, vkeys = {}, {}
    with ExitStack() as stack:
        for name in NAMES:
            at = folder / name
            if not at.exists():
                create_identity(at, f"witness.test/{name}")
            # The second one stands with its post-quantum key.
            vkeys[name] = load_identity(at).vkeys[1 if name == "B" else 0]
            urls[name] = "http://127.0.0.1:9"
            if name in names:
                found = stack.enter_context(standing(at, f"witness.test/{name}", ledger_log(founded)))
                urls[name] = found.url
        yield urls, vkeys


def test_all_witnesses_cosign_and_everybody_is_served_their_lines(founded: Seeded, tmp_path: Path) -> None:
    with three(founded, tmp_path) as (urls, vkeys), opened(founded, urls, vkeys) as town:
        for _ in range(3):
            size = town.publish()
            wait_for(lambda: len(town.cosigned().cosignatures) == 3)
            assert town.served()[0] == size
        assert [one.verifier.name for one in town.cosigned().cosignatures] == [
            f"witness.test/{name}" for name in NAMES
        ]
        wait_for(lambda: town.health()["satisfied_size"] == size)
        assert town.health()["failing"] == {}
        with serving(town.application) as url:
            assert httpx.get(f"{url}/log/checkpoint").content == town.served()[1]
            assert httpx.get(f"{url}/readyz").json()["witnesses"]["satisfied"] is True
            sheet = town.application.witness_sheet(town.served()[1])
            assert sheet is not None
            assert (sheet.satisfied, [one.name for one in sheet.lines if one.time]) == (True, list(NAMES))
            token = town.application.tokens.create("reader", now_us=town.application.clock.now_us())[0]
            with httpx.Client(base_url=url, follow_redirects=True) as browser:
                # The page takes the token once and gives a cookie for it.
                browser.post("/desk/login", data={"token": token}, headers={"Origin": url})
                english, chinese = (browser.get(f"/desk/log?lang={lang}").text for lang in ("en", "zh"))
            assert "The witnesses asked for have cosigned" in english
            assert "见证已满足要求" in chinese
            assert "witness.test/A" in english
        proof = town.application.reads.prove(0)
        assert proof["checkpoint"].encode() == town.served()[1]


def test_one_witness_down_does_not_matter_and_is_named(founded: Seeded, tmp_path: Path) -> None:
    with three(founded, tmp_path, ("A", "C")) as (urls, vkeys), opened(founded, urls, vkeys) as town:
        town.publish()
        wait_for(lambda: len(town.cosigned().cosignatures) == 2)
        wait_for(lambda: town.health()["failing"] == {"B": "witness.unavailable"})


def test_without_quorum_an_open_ledger_serves_on_and_tells(founded: Seeded, tmp_path: Path) -> None:
    with three(founded, tmp_path, ("A",)) as (urls, vkeys), opened(founded, urls, vkeys) as town:
        size = town.publish()
        wait_for(lambda: len(parse_note(town.served()[1]).signatures) == 2)
        assert town.served()[0] == size
        with pytest.raises(PolicyUnmetError):
            town.cosigned()
        wait_for(lambda: set(town.health()["failing"]) == {"B", "C"})
        assert town.health()["satisfied"] is False


def test_without_quorum_a_required_one_serves_the_last_that_has_it(founded: Seeded, tmp_path: Path) -> None:
    with three(founded, tmp_path) as (urls, vkeys), opened(founded, urls, vkeys, mode="required") as town:
        before = town.publish()
        wait_for(lambda: town.served()[0] == before)
    with (
        three(founded, tmp_path, ("A",)) as (urls, vkeys),
        opened(founded, urls, vkeys, mode="required") as town,
    ):
        assert town.served()[0] == before
        after = town.publish()
        wait_for(lambda: town.health()["size"] == after and set(town.health()["failing"]) == {"B", "C"})
        assert (town.served()[0], town.health()["satisfied"]) == (before, False)
        assert len(town.cosigned().cosignatures) == 3
        with pytest.raises(EntryUnknownError):
            town.application.reads.prove(after - 1)


@pytest.mark.parametrize(
    "line",
    [
        f"log {Log(origin='log.test/other').verifier.vkey}\nquorum none\n",
        f"witness W {cosigner('w.test', generate_key('ed25519', bytes(32))).vkey} ftp://w.test/\nquorum W\n",
    ],
)
def test_a_policy_of_other_logs_or_of_strange_addresses_stops_the_start(
    founded: Seeded, tmp_path: Path, line: str
) -> None:
    path = tmp_path / "policy"
    path.write_text(line)
    application = open_application(settings_of(founded.folder, policy=path))
    try:
        with pytest.raises(SettingError):
            application.start_publishing()
    finally:
        application.close()


def test_a_mirror_that_is_no_witness_of_the_policy_stops_the_start(founded: Seeded, tmp_path: Path) -> None:
    path = tmp_path / "policy"
    path.write_text(
        f"witness W {cosigner('w.test', generate_key('ed25519', bytes(32))).vkey} http://w.test/\nquorum W\n"
    )
    application = open_application(settings_of(founded.folder, policy=path, mirrors=("university",)))
    try:
        with pytest.raises(SettingError, match="university") as caught:
            application.start_publishing()
        assert (("university",), ("W",)) == (caught.value.fields["found"], caught.value.fields["expected"])
    finally:
        application.close()


def test_stopping_waits_for_the_request_in_hand_alone(founded: Seeded, tmp_path: Path) -> None:
    """A witness that tells one size after the other would be asked again and again."""
    asked: list[float] = []

    def slowly(_: bytes) -> Response:
        asked.append(time.monotonic())
        time.sleep(3)
        return Response(f"{len(asked)}\n".encode(), 409)

    with lied_to(founded, tmp_path, slowly) as town:
        town.publish()
        wait_for(lambda: asked)
    assert len(asked) == 1


def test_a_required_policy_needs_a_file() -> None:
    with pytest.raises(SettingError, match="policy"):
        Settings(witness_mode="required")


def test_a_witness_that_comes_back_is_asked_again_and_the_log_is_as_it_left_it(
    founded: Seeded, tmp_path: Path
) -> None:
    with three(founded, tmp_path) as (urls, vkeys), opened(founded, urls, vkeys) as town:
        town.publish()
        wait_for(lambda: len(town.cosigned().cosignatures) == 3)
    # In between the ledger goes on without them; each is several checkpoints behind when it comes back.
    with opened(founded, dict.fromkeys(NAMES, "http://127.0.0.1:9"), vkeys) as town:
        town.publish()
        town.publish()
    with three(founded, tmp_path) as (urls, vkeys), opened(founded, urls, vkeys) as town:
        wait_for(lambda: len(town.cosigned().cosignatures) == 3)


def answering(answer: Callable[[bytes], Response]) -> Starlette:
    """A witness that answers whatever it likes."""

    async def add_checkpoint(request: Request) -> Response:
        return answer(await request.body())

    async def healthz(_: Request) -> Response:
        return Response("ok")

    return Starlette(
        routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"]), Route("/healthz", healthz)]
    )


LIAR = generate_key("ed25519", b"the key of a witness that lies..")


@contextmanager
def lied_to(founded: Seeded, folder: Path, answer: Callable[[bytes], Response]) -> Iterator[Town]:
    """Two honest witnesses and one that answers as it likes, two of three needed."""
    with three(founded, folder, ("A", "C")) as (urls, vkeys), served_app(answering(answer)) as url:
        changed = vkeys | {"B": cosigner("witness.test/B", LIAR).vkey}
        with opened(founded, urls | {"B": url}, changed) as town:
            yield town


def forged_forks(founded: Seeded) -> int:
    """How many pieces of evidence are stored."""
    database = Database(founded.settings.database_url, read_only=True)
    try:
        with SQLStore(database).read() as transaction:
            return len([one for one in transaction.forks() if one.code == "evidence.witness-forged"])
    finally:
        database.close()


def test_a_forged_line_is_never_served_and_kept_as_evidence_once(founded: Seeded, tmp_path: Path) -> None:
    verifier = cosigner("witness.test/B", LIAR)
    line = NoteSignature(verifier.name, verifier.key_hash, (2_000_000_000).to_bytes(8, "big") + bytes(64))
    before = forged_forks(founded)
    with lied_to(founded, tmp_path, lambda _: Response(encode_signature_lines([line]))) as town:
        town.publish()
        wait_for(lambda: town.health()["failing"] == {"B": "evidence.witness-forged"})
        wait_for(lambda: len(town.cosigned().cosignatures) == 2)
        town.publish()
        wait_for(lambda: len(town.cosigned().cosignatures) == 2)
        assert town.application.ledger.health()["writable"] is True
    assert forged_forks(founded) == before + 1


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: Response(b"", 200),
        lambda _: Response(b"\xff\xfe", 200),
        lambda _: Response("— witness.test/B AAAA\n".encode(), 200),
        lambda _: Response(b"x" * 1_000_000, 200),
        lambda _: Response(b"3\n", 409),
        lambda _: Response(b"3", 409),
        lambda _: Response(b"-3\n", 409),
        lambda _: Response(b"", 409),
        lambda _: Response(b"", 307, headers={"Location": "http://127.0.0.1:9/"}),
        lambda _: Response(b"", 500),
        lambda _: Response(b"", 422),
        lambda _: Response(b"", 503, headers={"Retry-After": "120"}),
    ],
)
def test_whatever_a_liar_answers_the_others_are_enough(
    founded: Seeded, tmp_path: Path, answer: Callable[[bytes], Response]
) -> None:
    with lied_to(founded, tmp_path, answer) as town:
        town.publish()
        wait_for(lambda: len(town.cosigned().cosignatures) == 2)
        wait_for(lambda: town.health()["failing"] == {"B": "witness.unavailable"})


def test_the_reason_of_a_mirror_that_refuses_is_told_cut_and_printable(
    founded: Seeded, tmp_path: Path
) -> None:
    body = b'{"code":"evidence.map","detail":"the map\\u001b[2J ' + b"x" * 5000 + b'","status":422}'
    with lied_to(founded, tmp_path, lambda _: Response(body, 422)) as town, capture_logs() as lines:
        town.publish()
        wait_for(lambda: town.health()["said"] == {"B": f"evidence.map: the map [2J {'x' * 188}"})
        assert {"B": "witness.unavailable"} == town.health()["failing"]
    told = [line for line in lines if line["event"] == "witness.failed"]
    assert [("error", "evidence.map")] == [(line["log_level"], line["fields"]["said_code"]) for line in told]


def test_a_witness_that_holds_more_than_we_ever_signed_tells_of_a_rollback(
    founded: Seeded, tmp_path: Path
) -> None:
    with lied_to(founded, tmp_path, lambda _: Response(b"1000000\n", 409)) as town:
        town.publish()
        wait_for(lambda: town.health()["failing"] == {"B": "evidence.rollback"})


def test_a_witness_that_holds_another_root_of_our_size_tells_of_a_split_view(
    founded: Seeded, tmp_path: Path
) -> None:
    def same_size(body: bytes) -> Response:
        return Response(body.split(b"\n\n")[1].split(b"\n")[1] + b"\n", 409)

    with lied_to(founded, tmp_path, same_size) as town:
        town.publish()
        wait_for(lambda: town.health()["failing"] == {"B": "evidence.split-view"})


def test_a_slow_witness_holds_nobody_up(founded: Seeded, tmp_path: Path) -> None:
    def slow(_: bytes) -> Response:
        time.sleep(4)
        return Response(b"", 500)

    with lied_to(founded, tmp_path, slow) as town:
        for _ in range(3):
            began = time.monotonic()
            town.publish()
            wait_for(lambda: len(town.cosigned().cosignatures) == 2)
            assert time.monotonic() - began < 3.5


def test_the_client_does_not_follow_redirects_and_bounds_answers() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/far/add-checkpoint":
            return httpx.Response(302, headers={"Location": "http://elsewhere.test/"})
        return httpx.Response(200, content=b"x" * 300_000)

    caller = HTTPWitnessCaller(transport=httpx.MockTransport(handle))
    assert caller.send("http://w.test/far/", b"").status == 302
    with pytest.raises(WitnessUnavailableError):
        caller.send("http://w.test/near", b"")


def test_a_witness_of_a_log_that_was_shown_a_fork_keeps_the_proof(founded: Seeded, tmp_path: Path) -> None:
    """The whole attack: the operator's key signs a second history, and the witness has seen the first one."""
    log = Log()
    create_identity(tmp_path / "w", "witness.test/W")
    with standing(tmp_path / "w", "witness.test/W", log.verifier) as witness:
        assert witness.ask(log.request(0, 7)).status_code == 200
        assert witness.ask(Log(leaf="second history").request(7, 7)).status_code == 409
        shown = httpx.get(f"{witness.url}/evidence").json()["evidence"]
    sizes = {parse_checkpoint(parse_note(shown[0][side].encode()).text).size for side in ("first", "second")}
    assert sizes == {7}
    assert parse_witness_vkey(witness.witness.vkeys[0]).name == "witness.test/W"


@pytest.mark.postgres
def test_cosignatures_are_gathered_and_served_from_postgresql_too(
    postgresql_databases: PostgreSQLDatabases, tmp_path: Path
) -> None:
    seeded = seed_ledger(tmp_path / "data", codes=5, database_url=postgresql_databases.create())
    with three(seeded, tmp_path) as (urls, vkeys), opened(seeded, urls, vkeys, mode="required") as town:
        size = town.publish()
        wait_for(lambda: town.served()[0] == size and len(town.cosigned().cosignatures) == 3)
        # Whoever reads beside the server is shown the same.
        again = open_application(town.application.settings, read_only=True)
        try:
            assert again.ledger.checkpoint() == town.served()[1]
        finally:
            again.close()
