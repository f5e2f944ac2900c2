"""The rule register of items and waybills: id, mode, severity, and how each explains itself in Chinese and English.

Mode: `refuse` stops a normal event of a kind that is still in the submitter's hands; `find` admits and records a
finding; `both` does the one or the other by kind. Templates name both sides: who has it, and who says so.
The published table is docs/reference/rules.md. Source: the rule register R-01 to R-22 and the anomaly taxonomy.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

Severity: TypeAlias = Literal["notice", "minor", "major", "critical"]
Mode: TypeAlias = Literal["refuse", "find", "both"]


class Rule(msgspec.Struct, frozen=True):
    """One rule: what it is called, what it does, and its explanation with `{side}` fields."""

    id: str
    mode: Mode
    severity: Severity
    zh: str
    en: str
    text_zh: str
    text_en: str


_HAS_ZH: Final = "账上由 {holder} 负责（状态 {status}），申报人是 {actor}（{said}）。"
_HAS_EN: Final = " On record {holder} answers for it (status {status}); {actor} says {said}."

_ITEM: Final = (
    Rule("item.already-produced", "both", "critical", "重复生产", "produced already",
         "追溯码 {code} 已由 {producer} 在第 {expected} 条登记生产，不能再次生产或作废；请另用新码。" + _HAS_ZH,
         "Code {code} was produced by {producer} at index {expected} and cannot be produced or voided again;"
         " use a new code." + _HAS_EN),
    Rule("item.unknown", "both", "critical", "无源码", "unknown code",
         "追溯码 {code} 没有任何生产记录，{actor} 却申报 {said}；请核对标签，或由生产者补报。",
         "Nothing was ever produced under code {code}, yet {actor} says {said};"
         " check the label, or let the producer report it."),
    Rule("item.not-issued", "both", "critical", "未发放的码", "code never issued",
         "追溯码 {code} 不在任何已发放的号段内，{actor} 申报 {said}；请使用发放给贵单位的码。",
         "Code {code} is in no issued range, yet {actor} says {said}; use codes that were issued to you."),
    Rule("item.foreign-issuer", "both", "critical", "他人的码", "code issued to another",
         "追溯码 {code} 发放给了其他单位，{actor} 不能申报 {said}；请使用发放给贵单位的码。",
         "Code {code} was issued to another enterprise, so {actor} cannot say {said}; use your own codes."),
    Rule("item.chemical", "refuse", "critical", "品种不符", "another chemical",
         "追溯码 {code} 的品种位是 {expected}，申报的是 {found}；请使用该品种的码。",
         "The chemical slot of code {code} says {expected}, the event says {found};"
         " use a code of that chemical."),
    Rule("item.not-holder", "both", "critical", "非保管人", "not the holder",
         "{code}：" + _HAS_ZH + "双方记录均予保留，请双方核对。",
         "{code}:" + _HAS_EN + " Both records are kept; both sides should check."),
    Rule("item.closed", "both", "critical", "注销码复用", "used after its end",
         "{code} 已在第 {expected} 条结束使用（状态 {status}，保管人 {holder}），{actor} 却申报 {said}。",
         "{code} ended at index {expected} (status {status}, holder {holder}), yet {actor} says {said}."),
    Rule("item.insufficient", "refuse", "major", "数量不足", "not that much left",
         "{code} 账上只剩 {expected}，申报 {found}；请改为实际数量。" + _HAS_ZH,
         "{code} holds {expected} on record, the event moves {found}; state the real amount." + _HAS_EN),
    Rule("item.over-use", "find", "major", "超量使用", "more used than filled",
         "{code} 装量与秤差合计 {expected}，累计取用 {found}。" + _HAS_ZH,
         "{code} was filled with {expected} including scale tolerance, but {found} was drawn in all." + _HAS_EN),
    Rule("item.unaccounted", "find", "major", "余量不符", "residue not as recorded",
         "{code} 账上余量 {expected}，申报余量 {found}，差额超过秤差。" + _HAS_ZH,
         "{code} should hold {expected} on record, {found} was stated: more than scale tolerance apart." + _HAS_EN),
    Rule("item.nothing", "refuse", "minor", "数量为零", "an amount of nothing",
         "{code}：{actor} 申报 {said} 的数量为 {found}；请填写实际数量，空包装请用退回或清空申报。",
         "{code}: {actor} says {said} of {found}; state the real amount, or report an empty package as returned or"
         " emptied."),
    Rule("item.double-sale", "both", "critical", "重复销售", "offered to two buyers",
         "{code} 已售予 {expected}，又售予 {found}；请先更正前一次销售。" + _HAS_ZH,
         "{code} is already offered to {expected} and now to {found}; correct the first sale before." + _HAS_EN),
    Rule("item.missing", "both", "critical", "已报失", "reported missing",
         "{code} 已报失或被盗，须先申报找回。" + _HAS_ZH,
         "{code} is reported lost or stolen; report it found first." + _HAS_EN),
    Rule("item.packed", "both", "major", "仍在包装内", "inside a container",
         "{code} 仍在容器 {expected} 内，须先拆包。" + _HAS_ZH,
         "{code} is inside container {expected}; unpack it first." + _HAS_EN),
    Rule("item.not-packed", "refuse", "major", "不在该容器内", "not in that container",
         "{code} 不在容器 {found} 内（账上：{expected}）。" + _HAS_ZH,
         "{code} is not inside container {found} (on record: {expected})." + _HAS_EN),
    Rule("item.no-container", "refuse", "major", "不是容器码", "no container",
         "{code} 不是容器码，不能向其中装入货物；请使用 A 类（托盘、箱）码。",
         "{code} is no container's code, so nothing is packed into it; use a code of kind A (pallet, case)."),
    Rule("item.void", "both", "critical", "已作废的码", "voided code",
         "追溯码 {code} 已作废，{actor} 却申报 {said}；请改用有效的码。",
         "Code {code} was voided, yet {actor} says {said}; use a valid code."),
    Rule("item.no-offer", "find", "major", "无对应销售", "no matching sale",
         "{code} 没有售予 {actor} 的对应记录（账上要约：{expected}，申报卖方：{found}）。" + _HAS_ZH,
         "{code}: no sale to {actor} matches (offer on record: {expected}, seller named: {found})." + _HAS_EN),
    Rule("item.not-loaded", "find", "major", "未装先到", "arrived without loading",
         "{code} 没有装车记录就到货。" + _HAS_ZH,
         "{code} arrived although nobody loaded it." + _HAS_EN),
    Rule("item.not-received", "find", "minor", "未收先用", "used before receipt",
         "{code} 尚在 {holder} 处（状态 {status}），收货方 {actor} 未登记收货即申报 {said}；请补报收货。",
         "{code} is still with {holder} (status {status}); {actor}, who expects it, says {said} without a receipt;"
         " report the receipt."),
    Rule("item.impossible-move", "find", "critical", "一码多现", "in two places at once",
         "{code} 在 {expected} 出现后又在 {found} 出现，需要的速度不可能。" + _HAS_ZH,
         "{code} was seen at {expected} and then at {found}: no vehicle is that fast." + _HAS_EN),
    Rule("item.foreign-report", "find", "minor", "无关单位申报", "said by an outsider",
         "{code}：" + _HAS_ZH + "{actor} 与该货物无关（未保管过，不是买卖、运输当事方或检查机关）；"
         "已受理，请双方核对。",
         "{code}:" + _HAS_EN + " {actor} has no part in it: it never held it and is no party of a sale, transport or"
         " inspection. It is admitted; both sides should check."),
    Rule("item.foreign-limit", "refuse", "minor", "无关单位申报过多", "too much said by an outsider",
         "{code}：" + _HAS_ZH + "{actor} 与该货物无关，保管人未变期间已申报 {found} 次，上限 {expected} 次，不再受理；"
         "货物若在贵单位，请由 {holder} 申报销售或装车，或报告主管部门。",
         "{code}:" + _HAS_EN + " {actor} has no part in it and has spoken of it {found} times since {holder} answers"
         " for it; the limit is {expected}. If you have it, let {holder} report the sale or load, or tell the"
         " authority."),
    Rule("item.reclaimed", "find", "major", "生产者收回", "reclaimed by its maker",
         "{code}：在生产申报之前已由他人申报，账上由 {holder} 负责（状态 {status}）；生产者 {actor} 现申报 {said}，"
         "并未售予对方，故仍由生产者负责，按原装 {expected} 计，"
         "他人申报取用的 {found} 不计。双方记录均予保留，请双方核对。",
         "{code}: others had it before its production was told; on record {holder} answers for it (status {status})."
         " Its maker {actor} says {said} and has not sold it to them: it is the maker's, with {expected} as made; the"
         " {found} that others drew are not counted. Both records are kept; both sides should check."),
    Rule("item.receipt-difference", "find", "major", "收发差异", "received is not what was sent",
         "{code} 装车 {expected}，收货 {found}，差额超过两次称量误差。" + _HAS_ZH,
         "{code}: {expected} was loaded, {found} received, beyond the error of both scales." + _HAS_EN),
)  # fmt: skip

_MASS: Final = (
    Rule("transform.gain", "find", "critical", "产出增量", "more out than in",
         "{actor} 投入 {expected}，产出 {found}，超过秤差；涉及 {code}。",
         "{actor} put in {expected} and took out {found}, beyond scale tolerance; first item {code}."),
    Rule("transform.loss", "find", "minor", "产出损耗", "less out than in",
         "{actor} 投入 {expected}，产出 {found}，超过正常损耗的三倍；涉及 {code}。",
         "{actor} put in {expected} and took out {found}, beyond three times normal loss; first item {code}."),
)  # fmt: skip

_WAYBILL: Final = (
    Rule("waybill.missing", "find", "major", "无运单运输", "no waybill",
         "{actor} 运输 {found}，没有电子运单（豁免量 {expected}）；涉及 {code}。",
         "{actor} moved {found} without a waybill (exempt: {expected}); first item {code}."),
    Rule("waybill.unknown", "refuse", "major", "运单不存在", "unknown waybill",
         "运单 {found} 没有登记；请先登记运单，或去掉运单号。",
         "Waybill {found} is not registered; schedule it first, or leave the number out."),
    Rule("waybill.state", "both", "major", "运单状态不符", "waybill in another state",
         "运单 {code} 的状态是 {expected}，不能 {found}（{actor} 申报）。",
         "Waybill {code} is {expected}; {actor} cannot do {found} with it."),
    Rule("waybill.party", "refuse", "major", "非运单当事方", "no party of the waybill",
         "运单 {code} 的当事方是 {expected}，{found} 不是其中之一。",
         "The parties of waybill {code} for this are {expected}; {found} is none of them."),
    Rule("waybill.vehicle-busy", "both", "major", "车辆另有在途运单", "vehicle on another waybill",
         "车辆 {found} 还有未完成的运单 {expected}；请先结束它；若属其他承运人，请核对车牌。",
         "Vehicle {found} still has open waybill {expected}; finish that trip first, or check the plate if it is"
         " another carrier's."),
    Rule("waybill.code-not-listed", "both", "major", "码不在运单上", "code not on the waybill",
         "{code} 不在运单 {expected} 的清单内（{actor} 申报 {said}）；请修改运单或卸下该货物。",
         "{code} is not listed on waybill {expected} ({actor} says {said}); amend the waybill or unload it."),
    Rule("waybill.mass", "find", "major", "运单数量不符", "waybill amount differs",
         "运单 {code} 登记 {expected}，实际 {found}。",
         "Waybill {code} states {expected}, the events say {found}."),
    Rule("waybill.goods", "find", "major", "运单货物不符", "waybill goods differ",
         "{code} 的联合国编号是 {found}，运单写的是 {expected}。",
         "{code} is UN {found}, the waybill says {expected}."),
    Rule("waybill.vehicle", "find", "major", "车辆不符", "another vehicle",
         "{code}：运单车辆 {expected}，申报车辆 {found}。",
         "{code}: the waybill names vehicle {expected}, the event {found}."),
    Rule("waybill.consignee", "find", "major", "收货人不符", "another consignee",
         "{code}：运单收货人 {expected}，申报收货人 {found}。",
         "{code}: the waybill names consignee {expected}, the event {found}."),
    Rule("waybill.not-named", "find", "minor", "到货未写运单", "arrival without its waybill",
         "{code} 随运单 {expected} 运输，{actor} 的到货申报没有写运单号；请以运单事件补报到达。",
         "{code} travelled on waybill {expected}, which the arrival by {actor} does not name;"
         " report the waybill arrived by its own event."),
    Rule("waybill.carrier", "refuse", "major", "承运人不符", "another carrier",
         "运单 {code} 的托运人是 {holder}，承运人是 {expected}；装车申报人 {found} 不是当事方。",
         "Waybill {code} names consignor {holder} and carrier {expected}; {found}, who reports the loading,"
         " is no party of it."),
)  # fmt: skip

_EVENT: Final = (
    Rule("late.superseded", "both", "minor", "迟到且已被后续事件取代", "late, and overtaken",
         "{code}：{actor} 补报的 {said} 与他人已按序登记的第 {expected} 条（{found}）相矛盾，不改变状态。",
         "{code}: the late {said} of {actor} contradicts what others did in order at index {expected} ({found});"
         " it changes no state."),
    Rule("correct.superseded", "find", "minor", "更正已被后续事件取代", "correction overtaken",
         "{code}：{actor} 的更正会推翻他人已登记的第 {expected} 条（{found}），不改变状态。",
         "{code}: the correction by {actor} would undo what others did at index {expected} ({found});"
         " it changes no state."),
    Rule("correct.foreign", "refuse", "major", "不得更正他人事件", "correction of another's event",
         "该事件由 {expected} 申报，{found} 不能更正；请由原申报人或主管部门更正。",
         "The event is {expected}'s; {found} cannot correct it. Its sender or the authority can."),
    Rule("correct.unknown", "refuse", "minor", "被更正事件不存在", "unknown event to correct",
         "没有编号为 {found} 的货物事件可更正。",
         "There is no item event {found} to correct."),
    Rule("time.future", "refuse", "minor", "时间在未来", "in the future",
         "申报时间 {found} 超过收到时间 24 小时以上（{expected}）；请校准时钟。",
         "The claimed time {found} is more than 24 h after it was received ({expected}); set the clock."),
    Rule("site.unknown", "refuse", "minor", "场所未登记", "unknown site",
         "场所 {found} 没有登记；请使用已登记的场所编号。",
         "Site {found} is not registered; use a registered one."),
    Rule("site.foreign", "refuse", "major", "他人的场所", "another's site",
         "场所 {found} 属于 {expected}，{actor} 与该货物在此无关；请核对场所编号。",
         "Site {found} belongs to {expected}, who has no part in what {actor} says; check the site."),
)  # fmt: skip

RULES: Final[dict[str, Rule]] = {rule.id: rule for rule in (*_ITEM, *_MASS, *_WAYBILL, *_EVENT)}
"""Every rule by id. Ids are stable: receipts, findings and refusals carry them."""
