"""The registry as a fold: what it takes, what it refuses, and that a refusal changes nothing."""

import secrets

import msgspec
import pytest

from chemtrace.core.base64url import encode_base64url
from chemtrace.core.credit_code import make_credit_code
from chemtrace.core.errors import (
    CreditCodeError,
    EnterpriseUnknownError,
    KeyForeignError,
    KeyRoleError,
    KeyTakenError,
    KeyUnknownError,
    NotFoundError,
    PossessionError,
    RegistryConflictError,
    SealError,
    SPKIError,
)
from chemtrace.core.events import parse_payload
from chemtrace.core.keys import generate_key, make_key_request
from chemtrace.core.serials import issue_codes
from chemtrace.core.statement import build_statement
from chemtrace.registry import office
from chemtrace.registry.records import TABLES, decode_record, encode_record
from chemtrace.registry.seals import Seals
from chemtrace.registry.state import Registry

AUTHORITY = make_credit_code("11110000MB0000001")
MAKER = make_credit_code("91110000MA0000011")
OTHER = make_credit_code("91110000MA0000022")
MASTER = bytes(range(32))
NOW_US = 1_772_323_200_000_000
HOUR_US = 3_600_000_000


class World:
    """A registry and the authority that writes it."""

    def __init__(self) -> None:
        self.registry = Registry(MASTER)
        self.index = 0
        self.keys = {name: generate_key("ed25519") for name in ("authority", "recovery", MAKER, OTHER)}
        self.take(office.found_authority(self.by()))
        self.take(office.register_key(self.by(), request=self.request("recovery", AUTHORITY, "recovery")))
        self.enterprise(AUTHORITY, roles=("regulator",))
        self.enterprise(MAKER, issuer="7K2M")
        self.enterprise(OTHER)

    def by(self, name="authority"):
        return office.Signing(
            key=self.keys[name], enterprise=AUTHORITY, now_us=NOW_US, nonce=secrets.token_hex(16)
        )

    def request(self, name, party, role):
        return make_key_request(self.keys[name], party, role)

    def take(self, statement):
        header = statement.header
        payload = parse_payload(header.kind, header.phase, statement.payload_bytes)
        self.registry.check_signers(header, payload, index=self.index, log_time_us=NOW_US, iat_us=NOW_US)
        change = self.registry.apply(self.index, NOW_US, header, payload)
        self.index += 1
        return change

    def enterprise(self, code, phase="register", roles=("producer",), **more):
        return self.take(
            office.register_enterprise(
                self.by(), enterprise=code, name_zh="名", name_en="Name", roles=roles, phase=phase, **more
            )
        )

    def site(self, name="S-1", enterprise=MAKER, **more):
        return self.take(
            office.register_site(
                self.by(),
                site=name,
                enterprise=enterprise,
                name_zh="库",
                name_en="store",
                place=(1, 2),
                **more,
            )
        )

    def key(self, name=MAKER, role="enterprise", **more):
        return self.take(office.register_key(self.by(), request=self.request(name, name, role), **more))

    def issue(self, start=0, count=10, **more):
        facts = {"batch": f"B-{start}", "enterprise": MAKER, "issuer": "7K2M", "kind": "P", "slot": "005"}
        return self.take(
            office.issue_batch(
                self.by(), **{**facts, **more}, start=start, count=count, root=bytes(32), seal_year=2026
            )
        )


@pytest.fixture
def world():
    return World()


def documents(registry):
    books = registry.books
    all_ = (books.enterprises, books.sites, books.licences, books.devices, books.batches, books.keys)
    return {
        (at, name): encode_record(record) for at, book in enumerate(all_) for name, record in book.items()
    }


def refuses(world, error, action):
    """The action is refused, and the registry is what it was."""
    before = documents(world.registry)
    with pytest.raises(error):
        action()
    assert before == documents(world.registry)


def test_records_survive_their_way_through_the_store(world):
    world.site()
    world.key()
    world.issue()
    books = world.registry.books
    rows = [
        (table, name, decode_record(encode_record(record), TABLES[table]))
        for table, book in (
            ("enterprise", books.enterprises),
            ("site", books.sites),
            ("key", books.keys),
            ("batch", books.batches),
        )
        for name, record in book.items()
    ]
    again = Registry.from_records(sorted(rows, key=lambda row: row[2].last_index), MASTER)
    assert documents(world.registry) == documents(again)
    assert world.registry.authority == again.authority
    assert books.issued(("P", "005", "7K2M")) == again.books.issued(("P", "005", "7K2M"))


def test_refuses_a_party_registered_twice_or_updated_before(world):
    refuses(world, RegistryConflictError, lambda: world.enterprise(MAKER, issuer="7K2M"))
    unknown = make_credit_code("91110000MA0000033")
    refuses(world, EnterpriseUnknownError, lambda: world.enterprise(unknown, phase="update"))


def test_refuses_a_credit_code_with_a_wrong_check_sign(world):
    wrong = MAKER[:17] + ("1" if MAKER[17] != "1" else "2")
    statement = office.register_enterprise(
        world.by(), enterprise=MAKER, name_zh="名", name_en="Name", roles=("producer",)
    )
    payload = parse_payload("enterprise", "register", statement.payload_bytes)
    payload = msgspec.structs.replace(payload, enterprise=wrong)
    refuses(world, CreditCodeError, lambda: world.registry.apply(9, NOW_US, statement.header, payload))


def test_an_issuer_number_belongs_to_one_enterprise_for_ever(world):
    refuses(world, RegistryConflictError, lambda: world.enterprise(OTHER, phase="update", issuer="7K2M"))
    refuses(world, RegistryConflictError, lambda: world.enterprise(MAKER, phase="update", issuer="7K2N"))
    refuses(world, RegistryConflictError, lambda: world.enterprise(MAKER, phase="update"))
    world.enterprise(OTHER, phase="update", issuer="7K2N")
    assert OTHER == world.registry.books.issuers["7K2N"]


def test_a_site_stays_with_its_enterprise_and_ends_once(world):
    world.site()
    refuses(world, RegistryConflictError, world.site)
    refuses(world, RegistryConflictError, lambda: world.site(enterprise=OTHER, phase="update"))
    world.site(phase="close")
    refuses(world, NotFoundError, lambda: world.site(phase="update"))


def test_a_key_belongs_to_one_party(world):
    world.key()
    refuses(world, KeyTakenError, world.key)
    request = world.request(MAKER, OTHER, "enterprise")
    refuses(world, KeyTakenError, lambda: world.take(office.register_key(world.by(), request=request)))


def test_refuses_a_request_for_another_party_or_role(world):
    for party, role in ((OTHER, "enterprise"), (MAKER, "device")):
        statement = key_statement(world, request=world.request(MAKER, party, role))
        refuses(world, PossessionError, lambda statement=statement: world.take(statement))


def test_refuses_a_kid_that_is_not_the_digest_of_the_key(world):
    statement = key_statement(world, kid="0" * 64)
    refuses(world, SPKIError, lambda: world.take(statement))


def key_statement(world, *, request=None, kid=None):
    """key/register of the maker's key with parts of it changed."""
    key, by = world.keys[MAKER], world.by()
    kid = kid or key.kid.hex()
    payload = {
        "at": "2026-03-01T00:00:00Z", "nonce": by.nonce, "kid": kid, "party": MAKER, "role": "enterprise",
        "algorithm": "ed25519", "spki": encode_base64url(key.public.spki),
        "request": encode_base64url(request or world.request(MAKER, MAKER, "enterprise")),
    }  # fmt: skip
    return build_statement(
        kind="key", phase="register", enterprise=AUTHORITY, signers=[by.key], iat="2026-03-01T00:00:00Z",
        subjects=[(f"key:{kid}", None)], payload=payload,
    )  # fmt: skip


def test_only_the_recovery_key_replaces_the_authority_key(world):
    world.keys["next"] = generate_key("ed25519")
    request = world.request("next", AUTHORITY, "authority")
    old = world.registry.authority.kid
    by_authority = office.register_key(world.by(), request=request, replaces=old)
    refuses(world, KeyRoleError, lambda: world.take(by_authority))
    world.take(office.register_key(world.by("recovery"), request=request, replaces=old))
    assert world.keys["next"].kid.hex() == world.registry.authority.kid
    refuses(world, KeyRoleError, world.key)


def test_a_new_authority_key_names_the_one_it_replaces(world):
    world.keys["next"] = generate_key("ed25519")
    request = world.request("next", AUTHORITY, "authority")
    refuses(
        world,
        RegistryConflictError,
        lambda: world.take(office.register_key(world.by("recovery"), request=request)),
    )


def test_nobody_else_gets_a_key_of_the_log(world):
    refuses(world, KeyRoleError, lambda: world.key(role="receipt"))


def test_an_importer_speaks_only_for_names_in_its_own_namespaces(world):
    world.key(namespaces=("epcis",))
    for party, is_refused in (
        ("ext:epcis:42", False),
        ("ext:other:42", True),
        (OTHER, True),
        ("OUTSIDE", True),
    ):
        statement = build_statement(
            kind="inspect", phase="done", enterprise=MAKER, signers=[world.keys[MAKER]],
            iat="2026-03-01T00:00:00Z", subjects=[("BJ1P0057K2MP7YRQ2RJ", None)],
            payload={
                "at": "2026-03-01T00:00:00Z", "nonce": secrets.token_hex(16), "on_behalf_of": party,
                "items": [{"code": "BJ1P0057K2MP7YRQ2RJ"}], "result": "pass",
            },
        )  # fmt: skip
        if is_refused:
            refuses(world, KeyForeignError, lambda statement=statement: world.take(statement))
        else:
            world.take(statement)


def test_a_closed_enterprise_signs_nothing_any_more(world):
    world.key()
    world.enterprise(MAKER, phase="close", issuer="7K2M")
    statement = build_statement(
        kind="inspect", phase="done", enterprise=MAKER, signers=[world.keys[MAKER]],
        iat="2026-03-01T00:00:00Z", subjects=[("BJ1P0057K2MP7YRQ2RJ", None)],
        payload={
            "at": "2026-03-01T00:00:00Z", "nonce": secrets.token_hex(16),
            "items": [{"code": "BJ1P0057K2MP7YRQ2RJ"}], "result": "pass",
        },
    )  # fmt: skip
    refuses(world, EnterpriseUnknownError, lambda: world.take(statement))


def test_a_licence_is_granted_once_and_revoked_once(world):
    facts = {
        "licence": "L-1",
        "enterprise": MAKER,
        "type_": "store",
        "scope": ("005",),
        "valid": (NOW_US, NOW_US + HOUR_US),
    }
    world.take(office.grant_licence(world.by(), **facts))
    refuses(world, RegistryConflictError, lambda: world.take(office.grant_licence(world.by(), **facts)))
    world.take(office.grant_licence(world.by(), **facts, phase="revoke"))
    refuses(
        world, NotFoundError, lambda: world.take(office.grant_licence(world.by(), **facts, phase="revoke"))
    )


def test_refuses_a_licence_that_ends_before_it_begins(world):
    facts = {"licence": "L-1", "enterprise": MAKER, "type_": "store", "scope": (), "valid": (NOW_US, NOW_US)}
    refuses(world, RegistryConflictError, lambda: world.take(office.grant_licence(world.by(), **facts)))


def test_a_device_holds_a_key_of_its_own_enterprise(world):
    world.key()
    kid = world.keys[MAKER].kid.hex()
    facts = {"device": "D-1", "kind": "phone", "kid": kid}
    refuses(
        world,
        RegistryConflictError,
        lambda: world.take(office.register_device(world.by(), enterprise=OTHER, **facts)),
    )
    world.take(office.register_device(world.by(), enterprise=MAKER, **facts))
    assert kid == world.registry.books.devices["D-1"].kid


def test_the_end_of_a_device_names_the_key_in_it(world):
    world.key()
    facts = {"device": "D-1", "enterprise": MAKER, "kind": "phone"}
    kid = world.keys[MAKER].kid.hex()
    world.take(office.register_device(world.by(), kid=kid, **facts))
    unnamed = office.register_device(world.by(), phase="revoke", **facts)
    refuses(world, RegistryConflictError, lambda: world.take(unnamed))
    world.take(office.register_device(world.by(), kid=kid, phase="revoke", **facts))
    assert world.registry.books.silent_since(world.registry.key(kid)) is not None


def test_a_key_replaces_a_registered_one_of_the_same_party_and_role(world):
    world.key()
    theirs = world.keys[MAKER].kid.hex()
    for name, party, role, replaces, refusal in (
        ("of nobody", MAKER, "enterprise", "ab" * 32, KeyUnknownError),
        ("of another party", OTHER, "enterprise", theirs, RegistryConflictError),
        ("of another role", MAKER, "device", theirs, RegistryConflictError),
    ):
        world.keys[name] = generate_key("ed25519")
        request = world.request(name, party, role)
        statement = office.register_key(world.by(), request=request, replaces=replaces)
        refuses(world, refusal, lambda statement=statement: world.take(statement))
    world.keys["next"] = generate_key("ed25519")
    request = world.request("next", MAKER, "enterprise")
    statement = office.register_key(world.by(), request=request, replaces=theirs, replaces_prev="cd" * 32)
    assert [subject.id for subject in statement.header.subjects] == [
        f"key:{world.keys['next'].kid.hex()}", f"key:{theirs}",
    ]  # fmt: skip
    world.take(statement)


@pytest.mark.parametrize("start", [9, 11, 0])
def test_batches_of_a_series_follow_without_gap_or_overlap(world, start):
    world.issue(0, 10)
    refuses(world, RegistryConflictError, lambda: world.issue(start, 5, batch="B-NEXT"))


def test_codes_are_issued_under_the_own_issuer_number_only(world):
    refuses(world, RegistryConflictError, lambda: world.issue(enterprise=OTHER))
    refuses(world, RegistryConflictError, lambda: world.issue(issuer="7K2N"))


def test_says_of_every_code_whether_it_was_issued_and_since_when(world):
    world.issue(0, 3)
    second = world.issue(3, 2).record.from_index
    codes = list(issue_codes(master=MASTER, kind="P", slot="005", issuer="7K2M", start=0, count=8))
    now = [world.registry.issue_status(code).status for code in codes]
    before = [world.registry.issue_status(code, before_index=second).status for code in codes]
    assert ["issued"] * 5 + ["not-issued"] * 3 == now
    assert ["issued"] * 3 + ["not-issued"] * 5 == before
    assert MAKER == world.registry.issue_status(codes[0]).enterprise


def test_without_the_master_key_a_code_of_a_known_series_is_unchecked(world):
    world.issue()
    books = world.registry.books
    blind = Registry.from_records(
        [("enterprise", MAKER, books.enterprises[MAKER]), ("batch", "B-0", books.batches["B-0"])]
    )
    [code] = issue_codes(master=MASTER, kind="P", slot="005", issuer="7K2M", start=0, count=1)
    assert blind.issue_status(code).status == "unchecked"
    other = code[:4] + "006" + code[7:]
    assert blind.issue_status(other).status == "not-issued"


def test_seals_are_those_of_the_batch_and_of_nothing_else(world):
    world.issue(0, 2)
    seals = Seals(MASTER, lambda: world.registry)
    one, two, never = issue_codes(master=MASTER, kind="P", slot="005", issuer="7K2M", start=0, count=3)
    seals.verify(one, seals.seal(one))
    with pytest.raises(SealError):
        seals.verify(two, seals.seal(one))
    with pytest.raises(SealError):
        seals.seal(never)
