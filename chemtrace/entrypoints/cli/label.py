"""`chemtrace label`: draw labels with code and seal, one by one or a sheet at a time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from chemtrace.entrypoints.cli.options import AsJSON, Data, opened
from chemtrace.entrypoints.cli.outfile import write_file
from chemtrace.entrypoints.cli.output import print_json, print_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chemtrace.bootstrap import Application
    from chemtrace.core.label import LabelContent

UNIT_SIGNS = {
    "KGM": "kg", "GRM": "g", "MGM": "mg", "TNE": "t", "LTR": "L", "MLT": "mL", "MTQ": "m³", "H87": "件 pcs",
}  # fmt: skip
"""How units are printed on a label."""
MAX_SHEET = 5_000

Quantity = Annotated[
    str | None, typer.Option(help="as printed, like '25 kg'; default: what the ledger knows / 标签数量")
]
Size = Annotated[str, typer.Option(help="drum (100 x 70 mm) or bottle (50 x 30 mm) / 标签尺寸")]


class LabelGroup(TyperGroup):
    """`chemtrace label CODE …` means `chemtrace label code CODE …`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command's name in front of anything that is none."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["code", *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        cls=LabelGroup, help="labels with code and seal (CODE … or sheet …) / 打印标签", no_args_is_help=True
    )
    group.command("code")(label_code)
    group.command("sheet")(label_sheet)
    app.add_typer(group, name="label")


def label_code(
    code: Annotated[str, typer.Argument(help="an issued code / 追溯码")],
    png: Annotated[Path | None, typer.Option("--png", metavar="FILE", help="picture / 图片")] = None,
    svg: Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="vector picture / 矢量图")] = None,
    zpl: Annotated[
        Path | None, typer.Option("--zpl", metavar="FILE", help="for thermal printers / 热敏打印")
    ] = None,
    dpi: Annotated[int, typer.Option(min=200, max=1200, help="dots an inch / 分辨率")] = 300,
    size: Size = "drum",
    quantity: Quantity = None,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Draw the label of one code into the files that are named / 绘制一张标签."""
    from chemtrace.bootstrap import labels
    from chemtrace.core.label import BOTTLE, DRUM

    if not (png or svg or zpl):
        raise typer.BadParameter("name at least one file: --png, --svg or --zpl")
    sizes = {"drum": DRUM, "bottle": BOTTLE}
    if size not in sizes:
        raise typer.BadParameter("drum or bottle", param_hint="--size")
    with opened(data) as application:
        content = label_of(application, code, quantity)
    if png is not None:
        write_file(png, labels.render_png(content, dpi, sizes[size]))
    if svg is not None:
        write_file(svg, labels.render_svg(content, sizes[size]).encode())
    if zpl is not None:
        write_file(zpl, labels.render_zpl(content, dpi, sizes[size]).encode("ascii"))
    files = [str(path) for path in (png, svg, zpl) if path is not None]
    if as_json:
        print_json({"code": content.code, "files": files})
    else:
        print_text(f"已绘制 drawn {content.code}: {', '.join(files)}")


def label_sheet(
    codes: Annotated[
        Path, typer.Option("--codes", metavar="FILE", help="one code a line / 码文件", exists=True)
    ],
    pdf: Annotated[Path, typer.Option("--pdf", metavar="FILE", help="sheet to print / 整版 PDF")],
    size: Annotated[str, typer.Option(help="drum (A4, 2 x 4) or bottle (A4, 3 x 8) / 版式")] = "drum",
    quantity: Quantity = None,
    offset_x_mm: Annotated[float, typer.Option(min=-10, max=10, help="move all to the right / 右移")] = 0.0,
    offset_y_mm: Annotated[float, typer.Option(min=-10, max=10, help="move all down / 下移")] = 0.0,
    data: Data = None,
    as_json: AsJSON = False,
) -> None:
    """Draw the labels of a file of codes as pages to print at 100 % / 绘制整版标签."""
    from dataclasses import replace

    from chemtrace.bootstrap import labels
    from chemtrace.core.label import A4_BOTTLE, A4_DRUM

    sheets = {"drum": A4_DRUM, "bottle": A4_BOTTLE}
    if size not in sheets:
        raise typer.BadParameter("drum or bottle", param_hint="--size")
    sheet = replace(sheets[size], offset_x_mm=offset_x_mm, offset_y_mm=offset_y_mm)
    wanted = list(_codes_in(codes))
    with opened(data) as application:
        contents = [label_of(application, code, quantity) for code in wanted]
    write_file(pdf, labels.render_pdf_sheet(contents, sheet))
    pages = -(-len(contents) // sheet.per_page)
    if as_json:
        print_json({"labels": len(contents), "pages": pages, "file": str(pdf)})
    else:
        print_text(f"已绘制 drawn {len(contents)} labels on {pages} page(s): {pdf}")


def label_of(application: Application, text: str, quantity: str | None) -> LabelContent:
    """The label of an issued code: its seal, chemical, maker, and what is in it.

    Raises:
        SealError: the code was never issued. LabelError, SettingError: something to print is missing.
    """
    from chemtrace.core.codes import parse_code
    from chemtrace.core.errors import LabelError, SettingError
    from chemtrace.core.label import label_content

    code = parse_code(text)
    if not application.label_host:
        raise SettingError("no host for labels is set: set CHEMTRACE_LABEL_HOST", setting="label_host")
    chemical = application.catalogue.by_slot.get(code.slot)
    if chemical is None:
        raise LabelError(
            "this label has no chemical: a mixed aggregate is labelled by its contents", field="slot"
        )
    books = application.registry.books
    owner = books.enterprises.get(books.issuers.get(code.issuer, ""))
    return label_content(
        host=application.label_host,
        code=code,
        seal=application.seals.seal(code.text),
        chemical=chemical,
        quantity=quantity or _known_quantity(application, code.text),
        maker=code.issuer if owner is None else owner.name_zh,
    )


def _known_quantity(application: Application, code: str) -> str:
    from chemtrace.core.errors import ItemUnknownError, LabelError

    try:
        item = application.reads.item(code)
    except ItemUnknownError as error:
        message = "nothing was produced under this code yet: say what goes into the package with --quantity"
        raise LabelError(message, field="quantity", trace_code=code) from error
    return f"{item.quantity} {UNIT_SIGNS.get(item.unit, item.unit)}"


def _codes_in(path: Path) -> Iterator[str]:
    """The codes of a file, blank lines left out; refused beyond what one document should hold."""
    from chemtrace.core.errors import LabelError

    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    found = [line for line in lines if line]
    if not 0 < len(found) <= MAX_SHEET:
        message = f"a document of labels has 1 to {MAX_SHEET} codes: cut the file"
        raise LabelError(message, field="codes", found=len(found), expected_maximum=MAX_SHEET)
    yield from found
