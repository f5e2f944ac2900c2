"""What a contradiction of a log means, in plain Chinese and English, for readers of a mirror's or monitor's word."""

from __future__ import annotations

from typing import Final

from chemtrace.core.errors import ChemtraceError
from chemtrace.entrypoints.cli.refusals import MEANINGS as REFUSED

MEANINGS: Final = {
    "evidence.split-view": (
        "账本密钥签署了两份不同的历史；两份检查点即为证据，请留存并报告主管部门。",
        "the log's key has signed two histories; both checkpoints are the evidence: keep them, tell the authority.",
    ),
    "evidence.rollback": (
        "账本出示的比以前更短：恢复了旧备份，或有内容被收回。",
        "the log shows less than it has shown before: an older backup was restored, or something was taken back.",
    ),
    "evidence.truncated": (
        "账本没有给出检查点所包含的内容。",
        "the log does not give what its checkpoint covers.",
    ),
    "evidence.tree": (
        "账本给出的账目不是它签署的那些：签署之后有改动。",
        "the entries given are not those that were signed: something was changed afterwards.",
    ),
    "evidence.map": (
        "批次记录中的总映射与账目不符：某件货物的履历不完整。",
        "the map in an epoch record is not that of the entries: the history of some item is not whole.",
    ),
    "evidence.prev": (
        "有事件的前后次序与签名时不同。",
        "an event does not follow what it was signed upon: the order was changed.",
    ),
    "evidence.signer": (
        "有账目的签名无效，或签名的密钥当时无权签署。",
        "an entry is signed falsely, or by a key that might not sign it then.",
    ),
    "evidence.admission": (
        "账本收入了按其规范不应收入的账目。",
        "an entry stands in the log that its own contract refuses.",
    ),
    "evidence.epoch": (
        "批次记录与账目不符，或其时间超前。",
        "an epoch record says other than the entries, or its time is ahead.",
    ),
    "evidence.chain": (
        "批次记录中的链值与账目不符。",
        "the chain in an epoch record is not that of the entries.",
    ),
    "evidence.entry": ("有账目的字节损坏。", "the bytes of an entry are damaged."),
    "evidence.foreign-event": (
        "有账目以本企业名义登记，但不是本企业的密钥所签，或给了本企业一把它没有的密钥。",
        "an entry stands in the enterprise's name that its keys did not sign, or gives it a key that it does not hold.",
    ),
    "evidence.erasure": (
        "有事件的内容消失，账本中没有说明原因的抹除记录。",
        "the content of an event is gone, and no entry says why.",
    ),
    "evidence.promise": (
        "账本没有兑现回执中的收录承诺。",
        "the log did not keep the promise in a receipt.",
    ),
    "evidence.verifiers-disagree": (
        "两个签名库对同一签名结论不一；请留存这些字节。",
        "two libraries give two answers about one signature; keep the bytes.",
    ),
    "evidence.witness-forged": (
        "有以见证方名义的签名无效。",
        "a line in a witness's name does not verify.",
    ),
    "bundle.event-omitted": (
        "账本出示的履历少了本企业登记的事件。",
        "the history that the log shows lacks an event of the enterprise.",
    ),
    "bundle.stale": (
        "账本出示的证明早于它已公布的事件。",
        "the log's proof is from before an event that it has published.",
    ),
    "bundle.format": (
        "账本给出的不是所要的履历，或文件不完整。",
        "what the log gives is not the history asked for, or is not whole.",
    ),
    "log.silent": (
        "账本已久未公布新的检查点：或已停止，或在隐瞒之后登记的内容。",
        "the log has published nothing new for longer than the limit: it stopped, or hides what came after.",
    ),
    "server.unavailable": ("账本暂时没有应答。", "the log does not answer now."),
}
"""By code; what is not here is explained as a refused proof is (`cli.refusals`)."""

OTHER: Final = ("账本出示的内容自相矛盾。", "what the log shows contradicts itself.")


def meaning(code: str) -> tuple[str, str]:
    """The sentence of a contradiction by its code, Chinese and English."""
    return MEANINGS.get(code) or REFUSED.get(code) or OTHER


def finding_lines(error: ChemtraceError) -> tuple[str, str]:
    """What a person reads of a finding: the Chinese with its place in the log, and the English with the details."""
    zh, _ = meaning(error.code)
    places = [
        f"{word}{error.fields[name]}"
        for name, word in (("index", "第 "), ("subject", "对象 "))
        if error.fields.get(name) is not None
    ]
    place = "，".join(f"{each} 条" if each.startswith("第") else each for each in places)
    return f"发现：{zh}" + (f"（{place}）" if place else ""), f"found: {error.message} [{error.code}]"
