"""Chinese for the words that the ledger itself puts into the sentences of a finding: states, and what was declared."""

from __future__ import annotations

from typing import Final

WORDS: Final = {
    "unborn": "未生产",
    "held": "在库",
    "in_transit": "在途",
    "spent": "已用完",
    "closed": "已结束",
    "missing": "报失",
    "void": "作废",
    "produce/make": "生产",
    "produce/fill": "充装",
    "produce/repack": "分装",
    "trade/sell": "售出",
    "trade/buy": "购入",
    "store/in": "入库",
    "store/out": "出库",
    "store/opening": "期初库存",
    "transport/load": "装车",
    "transport/arrive": "到货",
    "use/consume": "使用",
    "use/return": "退回空包装",
    "dispose/hand_over": "移交处置",
    "dispose/done": "处置完成",
    "dispose/empty": "清空注销",
    "pack/done": "装箱",
    "unpack/done": "拆箱",
    "transform/done": "加工转换",
    "inspect/done": "检查",
    "count/done": "盘点",
    "report/loss": "报告丢失",
    "report/theft": "报告被盗",
    "report/spill": "报告泄漏",
    "report/found": "报告找回",
    "report/reprint": "补印标签",
    "report/void": "标签作废",
    "correct/done": "更正",
    "waybill/scheduled": "运单登记",
    "waybill/loaded": "运单装车",
    "waybill/in_transit": "运单在途",
    "waybill/arrived": "运单到达",
    "waybill/closed": "运单完结",
    "waybill/void": "运单作废",
    "scheduled": "已登记",
    "loaded": "已装车",
    "arrived": "已到达",
}
"""States of items and waybills, and `kind/phase` of events, as a Chinese reader calls them."""


def in_chinese(word: str) -> str:
    """The Chinese of a word of ours; names, codes and amounts stay as they are."""
    return WORDS.get(word, word)
