"""The command line of the base install: `verify bundle`, `status` and `proof`, and what its help says of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

KINDS: Final = ("bundle", "status", "proof")

_ABOUT: Final = "Offline verification of proof files, the base install / 离线核验证明文件（基础安装）"
_KINDS: Final = {
    "bundle": "the whole history of an item / 单件证明包",
    "status": "how many events an item has; FILE or the text of its QR code, CTS1:… / 状态证明或其二维码文字",
    "proof": "that one entry is in the log / 单条账目的收录证明",
}
_OVERVIEW: Final = """\
commands / 命令:
  chemtrace verify bundle FILE --trust FILE [--at TIME] [--max-age SECONDS] [--lang zh|en|both] [--json]
  chemtrace verify status FILE --trust FILE [--at TIME] [--max-age SECONDS] [--lang zh|en|both] [--json]
  chemtrace verify proof FILE --origin ORIGIN --key VKEY [--json]
  each with --help / 各命令可加 --help

exit codes / 退出码: 0 verified 通过; 2 wrong command line 命令有误; 3 refused 不通过; 4 file not readable 读不到文件

everything else / 其余命令: pip install 'chemtrace[server]'
"""


def make_parser() -> argparse.ArgumentParser:
    """The parser; `group` is "verify" and `kind` one of `KINDS`."""
    parser = argparse.ArgumentParser(
        prog="chemtrace", description=_ABOUT, epilog=_OVERVIEW, formatter_class=argparse.RawTextHelpFormatter
    )
    verify = parser.add_subparsers(dest="group", required=True, metavar="verify").add_parser(
        "verify", description=_ABOUT, epilog=_OVERVIEW, formatter_class=argparse.RawTextHelpFormatter
    )
    kinds = verify.add_subparsers(dest="kind", required=True, metavar="bundle|status|proof")
    for kind in KINDS:
        command = kinds.add_parser(kind, help=_KINDS[kind], description=_KINDS[kind])
        command.add_argument("proof", metavar="FILE", help="file to verify / 要核验的文件")
        _add_pinned(command, kind)
        command.add_argument(
            "--json", action="store_true", help="one JSON document for programs / 供程序读取的 JSON"
        )
    return parser


def _add_pinned(command: argparse.ArgumentParser, kind: str) -> None:
    """What a kind is judged by: one log's key for an inclusion proof, a trust file for the others."""
    if kind == "proof":
        command.add_argument("--origin", required=True, help="origin of the log, pinned / 账本标识")
        command.add_argument(
            "--key", required=True, metavar="VKEY", help="the log's verifier key, pinned / 账本验签公钥"
        )
        return
    command.add_argument(
        "--trust",
        type=Path,
        required=True,
        metavar="FILE",
        help="trust file, from somebody you trust / 信任文件，须来自可信的一方",
    )
    command.add_argument(
        "--at", metavar="TIME", help="judge its age as of this moment, RFC 3339 / 按此时刻判断时效"
    )
    command.add_argument(
        "--max-age",
        type=int,
        metavar="SECONDS",
        help="refuse what is older, instead of the trust file's limit / 最长有效期（秒）",
    )
    command.add_argument(
        "--lang", choices=("zh", "en", "both"), default="both", help="language of the sentences / 语言"
    )
