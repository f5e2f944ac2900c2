"""What a refused proof means and what to do, in plain Chinese and English, for whoever stands at a drum with it.

The inspector's page says the same in its own words (scanners/web/verifier/src/words.js): by the code, else by family.
"""

from __future__ import annotations

import re
from typing import Final

from chemtrace.core.errors import ChemtraceError, EvidenceError, UnavailableError
from chemtrace.entrypoints.cli.output import print_error, print_note

REFUSED: Final = ("查验不通过，不要采信", "Refused: do not rely on it")
STALE: Final = ("证明已过期，请索取新的", "The proof is too old: ask for a new one")
UNREADABLE: Final = (
    "读不懂：这不是完整的证明，不要采信",
    "Unreadable: this is no whole proof, do not rely on it",
)
TRUST: Final = ("未能查验：信任文件不能用", "Not checked: the trust file cannot be used")
UNDONE: Final = ("未能查验，没有结论", "Not checked: nothing was decided")

MEANINGS: Final = {
    "bundle.stale": (
        "证明是真的，但超过了允许的期限；请持有人联网取一份新的。",
        "it is genuine but older than is accepted here; ask the holder to fetch a new one.",
    ),
    "bundle.event-omitted": ("有记录被拿掉了。", "an event has been left out."),
    "bundle.subject-root": (
        "出示的记录不是账本里的那些：被改动、替换、删减或调换了顺序。",
        "the events shown are not those in the log: changed, exchanged, left out or reordered.",
    ),
    "bundle.order": (
        "记录的顺序不对，或混入了别的物品的记录。",
        "the events are out of order, or one belongs to something else.",
    ),
    "bundle.section-missing": (
        "缺少签名密钥或容器的记录；请索取完整的证明。",
        "the history of a signer's key or a container is missing; ask for the whole proof.",
    ),
    "bundle.signature-unneeded": (
        "有一个信任文件不认识的签名：信任文件可能过旧，或证明被动过手脚。",
        "it bears a signature that the trust file does not know: that file may be old, or the proof was tampered with.",
    ),
    "policy.unmet": (
        "信任文件要求的见证方没有签名。",
        "the witnesses that the trust file asks for have not signed.",
    ),
    "note.signature": (
        "账本或见证方的签名不对：证明被改动过，或不是这个账本的。",
        "the signature of the log or of a witness is wrong: the proof was changed, or is not of this log.",
    ),
    "checkpoint.invalid": (
        "这份证明属于另一个账本，或检查点不完整。",
        "it is of another log, or its checkpoint is malformed.",
    ),
    "signature.invalid": (
        "有一条记录的签名不对：不是那个密钥签的。",
        "the signature of an event is wrong: that key did not sign it.",
    ),
    "payload.digest-mismatch": (
        "有一条记录的内容被改过，与签名时不同。",
        "the content of an event is not what was signed.",
    ),
    "proof.root-mismatch": ("这些记录不在签名的账本里。", "these events are not in the signed log."),
    "map.proof": (
        "账本没有为这个物品证明这样的历史。",
        "the log does not prove such a history of this item.",
    ),
    "key.foreign": ("一家企业的密钥替另一家签了名。", "the key of one enterprise signed for another."),
    "key.role": (
        "签名的密钥无权签这种记录，或主管部门不是信任文件里的那一个。",
        "the signing key may not sign this kind of event, or the authority is not the one in the trust file.",
    ),
    "trust.format": (
        "信任文件不完整或自相矛盾；请向主管部门重新索取。",
        "it is missing, incomplete or contradicts itself; ask the authority for it again.",
    ),
    "proof.file": (
        "读不到证明文件；请检查文件名和存储介质。",
        "the proof file cannot be read; look at its name and at the disk.",
    ),
}
"""By code; the two sentences follow the heading."""

IN_CHINESE: Final = {
    "note.format": "不是有效的检查点或验签公钥，或公钥与其校验值不符：请完整复制。",
    "policy.format": "见证策略文件有误：请查看所示行；每个名称须先在前面的行中定义。",
    "server.refused": "对方拒绝了请求，原因见上一行。",
    "ledger.missing": "此处没有账本：请用 --data 指定账本目录，或用 chemtrace init 创建。",
}
"""What to do, for commands that end with these codes outside `verify`: their English is the error's own message."""

NO_READING: Final = "对方不允许读取：请用 --token-file 给出有效令牌。"

AMOUNT: Final = "数量写在追溯码之后 the amount stands behind the code: --item CODE=25KGM"

KEY: Final = (
    "签名的密钥当时无效：未登记、已停用或已报失密。",
    "the signing key was not valid then: not registered, retired, or declared compromised.",
)
FORM: Final = (
    "文件缺了一部分、被改过，或根本是别的文件；请重新取一份。",
    "part of the file is missing, it was changed, or it is something else; get it again.",
)
OTHER: Final = ("证明的各部分互相矛盾。", "the parts of the proof contradict each other.")
DEFECT: Final = (
    "查验程序本身出了故障；请换一台机器再试，并报告此事。",
    "the check itself failed; try on another machine, and report it.",
)
FORM_CODES: Final = re.compile(
    r"(?:bundle\.(?:format|too-large)|json\.|cbor\.|base45\.|wire\.|note\.format|proof\.shape|entry\.format|header\."
    r"|epoch\.format|subject\.|code\.|credit-code\.|time\.|payload\.invalid|key\.(?:spki|weak))"
)
"""Codes that say of a proof that it cannot be read, rather than that it is false."""


def refusal_lines(error: ChemtraceError) -> tuple[str, str]:
    """The two plain lines of an error, Chinese and English: a heading, and one sentence on what it means."""
    heads, means = _heading(error), _meaning(error)
    return f"{heads[0]}：{means[0]}", f"{heads[1]}: {means[1]}"


def print_in_chinese(error: ChemtraceError, *, as_json: bool) -> None:
    """Print on stderr what an error means in Chinese, where its own message has none; nothing for programs."""
    said = AMOUNT if "missing required field `quantity`" in error.message else IN_CHINESE.get(error.code)
    if error.code == "server.refused" and error.fields.get("status") in (401, 403):
        said = NO_READING
    if said is not None and not as_json:
        print_note(f"  {said}")


def is_form(error: ChemtraceError) -> bool:
    """Whether it says that a proof cannot be read, rather than that it is false."""
    return FORM_CODES.match(error.code) is not None


def print_refusal(error: ChemtraceError, *, as_json: bool, instead: tuple[str, str] | None = None) -> None:
    """Print on stderr the plain lines, then code, detail and both sides; for programs the problem alone.

    Args:
        instead: what a file is that is no proof of the kind asked for (Chinese, English); None: what the code means.
    """
    if not as_json:
        lines = refusal_lines(error) if instead is None else _other_file(instead)
        for line in lines:
            print_note(line)
    print_error(error, as_json=as_json)


def _other_file(instead: tuple[str, str]) -> tuple[str, str]:
    return f"{UNDONE[0]}：{instead[0]}", f"{UNDONE[1]}: {instead[1]}"


def _heading(error: ChemtraceError) -> tuple[str, str]:
    if error.code == "trust.format":
        return TRUST
    if error.code == "bundle.stale":
        return STALE
    if isinstance(error, UnavailableError | EvidenceError):
        return UNDONE
    return UNREADABLE if FORM_CODES.match(error.code) else REFUSED


def _meaning(error: ChemtraceError) -> tuple[str, str]:
    if error.code in MEANINGS:
        return MEANINGS[error.code]
    if isinstance(error, UnavailableError | EvidenceError):
        return DEFECT
    if FORM_CODES.match(error.code):
        return FORM
    return KEY if error.code.startswith("key.") else OTHER
