"""`chemtrace codes`: issue trace codes to an enterprise, check one, and write an issued batch again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chemtrace.entrypoints.cli.desk import Desk, opened_desk
from chemtrace.entrypoints.cli.options import AsJSON, Data, opened
from chemtrace.entrypoints.cli.outfile import writing_to
from chemtrace.entrypoints.cli.output import print_json, print_table, print_text, progress_bar

if TYPE_CHECKING:
    from chemtrace.bootstrap import Application
    from chemtrace.core.catalogue import Catalogue
    from chemtrace.registry.records import BatchRecord, EnterpriseRecord

Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="new file, one code a line / 输出文件")]
MAX_COUNT = 10_000_000
STEP = 10_000
"""Codes between two steps of the progress bar."""


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help="trace codes / 追溯码", no_args_is_help=True)
    group.command("issue")(issue)
    group.command("check")(check)
    group.command("show")(show)
    app.add_typer(group, name="codes")


def issue(
    enterprise: Annotated[str, typer.Option(help="credit code of who gets them / 领码企业")],
    chemical: Annotated[str, typer.Option(help="slot (005), CAS number or name / 化学品")],
    count: Annotated[int, typer.Option(min=1, max=MAX_COUNT, help="how many / 数量")],
    out: Out,
    kind: Annotated[
        str, typer.Option(help="P package, C cylinder, T tank or lot, W waste, A aggregate / 类别")
    ] = "P",
    batch: Annotated[
        str | None, typer.Option(help="id of the batch; default: made from the series / 批号")
    ] = None,
    seal_year: Annotated[
        int | None, typer.Option(min=2020, max=2200, help="year of the seals; default: this one / 防伪年度")
    ] = None,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Issue the next codes of an enterprise for one chemical and write them to a file / 发码."""
    from chemtrace.registry import office

    with opened_desk(data) as desk:
        record = _issuing(desk, enterprise)
        slot = find_slot(desk.application.catalogue, chemical)
        check_kind(desk.application.catalogue, slot, kind)
        target = _new_file(out)
        with progress_bar("发码 issuing", shown=not as_json) as progress:
            facts = _next_batch(desk, record, kind, slot, count, batch, seal_year)
            with written(target, _codes_of(desk, facts), count, progress) as root:
                receipt = desk.file(office.issue_batch, root=root, **facts).require()
    result = {**facts, "root": root.hex(), "index": receipt.index, "event": receipt.event, "file": str(out)}
    if as_json:
        print_json(result)
    else:
        print_text(f"已发码 issued {count} codes in batch {facts['batch']}: {out}")


def check(
    text: Annotated[str, typer.Argument(help="a code as printed or scanned, seal and all / 追溯码")],
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Say whether a code is issued, to whom, and whether its seal is right; 1 if not, 3 if it is no code / 核码."""
    from chemtrace.core.codes import parse_label
    from chemtrace.entrypoints.cli.exit_codes import ExitCode

    code, seal = parse_label(text)
    with opened(data) as application:
        status = application.registry.issue_status(code.text)
        facts: dict[str, Any] = {
            "code": code.text,
            "pretty": code.pretty,
            "issue": status.status,
            "enterprise": status.enterprise,
            "seal": _seal_word(application, code.text, seal),
            "item": _item_status(application, code.text),
        }
    if as_json:
        print_json(facts)
    else:
        for name, value in facts.items():
            print_text(f"{name}: {'无 none' if value is None else value}")
    if facts["issue"] == "not-issued" or facts["seal"] == "wrong":
        raise typer.Exit(ExitCode.NEGATIVE)


def show(
    batch: Annotated[str | None, typer.Argument(help="batch; all of them without one / 批号")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="write its codes again to a new file")
    ] = None,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """List the issued batches, or write the codes of one again / 批次."""
    from chemtrace.core.errors import PayloadError

    with opened(data) as application:
        records = list(application.registry.books.batches.values())
        if batch is not None:
            records = [record for record in records if record.batch == batch]
            if not records:
                raise PayloadError(
                    f"there is no batch {batch}: list them with `chemtrace codes show`", batch=batch
                )
        if out is not None:
            if batch is None:
                raise typer.BadParameter("name the batch whose codes are wanted", param_hint="--out")
            _write_again(application, records[0], out, shown=not as_json)
    rows = [_batch_row(record) for record in records]
    if as_json:
        print_json({"batches": rows})
        return
    columns = ("batch", "enterprise", "kind", "slot", "issuer", "start", "count", "seal_year", "entry")
    print_table("batches / 批次", columns, [tuple(row[name] for name in columns) for row in rows])


def find_slot(catalogue: Catalogue, chemical: str) -> str:
    """The slot of a chemical given by slot, CAS number or a name in either language; 000 is a mixed aggregate.

    Raises:
        CatalogueError: the catalogue has none, or several, of it.
    """
    from difflib import get_close_matches

    from chemtrace.core.errors import CatalogueError

    if chemical == "000" or chemical in catalogue.by_slot:
        return chemical
    if chemical in catalogue.by_cas:
        return catalogue.by_cas[chemical].slot
    wanted = chemical.strip().casefold()
    called: dict[str, set[str]] = {}
    for one in catalogue.chemicals:
        for name in (one.name_zh, one.name_en, *one.aliases_zh, *one.aliases_en):
            called.setdefault(name.casefold(), set()).add(one.slot)
    found = called.get(wanted, set())
    if len(found) != 1:
        raise CatalogueError(
            f"the catalogue {catalogue.id} has no one chemical called {chemical!r}: give its slot or CAS number"
            f" / 目录中没有唯一对应的品种，请用序号或 CAS 号",
            found=sorted(found),
            nearest=get_close_matches(wanted, called),
        )
    return next(iter(found))


def check_kind(catalogue: Catalogue, slot: str, kind: str) -> None:
    """Refuse a kind of item that the chemical is not traced as; waste units and aggregates may always be.

    Raises:
        CatalogueError: carries both sides.
    """
    from chemtrace.core.codes import KINDS
    from chemtrace.core.errors import CatalogueError

    chemical = catalogue.by_slot.get(slot)
    allowed = ("A",) if chemical is None else (*chemical.kinds, "W", "A")
    if kind not in KINDS or kind not in allowed:
        name = "a mixed aggregate" if chemical is None else chemical.name_en
        raise CatalogueError(
            f"{name} is traced as {', '.join(allowed)}, not as {kind}",
            slot=slot,
            found=kind,
            expected=allowed,
        )


@contextmanager
def written(
    target: Path, codes: Iterable[str], count: int, progress: Callable[[int, int], None]
) -> Iterator[bytes]:
    """Write codes, one a line, and give their Merkle root; the file gets its name when the block ends well.

    So the codes are on disk before their batch is in the log, and a batch that is refused leaves no file.
    """
    from chemtrace.core.merkle import hash_leaf, tree_root

    def kept() -> Iterator[str]:
        for code in counted(codes, count, progress):
            file.write(f"{code}\n")
            yield code

    part = target.with_name(target.name + ".part")
    try:
        with writing_to(target), part.open("w", encoding="ascii", newline="\n") as file:
            root = tree_root(hash_leaf(code.encode("ascii")) for code in kept())
            file.flush()
            os.fsync(file.fileno())
        yield root
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def counted(codes: Iterable[str], count: int, progress: Callable[[int, int], None]) -> Iterator[str]:
    """Pass codes through, moving the progress bar."""
    for number, code in enumerate(codes, start=1):
        if number % STEP == 0 or number == count:
            progress(number, count)
        yield code


def _issuing(desk: Desk, enterprise: str) -> EnterpriseRecord:
    from chemtrace.core.errors import RegistryConflictError

    record = desk.registry.books.open_enterprise(enterprise)
    if record.issuer is None:
        raise RegistryConflictError(
            "this enterprise has no number in trace codes: register it with --issuer new --phase update",
            enterprise=enterprise,
        )
    return record


def _next_batch(
    desk: Desk,
    record: EnterpriseRecord,
    kind: str,
    slot: str,
    count: int,
    batch: str | None,
    seal_year: int | None,
) -> dict[str, Any]:
    """What the issue/batch of the next `count` codes of a series states."""
    from chemtrace.core.times import format_utc

    issuer = record.issuer or ""
    start = desk.registry.books.issued((kind, slot, issuer))
    return {
        "batch": batch or f"{issuer}-{kind}{slot}-{start}",
        "enterprise": record.enterprise,
        "issuer": issuer,
        "kind": kind,
        "slot": slot,
        "start": start,
        "count": count,
        "seal_year": seal_year or int(format_utc(desk.now_us())[:4]),
    }


def _codes_of(desk: Desk, facts: dict[str, Any]) -> Iterator[str]:
    names = ("kind", "slot", "issuer", "start", "count")
    return desk.authority.codes(**{name: facts[name] for name in names})


def _new_file(path: Path) -> Path:
    """The path, if it may be made there; refused before anything is issued."""
    if path.exists():
        raise typer.BadParameter(f"{path} is there already: name a new file", param_hint="--out")
    with writing_to(path):
        return path


def _write_again(application: Application, record: BatchRecord, out: Path, *, shown: bool) -> None:
    """Write a batch's codes anew; only if they are the very ones whose root the log holds."""
    from chemtrace.core.errors import MasterKeyError

    codes = application.authority.codes(
        kind=record.kind, slot=record.slot, issuer=record.issuer, start=record.start, count=record.count
    )
    with (
        progress_bar("写出 writing", shown=shown) as progress,
        written(_new_file(out), codes, record.count, progress) as root,
    ):
        if root.hex() != record.root:
            raise MasterKeyError(
                "the master key here does not make the codes of this batch: it is not the one they were issued with",
                batch=record.batch,
                found=root,
                expected=record.root,
            )


def _batch_row(record: BatchRecord) -> dict[str, Any]:
    return {
        "batch": record.batch,
        "enterprise": record.enterprise,
        "kind": record.kind,
        "slot": record.slot,
        "issuer": record.issuer,
        "start": record.start,
        "count": record.count,
        "seal_year": record.seal_year,
        "root": record.root,
        "entry": record.from_index,
    }


def _seal_word(application: Application, code: str, seal: str | None) -> str:
    """`none`, `right`, `wrong`, or `unchecked` where the master key is not here; the seal itself is never told."""
    from chemtrace.core.errors import MasterKeyError, SealError

    if seal is None:
        return "none"
    try:
        application.seals.verify(code, seal)
    except SealError:
        return "wrong"
    except MasterKeyError:
        return "unchecked"
    return "right"


def _item_status(application: Application, code: str) -> str | None:
    from chemtrace.core.errors import ItemUnknownError

    try:
        return application.reads.item(code).status
    except ItemUnknownError:
        return None
