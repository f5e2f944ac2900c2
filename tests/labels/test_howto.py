"""The guide's example runs as it is printed."""

import os
import re
from io import BytesIO
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from chemtrace.core.codes import parse_label
from chemtrace.core.serials import issue_codes

ROOT = Path(__file__).parents[2]


def test_the_example_of_the_guide_prints_labels_that_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = (ROOT / "docs" / "howto" / "print-labels.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```", guide, re.DOTALL)
    assert example is not None
    master = os.urandom(32)
    (tmp_path / "master.key").write_bytes(master)
    (tmp_path / "master.key").chmod(0o600)
    codes = issue_codes(master=master, kind="P", slot="005", issuer="7K2M", start=0, count=12)
    (tmp_path / "codes.txt").write_text("\n".join(codes))
    monkeypatch.chdir(tmp_path)
    exec(compile(example[1].replace("/srv/chemtrace/ledger", str(tmp_path)), "print-labels.md", "exec"), {})
    code, seal = parse_label(zxingcpp.read_barcode(Image.open(BytesIO(Path("one.png").read_bytes()))).text)
    assert (code.slot, code.issuer, len(seal or "")) == ("005", "7K2M", 10)
    assert Path("one.zpl").read_text().startswith("^XA")
    document = pypdfium2.PdfDocument(Path("sheet.pdf").read_bytes())
    assert len(document) == 2
    document.close()
