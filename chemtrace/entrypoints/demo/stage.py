"""Setting the stage: the ledger founded, the city registered through the interface, codes issued, labels printed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime

from chemtrace.bootstrap import Application
from chemtrace.core.codes import TraceCode, label_url, parse_code
from chemtrace.core.keys import PrivateKey, generate_key, make_key_request
from chemtrace.core.label import LabelContent, label_content
from chemtrace.core.statement import Statement
from chemtrace.entrypoints.demo.cast import Cast
from chemtrace.entrypoints.demo.city import Firm
from chemtrace.entrypoints.demo.plan import Plan
from chemtrace.entrypoints.demo.printing import Job, read_all
from chemtrace.entrypoints.demo.slips import REVOKED
from chemtrace.entrypoints.demo.week import Wanted
from chemtrace.registry import office
from scanners.client import LedgerClient


def register_city(app: Application, client: LedgerClient, plan: Plan, cast: Cast) -> None:
    """Register every firm, its site and its key, in one batch signed by the authority; and one key that is stolen."""
    authority = app.authority
    statements: list[Statement] = []
    for firm in plan.city.firms:
        statements += _registrations(authority.signing, firm, cast.keys[firm.credit_code])
    stolen = generate_key("ed25519")
    victim = plan.city.of_role("user")[0]
    statements.append(_key(authority.signing, victim, stolen))
    cast.keys[REVOKED] = stolen
    require_posted(client, statements)
    authority.end_key(stolen.kid.hex(), phase="compromised")


def _registrations(signing: Callable[[], office.Signing], firm: Firm, key: PrivateKey) -> list[Statement]:
    role = firm.role
    return [
        office.register_enterprise(
            signing(),
            enterprise=firm.credit_code,
            name_zh=firm.zh,
            name_en=firm.en,
            roles=(role,),
            issuer=firm.issuer,
            district=firm.district.code,
        ),
        office.register_site(
            signing(),
            site=firm.site.id,
            enterprise=firm.credit_code,
            name_zh=firm.site.zh,
            name_en=firm.site.en,
            place=(firm.site.lat_e6, firm.site.lon_e6),
            district=firm.district.code,
        ),
        _key(signing, firm, key),
    ]


def _key(signing: Callable[[], office.Signing], firm: Firm, key: PrivateKey) -> Statement:
    return office.register_key(signing(), request=make_key_request(key, firm.credit_code, "enterprise"))


def require_posted(client: LedgerClient, statements: list[Statement]) -> None:
    """Post statements that must all be admitted; raises the first refusal."""
    for result in client.post_batch(statements):
        if isinstance(result, Exception):
            raise result


def print_labels(
    app: Application, pool: Executor, plan: Plan, progress: Callable[[int], None]
) -> dict[str, str]:
    """Issue the codes that the plan wants, print and read their labels; gives the code of each name."""
    return read_all(pool, _jobs(app, plan), progress)


def _jobs(app: Application, plan: Plan) -> list[Job]:
    series: dict[tuple[str, str, str], list[Wanted]] = defaultdict(list)
    for wanted in plan.wanted:
        series[wanted.firm.credit_code, wanted.kind, wanted.slot].append(wanted)
    authority = app.authority
    year = datetime.fromtimestamp(plan.start_us / 1e6, UTC).year
    jobs: list[Job] = []
    for number, ((enterprise, kind, slot), group) in enumerate(series.items()):
        issued = authority.issue(
            batch=f"W{number:05d}",
            enterprise=enterprise,
            kind=kind,
            slot=slot,
            count=len(group),
            seal_year=year,
        )
        codes = authority.codes(
            kind=kind, slot=slot, issuer=issued.issuer, start=issued.start, count=issued.count
        )
        jobs += [_job(app, wanted, code) for wanted, code in zip(group, codes, strict=True)]
    return jobs


def _job(app: Application, wanted: Wanted, code: str) -> Job:
    seal = app.seals.seal(code)
    return Job(wanted.name, _content(app, wanted, code, seal), code, seal)


def _content(app: Application, wanted: Wanted, code: str, seal: str) -> LabelContent:
    chemical = app.catalogue.by_slot.get(wanted.slot)
    if chemical is None:
        return _pallet(app.label_host, wanted, parse_code(code), seal)
    return label_content(
        host=app.label_host,
        code=parse_code(code),
        seal=seal,
        chemical=chemical,
        quantity="见账本 see ledger",
        maker=wanted.firm.zh,
    )


def _pallet(host: str, wanted: Wanted, code: TraceCode, seal: str) -> LabelContent:
    """The label of an aggregate: it has no chemical of its own."""
    return LabelContent(
        url=label_url(host, code, seal),
        code=code.pretty,
        name_zh="托盘",
        name_en="pallet",
        tdg_class=None,
        subsidiary=(),
        un=None,
        packing_group=None,
        quantity="—",
        maker=wanted.firm.zh,
    )
