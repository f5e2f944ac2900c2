"""The command line of the scanners: `python -m scanners scan|watch|handheld|camera|outbox`.

Exit codes: 0 done, 1 something failed (named on standard error), 2 wrong usage.
"""

import argparse
import binascii
import io
import json
import sys
import time
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path

from chemtrace.core.errors import ChemtraceError, KeyFileError, OutboxError
from chemtrace.core.keys import PublicKey, parse_spki
from scanners.camera import scan_camera
from scanners.client import LedgerClient, Pins
from scanners.decode import ScanResult, scan_files, trace_code
from scanners.engines import missing_engine
from scanners.handheld import Handheld, Scan, Verdict
from scanners.outbox import Outbox
from scanners.terminal import typed_signs
from scanners.watch_folder import FolderWatch, watch


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A worker's terminal may be set to any locale; the words are Chinese and English all the same.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except ChemtraceError as error:
        sys.stderr.write(f"{error.code}: {error.message}\n")
        return 1
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scanners", description="Read labels · 识读标签")
    commands = parser.add_subparsers(required=True)
    scan = commands.add_parser("scan", help="read picture files · 识读图片文件")
    scan.add_argument("files", nargs="+", type=Path)
    scan.set_defaults(run=_scan)
    folder = commands.add_parser("watch", help="read new pictures of a folder · 监视文件夹")
    folder.add_argument("folder", type=Path)
    folder.add_argument("--memory", type=Path, help="file that remembers what is done (FOLDER/.scanned)")
    folder.add_argument("--once", action="store_true", help="look twice, then end")
    folder.set_defaults(run=_watch)
    handheld = commands.add_parser("handheld", help="a scanner that types into this terminal · 手持扫码枪")
    handheld.add_argument("--prefix", default="", help="what the scanner types before each code")
    handheld.add_argument("--suffix", default="", help="what it types behind it, before Enter")
    handheld.add_argument(
        "--window", type=float, default=3.0, help="seconds in which a repeat counts once (3)"
    )
    handheld.set_defaults(run=_handheld)
    camera = commands.add_parser("camera", help="a camera of this machine · 摄像头")
    camera.add_argument("--number", type=int, default=0)
    camera.set_defaults(run=_camera)
    for command in (scan, folder, handheld, camera):
        command.add_argument("--json", action="store_true", help="one JSON object a line")
    _add_outbox(commands.add_parser("outbox", help="what still waits to be sent · 待发箱"))
    return parser


def _add_outbox(outbox: argparse.ArgumentParser) -> None:
    outbox.add_argument("file", type=Path)
    outbox.add_argument("--export", type=Path, metavar="TO", help="write what waits as NDJSON statements")
    outbox.add_argument(
        "--export-parked", type=Path, metavar="TO", help="write what was refused as NDJSON statements"
    )
    outbox.add_argument("--release", metavar="EVENT", help="queue a refused event again")
    outbox.add_argument(
        "--flush", metavar="URL", help="send to this ledger now; needs --origin and --receipt-key"
    )
    outbox.add_argument("--origin", help="the log's origin")
    outbox.add_argument("--receipt-key", type=Path, help="the ledger's receipt key, SPKI as PEM or DER")
    outbox.set_defaults(run=_outbox)


def _scan(options: argparse.Namespace) -> int:
    failed = False
    for result in scan_files(options.files):
        _show(result, as_json=options.json)
        failed = failed or result.error is not None
    return int(failed)


def _watch(options: argparse.Namespace) -> int:
    folder = FolderWatch(options.folder, options.memory or options.folder / ".scanned")
    if not options.once:
        for result in watch(folder):
            _show(result, as_json=options.json)
    for _ in range(2):
        for result in folder.look():
            _show(result, as_json=options.json)
        time.sleep(0.2)
    return 0


def _handheld(options: argparse.Namespace) -> int:
    reader = Handheld(prefix=options.prefix, suffix=options.suffix, window_us=int(options.window * 1_000_000))
    with typed_signs(sys.stdin) as signs:
        for sign in signs:
            for scan in reader.feed(sign, time.monotonic_ns() // 1000):
                _show_scan(scan, as_json=options.json)
        for scan in reader.finish(time.monotonic_ns() // 1000):
            _show_scan(scan, as_json=options.json)
    return 0


def _show_scan(scan: Scan, *, as_json: bool) -> None:
    if as_json:
        members = {"verdict": scan.verdict.name.lower(), "trace_code": scan.code, "text": scan.text}
        _write(json.dumps(members, ensure_ascii=False))
    else:
        # The bell tells the worker without a look; a scan that counts stays silent, the scanner beeps itself.
        _write(scan.line + ("" if scan.verdict is Verdict.CODE else "\a"))


def _camera(options: argparse.Namespace) -> int:
    seen: set[str] = set()
    for codes in scan_camera(options.number):
        # A code is told once while it stays in view; when it is gone, it may come again.
        for text in {code.text for code in codes} - seen:
            members = {"text": text, "trace_code": trace_code(text)}
            _write(
                json.dumps(members, ensure_ascii=False) if options.json else (members["trace_code"] or text)
            )
        seen = {code.text for code in codes}
    return 0


def _outbox(options: argparse.Namespace) -> int:
    if not options.file.is_file():
        raise OutboxError(
            f"{options.file} is no outbox: there is no such file, and none was made / 没有这个待发箱文件",
            file=str(options.file),
        )
    outbox, failed = Outbox(options.file), False
    if options.release:
        outbox.release(options.release)
    if options.flush:
        failed = _flush(outbox, options)
    if options.export:
        _write(f"{outbox.export(options.export)} -> {options.export}")
    if options.export_parked:
        _write(f"{outbox.export(options.export_parked, parked=True)} -> {options.export_parked}")
    waiting, parked, acknowledged = outbox.store.counts()
    _write(f"待发 waiting {waiting} · 被拒 refused {parked} · 已回执 acknowledged {acknowledged}")
    for one in outbox.parked():
        header = one.statement.header
        _write(f"{one.statement.event_id.hex()} {header.kind}/{header.phase} {one.problem.decode()}")
    outbox.close()
    return int(failed)


def _flush(outbox: Outbox, options: argparse.Namespace) -> bool:
    if not options.origin or not options.receipt_key:
        sys.stderr.write(
            "--flush needs --origin and --receipt-key: receipts are verified before anything is deleted\n"
        )
        return True
    with LedgerClient(options.flush, pins=Pins(options.origin, _load_spki(options.receipt_key))) as client:
        report = outbox.flush(client, force=True)
    if report.stopped_by is not None:
        sys.stderr.write(f"{report.stopped_by.code}: {report.stopped_by.message}\n")
    return report.stopped_by is not None or report.parked > 0


def _load_spki(path: Path) -> PublicKey:
    try:
        data = path.read_bytes()
        if data.startswith(b"-----BEGIN PUBLIC KEY-----"):
            data = b64decode("".join(data.decode("ascii").split("-----")[2].split()), validate=True)
    except (OSError, UnicodeDecodeError, binascii.Error) as error:
        raise KeyFileError(f"The receipt key cannot be read: {error}", file=path.name) from error
    return parse_spki(data)


def _show(result: ScanResult, *, as_json: bool) -> None:
    if as_json:
        _write(json.dumps(result.as_json(), ensure_ascii=False))
    elif result.error is not None:
        sys.stderr.write(f"{result.file}: {result.error.code}: {result.error.message}\n")
    else:
        codes = [trace_code(code.text) or code.text for code in result.codes]
        _write(f"{result.file}: {', '.join(codes) if codes else '无码 no code'}")
    if result.warning is not None and not as_json:
        sys.stderr.write(f"{missing_engine()}\n")


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
