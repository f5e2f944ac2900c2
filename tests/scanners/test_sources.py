"""Sources of scans: a watched folder, a handheld scanner, a camera, and the command line over them."""

import io
import json
import subprocess
import sys
import types
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chemtrace.core.codes import label_url, make_code
from chemtrace.core.errors import CameraError
from scanners.__main__ import main
from scanners.camera import scan_camera
from scanners.handheld import Handheld, Scan, Verdict
from scanners.outbox import Outbox
from scanners.watch_folder import FolderWatch
from tests.scanners.degraded import pictures
from tests.scanners.small_ledger import store_event

ROOT = Path(__file__).resolve().parents[2]
CODE = make_code(kind="P", slot="005", issuer="7K2M", serial="4QX9T3C")
SEAL = "QWERTY4321"
URL = label_url("cx.example.cn", CODE, SEAL)
FULL_WIDTH = {ord(sign): ord(sign) + 0xFEE0 for sign in map(chr, range(0x21, 0x7F))}


def _texts(watch: FolderWatch) -> list[str]:
    return [code.text for result in watch.look() for code in result.codes]


def test_reads_new_stable_pictures_once(tmp_path: Path) -> None:
    """Not at first sight, once at the second, never again: not renamed, not copied, not after a restart."""
    folder, memory = tmp_path / "in", tmp_path / "memory"
    folder.mkdir()
    (image, text), (other, other_text) = pictures("clean", 2)
    image.save(folder / "a.png")
    (folder / "notes.txt").write_text("not a picture")
    watch = FolderWatch(folder, memory)
    assert [[], [text], []] == [_texts(watch) for _ in range(3)]
    (folder / "a.png").rename(folder / "b.png")
    image.save(folder / "copy.png")
    other.save(folder / "c.png")
    again = FolderWatch(folder, memory)
    assert [[], [other_text], []] == [_texts(again) for _ in range(3)]


def test_waits_for_a_picture_that_is_still_written(tmp_path: Path) -> None:
    """A growing file is left alone until it stays as it is."""
    image, text = pictures("clean", 1)[0]
    image.save(tmp_path / "whole.png")
    data = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "whole.png").unlink()
    watch = FolderWatch(tmp_path, tmp_path / ".scanned")
    for end in (1000, 5000, len(data)):
        (tmp_path / "slow.png").write_bytes(data[:end])
        assert [] == list(watch.look())
    assert [text] == _texts(watch)


def test_a_killed_reader_gets_its_picture_again(tmp_path: Path) -> None:
    """What was handed out and not finished is handed out again; a torn line in the memory harms nothing."""
    image, text = pictures("clean", 1)[0]
    image.save(tmp_path / "a.png")
    memory = tmp_path / ".scanned"
    watch = FolderWatch(tmp_path, memory)
    assert [] == list(watch.look())
    assert text == next(watch.look()).codes[0].text
    memory.write_bytes(b"5d41")
    after = FolderWatch(tmp_path, memory)
    assert [[], [text], []] == [_texts(after) for _ in range(3)]
    assert [[], []] == [_texts(FolderWatch(tmp_path, memory)) for _ in range(2)]


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    """A link may lead to any file of the machine; it is left out."""
    (tmp_path / "in").mkdir()
    pictures("clean", 1)[0][0].save(tmp_path / "secret.png")
    (tmp_path / "in" / "link.png").symlink_to(tmp_path / "secret.png")
    watch = FolderWatch(tmp_path / "in", tmp_path / "memory")
    assert [[], []] == [_texts(watch) for _ in range(2)]


def _scan(typed: str, **settings: str) -> list[Scan]:
    return list(Handheld(**settings).feed(typed, 0))  # type: ignore[arg-type]  # prefix and suffix only


@pytest.mark.parametrize(
    "typed",
    [
        URL + "\r\n",
        URL.lower() + "\t",
        CODE.pretty + "\n",
        URL.translate(FULL_WIDTH) + "\n",
        URL.replace("/", "、").replace(".", "。") + "\n",
        "\x02" + URL + "\x03\r",
        "\ufeff " + CODE.text + " \u200b\n",
        "]Q3" + URL + "#\n",
    ],
)
def test_reads_a_scan_whatever_the_keyboard_made_of_it(typed: str) -> None:
    """Case, hyphens, control signs, full-width forms, Chinese punctuation, prefix and suffix are forgiven."""
    scans = _scan(typed, prefix="]Q3", suffix="#")
    assert [(Verdict.CODE, CODE.text)] == [(scan.verdict, scan.code) for scan in scans]


def test_one_scan_in_pieces_is_one_scan() -> None:
    """An input method that hands over a scan in two pieces does not make two of it."""
    reader = Handheld()
    assert [] == list(reader.feed(URL[:20], 0))
    assert [CODE.text] == [scan.code for scan in reader.feed(URL[20:] + "\n", 900_000)]


def test_suppresses_the_same_code_within_the_window_only() -> None:
    """A repeat is told as such, unlike success; after three seconds it is a new scan; another code always is."""
    reader, other = Handheld(), make_code(kind="P", slot="005", issuer="7K2M", serial="0000001").text
    verdicts = [
        scan.verdict
        for typed, at_us in (
            (URL, 0),
            (CODE.text, 2_000_000),
            (other, 2_100_000),
            (URL, 4_900_000),
            (URL, 7_900_000),
        )
        for scan in reader.feed(typed + "\n", at_us)
    ]
    assert [Verdict.CODE, Verdict.REPEATED, Verdict.CODE, Verdict.REPEATED, Verdict.CODE] == verdicts


def test_tells_foreign_labels_and_wrong_input_methods_apart() -> None:
    """What stands on the screen says what to do, in Chinese and English, and never shows a seal."""
    foreign, wrong, good = _scan(f"6901234567892\n拼音你好\n{URL}\n")
    assert (Verdict.FOREIGN, Verdict.KEYBOARD) == (foreign.verdict, wrong.verdict)
    assert "NOT OUR LABEL" in foreign.line
    assert "输入法" in wrong.line
    assert CODE.pretty in good.line
    misread = _scan(URL.replace("4QX9T3C", "4QX9T3D") + "\n")[0]
    assert all(SEAL not in scan.line for scan in (foreign, wrong, good, misread))


def test_a_jammed_key_does_not_fill_the_memory() -> None:
    """A million signs without an end become one foreign scan."""
    assert [Verdict.FOREIGN] == [scan.verdict for scan in _scan("A" * 1_000_000 + "\n")]


@given(st.text(max_size=600))
def test_any_typing_gives_scans_and_never_an_error(typed: str) -> None:
    """Garbage is judged, not raised, and each scan can be shown."""
    for scan in Handheld().feed(typed + "\n", 0):
        assert scan.line.startswith(scan.verdict.value)


def test_says_what_a_camera_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without OpenCV the error names it and the way on."""
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(CameraError) as caught:
        next(scan_camera())
    assert "opencv-python-headless" in caught.value.message


def test_reads_labels_from_camera_frames_and_releases_the_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames go through the ladder; a camera that stops is a named error and is let go."""
    import numpy as np

    image, text = pictures("clean", 1)[0]
    frames, released = [np.asarray(image)], list[bool]()

    class Capture:
        def __init__(self, number: int) -> None: ...
        def isOpened(self) -> bool:  # noqa: N802  # OpenCV's own name
            return True

        def set(self, name: int, value: int) -> None: ...
        def read(self) -> tuple[bool, object]:
            return (True, frames.pop()) if frames else (False, None)

        def release(self) -> None:
            released.append(True)

    fake = types.SimpleNamespace(
        VideoCapture=Capture, cvtColor=lambda frame, how: frame, COLOR_BGR2GRAY=6,
        CAP_PROP_FRAME_WIDTH=3, CAP_PROP_FRAME_HEIGHT=4,
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "cv2", fake)
    stream = scan_camera()
    assert [text] == [code.text for code in next(stream)]
    with pytest.raises(CameraError):
        next(stream)
    assert [True] == released


def test_command_line_scans_files_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line; a bad file is named, the others go on, the exit code says that one failed."""
    image, text = pictures("clean", 1)[0]
    image.save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("no")
    assert 1 == main(["scan", str(tmp_path / "bad.png"), str(tmp_path / "good.png"), "--json"])
    bad, good = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert ("image.invalid", []) == (bad["error"]["code"], bad["codes"])
    assert [{"text": text, "trace_code": None, "engine": "zxing"}] == good["codes"]


def test_command_line_reads_a_handheld(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scans from standard input, the last one without an end."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{URL}\n{URL}\t123"))
    assert 0 == main(["handheld", "--json"])
    verdicts = [json.loads(line)["verdict"] for line in capsys.readouterr().out.splitlines()]
    assert ["code", "repeated", "foreign"] == verdicts


def test_command_line_watches_and_shows_the_outbox(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`watch --once` reads what is there; `outbox` counts and exports; without pins nothing is sent."""
    image, text = pictures("clean", 1)[0]
    image.save(tmp_path / "a.png")
    assert 0 == main(["watch", str(tmp_path), "--once"])
    assert text in capsys.readouterr().out
    box = Outbox(tmp_path / "box.db")
    box.queue(store_event(1))
    box.close()
    assert 0 == main(["outbox", str(tmp_path / "box.db"), "--export", str(tmp_path / "out.ndjson")])
    assert "waiting 1" in capsys.readouterr().out
    assert 1 == main(["outbox", str(tmp_path / "box.db"), "--flush", "http://127.0.0.1:1"])
    assert 1 == len((tmp_path / "out.ndjson").read_bytes().splitlines())


def test_scanners_need_no_server_package() -> None:
    """The whole package imports with the server's dependencies, and numpy, made impossible."""
    blocked = "fastapi uvicorn sqlalchemy alembic structlog pydantic typer rich jinja2 numpy reportlab"
    script = (
        f"import sys\nfor name in {blocked.split()!r}: sys.modules[name] = None\n"
        "import scanners.__main__\n"
        "ours = [name for name in sys.modules if name.startswith('chemtrace.')]\n"
        "ours = [name for name in ours if not name.startswith('chemtrace.core')]\n"
        "sys.exit(repr(ours) if ours else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)
