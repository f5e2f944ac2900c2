"""Reading labels: rates on the degraded set, several labels in one picture, bad files, missing engines."""

from pathlib import Path

import pytest
from PIL import Image

from chemtrace.core.codes import label_url, make_code
from scanners import decode, engines, pictures
from scanners.decode import decode_image, scan_file, scan_files
from tests.scanners.degraded import CONDITIONS, codeless, picture
from tests.scanners.degraded import pictures as degraded_pictures

BARS = (
    ("small, 1.5 px a module", 20, 20),
    ("blur, sigma 1.5 px", 20, 20),
    ("blot over 12 %, level Q", 20, 20),
    ("small, 1.3 px a module", 10, 9),
    ("blur, sigma 2 px", 10, 9),
    ("low contrast and noise", 10, 9),
    ("motion, 6 px", 10, 9),
    ("tilt, 65 degrees", 10, 9),
    ("bent round a drum, 50 degrees", 10, 9),
    ("any rotation", 10, 10),
)


@pytest.mark.parametrize(("condition", "count", "least"), BARS)
def test_reads_degraded_labels(condition: str, count: int, least: int) -> None:
    """At least so many of so many pictures give exactly the text printed on their label, and nothing else."""
    results = [
        ([code.text for code in decode_image(image)], text)
        for image, text in degraded_pictures(condition, count)
    ]
    assert all(texts in ([], [text]) for texts, text in results), "a text that is not on the label"
    assert least <= sum(texts == [text] for texts, text in results)


def test_reads_nothing_where_there_is_no_code() -> None:
    """Fifty pictures full of stripes, squares and checkers give no text at all, whatever the step."""
    assert [()] * 50 == [decode_image(codeless(seed)) for seed in range(50)]


def _side_by_side(*images: Image.Image) -> Image.Image:
    sheet = Image.new("L", (960 * len(images), 720))
    for column, image in enumerate(images):
        sheet.paste(image, (960 * column, 0))
    return sheet


def test_finds_every_label_of_one_picture_once() -> None:
    """A clean, a small and a moved label in one photograph are three results, each at its own place."""
    shots = [degraded_pictures(name, 1)[0] for name in ("clean", "small, 1.5 px a module", "motion, 6 px")]
    found = decode_image(_side_by_side(*(image for image, _ in shots)))
    assert sorted(text for _, text in shots) == sorted(code.text for code in found)
    by_text = {code.text: code for code in found}
    for column, (_, text) in enumerate(shots):
        assert all(960 * column <= x <= 960 * (column + 1) for x, _ in by_text[text].corners)


def test_finds_a_blurred_label_beside_a_clean_one() -> None:
    """A hit does not end the search: what is harder to read in the same picture is still looked for."""
    clean, blurred = degraded_pictures("clean", 1)[0], degraded_pictures("blur, sigma 2 px", 1)[0]
    found = decode_image(_side_by_side(clean[0], blurred[0]))
    assert {clean[1], blurred[1]} == {code.text for code in found}


def test_counts_two_labels_with_one_code_as_two_places() -> None:
    """The same code printed on two drums in one picture is evidence of a copy; it must not be merged away."""
    image, text = degraded_pictures("clean", 1)[0]
    assert [text, text] == [code.text for code in decode_image(_side_by_side(image, image))]


def test_reads_a_small_blurred_label_in_a_large_photograph_at_its_place() -> None:
    """Twelve megapixels: corners are those of the full picture, also where a step worked on another size."""
    image, text = degraded_pictures("blur, sigma 2 px", 1)[0]
    photo = Image.new("L", (4000, 3000), 120)
    photo.paste(image, (2500, 1800))
    (found,) = decode_image(photo)
    assert text == found.text
    assert all(2500 <= x <= 3460 and 1800 <= y <= 2520 for x, y in found.corners)


def test_stops_at_the_first_hit_for_camera_frames() -> None:
    """`thorough=False` spends one step on an easy frame."""
    image, text = degraded_pictures("clean", 1)[0]
    assert [(text, "raw", "zxing")] == [
        (code.text, code.step, code.engine) for code in decode_image(image, thorough=False)
    ]


def test_degraded_set_is_the_same_every_time() -> None:
    """Frame, payload and damage depend on the seed alone."""
    first, again = (picture(CONDITIONS[-1], (15, 3)) for _ in range(2))
    assert first[1] == again[1]
    assert first[0].tobytes() == again[0].tobytes()


def test_reports_our_code_and_foreign_codes(tmp_path: Path) -> None:
    """The JSON of a file names text, trace code or null, and engine for every code."""
    code = make_code(kind="P", slot="005", issuer="7K2M", serial="4QX9T3C")
    ours = label_url("cx.example.cn", code, None)
    sheet = _side_by_side(_qr(ours), _qr("https://example.com/menu"))
    path = tmp_path / "two.png"
    sheet.save(path)
    report = scan_file(path).as_json()
    assert str(path) == report["file"]
    assert [
        {"text": ours, "trace_code": code.text, "engine": "zxing"},
        {"text": "https://example.com/menu", "trace_code": None, "engine": "zxing"},
    ] == sorted(report["codes"], key=lambda entry: entry["text"])  # type: ignore[call-overload,arg-type]  # JSON tree


def _qr(text: str) -> Image.Image:
    import qrcode

    frame = Image.new("L", (960, 720), 255)
    frame.paste(qrcode.make(text, box_size=6).get_image().convert("L"), (100, 100))
    return frame


def test_bad_files_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    """Text, truncated, missing and empty files each give an error; the good one is read."""
    image, text = degraded_pictures("clean", 1)[0]
    image.save(tmp_path / "good.png")
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:2000])
    (tmp_path / "empty.jpg").write_bytes(b"")
    names = ("text.png", "cut.png", "empty.jpg", "missing.png", "good.png")
    results = list(scan_files(tmp_path / name for name in names))
    assert ["image.invalid"] * 4 + [None] == [r.error.code if r.error else None for r in results]
    assert [text] == [code.text for code in results[-1].codes]


def test_refuses_a_decompression_bomb_before_decoding(tmp_path: Path) -> None:
    """A small file that unpacks to 400 million pixels is refused by its header alone."""
    path = tmp_path / "bomb.png"
    Image.new("1", (20_000, 20_000)).save(path)
    error = scan_file(path).error
    assert error is not None
    assert "image.too-large" == error.code


def test_refuses_a_file_beyond_the_byte_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file's size is looked at before it is read."""
    monkeypatch.setattr(pictures, "MAX_BYTES", 100)
    path = tmp_path / "large.png"
    path.write_bytes(b"\0" * 101)
    error = scan_file(path).error
    assert error is not None
    assert ("image.too-large", 101, 100) == (error.code, error.fields["size"], error.fields["limit"])


def test_goes_on_without_libzbar_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the system library zxing-cpp reads alone; a picture without a code carries the warning."""
    monkeypatch.setattr(engines, "_zbar", lambda: None)
    image, text = degraded_pictures("clean", 1)[0]
    assert [text] == [code.text for code in decode_image(image)]
    codeless(1).save(tmp_path / "none.png")
    assert "libzbar" in str(scan_file(tmp_path / "none.png").as_json()["warning"])


def test_one_label_seen_by_two_engines_counts_once() -> None:
    """zbar's box and zxing's corners of the same label are the same place."""
    image, text = degraded_pictures("clean", 1)[0]
    steps = (decode.LADDER[0], *(step for step in decode.LADDER if step.engine == "zbar"))
    assert [text] == [code.text for code in decode_image(image, steps=steps)]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P", "CMYK", "I;16"])
def test_reads_every_colour_mode(mode: str) -> None:
    """Bilevel, palette, transparent and 16-bit pictures are read as grey."""
    image, text = degraded_pictures("clean", 1)[0]
    turned = image.point(lambda v: v * 256, "I").convert("I;16") if mode == "I;16" else image.convert(mode)
    assert [text] == [code.text for code in decode_image(turned)]
