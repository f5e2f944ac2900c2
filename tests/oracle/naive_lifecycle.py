"""A second, naive life cycle of one drum: plain dicts, one long if; no containers, waybills, late events.

Written from docs/reference/lifecycle.md, not from the program; the property tests compare the two.
"""

from __future__ import annotations

from fractions import Fraction

Drum = dict[str, object]


def new_drum() -> Drum:
    """A code without events."""
    return {
        "status": "unborn", "holder": None, "left": Fraction(0), "fill": Fraction(0), "used": Fraction(0),
        "offer": None, "shipper": None, "consignee": None, "proven": False, "sold_before": [], "moved_before": [],
        "maker": None, "made": None, "had_by": [],
    }  # fmt: skip


def scale_slack(fill: Fraction) -> Fraction:
    """3 sigma (0.33 % up to 100 kg, 0.15 % above) plus 0.5 %."""
    return fill * (Fraction(149, 10000) if fill <= 100 else Fraction(95, 10000))


def happen(drum: Drum, what: str, who: str, other: str | None, amount: Fraction | None) -> str | None:
    """Change the drum; return the first rule it breaks, with `refused ` before it where nothing may change.

    First the maker's word about what others had before its production was told.
    """
    kept, had = dict(drum), drum["holder"]
    told = None
    if (
        drum["made"] is not None
        and who == drum["maker"]
        and what not in ("inspect/done", "trade/buy", "produce/make")
    ):
        if what == "trade/sell" and other in (had, drum["shipper"], *drum["had_by"][-8:]):
            bought = [c for c in drum["sold_before"] if c[0] == other]
            if bought:
                drum["sold_before"] = []
            elif other == had and drum["offer"] is None:
                drum["offer"] = (who, other)
            drum["made"] = None
            return None
        if had != who or drum["status"] != "held":
            told = "item.reclaimed"
            buyer = other if what == "trade/sell" else None
            drum.update(
                status="held", holder=who, left=drum["made"], fill=drum["made"], used=Fraction(0), offer=None,
                shipper=None, consignee=None,
                sold_before=[(c[0], who) for c in drum["sold_before"] if c[0] == buyer],
                moved_before=[(c[0], who) for c in drum["moved_before"] if c[0] == buyer],
            )  # fmt: skip
        drum["made"] = None
    rule = _happen(drum, what, who, other, amount)
    if rule is not None and rule.startswith("refused "):
        drum.update(kept)
        return rule
    if had is not None and drum["holder"] != had and not kept["proven"] and rule and not _awaited(kept, who):
        drum["had_by"] = []  # taken: nobody has given it
    elif had is not None and drum["holder"] != had:
        drum["had_by"] = [*[party for party in drum["had_by"] if party != had], had]
    return told or rule


def _awaited(drum: Drum, who: str) -> bool:
    offer, status = drum["offer"], drum["status"]
    if status in ("closed", "missing"):
        return False
    return bool(offer and offer[1] == who) or (
        status == "in_transit" and who in (drum["shipper"], drum["consignee"])
    )


def _happen(drum: Drum, what: str, who: str, other: str | None, amount: Fraction | None) -> str | None:  # noqa: C901, PLR0911, PLR0912  # one long if is its point
    status = drum["status"]
    offer = drum["offer"]
    buyer = offer[1] if offer else None
    mine = drum["holder"] == who
    hopes = who == buyer or (status == "in_transit" and who in (drum["shipper"], drum["consignee"]))

    if what == "produce/make":
        if status == "unborn":
            drum.update(status="held", holder=who, left=amount, fill=amount, proven=True, maker=who)
            return None
        if not drum["proven"]:
            if not mine:
                drum["made"] = amount
            drum["maker"] = who
            drum.update(proven=True, fill=amount, left=max(Fraction(0), amount - drum["used"]))
            if status == "closed":
                drum["left"] = Fraction(0)
            elif status == "held" and drum["left"] == 0:
                drum["status"] = "spent"
            return "item.over-use" if drum["used"] > amount + scale_slack(amount) else None
        return "refused " + {"closed": "item.closed", "missing": "item.missing"}.get(
            status, "item.already-produced"
        )

    if status == "unborn":
        if what in ("trade/sell", "transport/load"):
            return "refused item.unknown"
        if what == "inspect/done":
            return "item.unknown"
        drum.update(holder=who, status={"dispose/done": "closed", "report/loss": "missing"}.get(what, "held"))
        if what == "use/consume":
            drum["used"] = amount
        if what == "trade/buy":
            drum["sold_before"] = [(who, "nobody")]
        if what == "dispose/hand_over":
            drum["offer"] = (who, other)
        return "item.unknown"

    if status == "closed":
        return "refused item.closed" if what in ("trade/sell", "transport/load") else "item.closed"

    if what == "transport/load" and status != "in_transit":
        goal = other or buyer
        if drum["moved_before"] == [(goal, who)]:  # behind an arrival that was told already
            if drum["holder"] == who:
                drum["holder"] = goal
            drum["moved_before"] = []
            return None

    if status == "missing":
        if what == "report/loss":
            return None
        if what == "report/found":
            if drum["shipper"] is not None and mine:
                drum["status"] = "in_transit"
                return None
            if who in (drum["holder"], drum["shipper"], drum["consignee"], buyer) or not drum["proven"]:
                known = who in (drum["holder"], drum["shipper"], drum["consignee"], buyer)
                drum.update(status="spent" if drum["proven"] and drum["left"] == 0 else "held", holder=who)
                if known:
                    drum.update(shipper=None, consignee=None)
                    return None
            return "item.not-holder"
        return "refused item.missing" if what in ("trade/sell", "transport/load") else "item.missing"

    if what in ("inspect/done", "report/found"):
        return None

    if what == "trade/sell":
        if status == "in_transit":
            if drum["shipper"] != who:
                return "refused item.not-holder"
        elif not mine:
            return "refused item.not-holder"
        elif status == "spent":
            return "refused item.insufficient"
        if buyer not in (None, other, drum["holder"]):
            return "refused item.double-sale"
        drum["offer"] = (who, other)
        bought = [c for c in drum["sold_before"] if c == (other, who)]
        moved = [c for c in drum["moved_before"] if c == (other, who)]
        if (bought or moved) and status != "in_transit":
            drum["holder"] = other
        if bought:
            drum.update(offer=None, sold_before=[])
        return None

    if what == "trade/buy":
        if buyer == who:
            astray = status != "in_transit" and drum["holder"] not in (who, offer[0])
            if status == "in_transit":
                drum["consignee"] = drum["consignee"] or who
            elif drum["holder"] == offer[0]:
                drum["holder"] = who
            drum["offer"] = None
            if astray:
                return "item.not-holder"
            return "item.no-offer" if other not in (None, offer[0]) else None
        if status == "spent":
            return "item.closed"
        if not mine:
            drum["sold_before"] = [(who, drum["shipper"] if status == "in_transit" else drum["holder"])]
            if not drum["proven"]:
                drum["holder"] = who
        return "item.no-offer"

    if what == "transport/load":
        goal = other or (drum["consignee"] if status == "in_transit" else buyer)
        if not mine:
            return "refused item.not-holder"
        drum.update(
            status="in_transit", shipper=drum["shipper"] if status == "in_transit" else who, consignee=goal
        )
        return None

    if what == "transport/arrive":
        if status == "in_transit":
            if not mine and not hopes:
                if drum["proven"]:
                    drum["moved_before"] = [(who, drum["shipper"])]
                else:
                    drum.update(status="held", holder=who)
                return "item.not-holder"
            strange = (
                mine and drum["consignee"] is not None and who not in (drum["consignee"], drum["shipper"])
            )
            drum.update(status="spent" if drum["proven"] and drum["left"] == 0 else "held", holder=who)
            drum.update(shipper=None, consignee=None, offer=None if offer and offer[0] == who else offer)
            return "waybill.consignee" if strange else None
        if not mine:
            drum["moved_before"] = [(who, drum["holder"])]
            if hopes or not drum["proven"]:
                drum.update(
                    holder=who,
                    shipper=None,
                    consignee=None,
                    offer=None if offer and offer[0] == who else offer,
                )
        return "item.not-loaded"

    # what is left wants the holder, accepts the expected receiver with a finding, and believes a stranger only of
    # an item that no production stands behind
    finding = (
        None
        if mine and status != "in_transit"
        else "item.not-received"
        if mine or hopes
        else "item.not-holder"
    )
    if what == "use/consume":
        used = drum["used"] + amount
        over = drum["proven"] and used > drum["fill"] + scale_slack(drum["fill"])
        if status == "spent" and over:
            return "item.closed"
        if finding == "item.not-holder" and drum["proven"]:
            return finding
        left = drum["fill"] - used if drum["proven"] else drum["left"] - amount
        drum.update(used=used, left=max(Fraction(0), left))
        if drum["proven"] and left <= 0 and status == "held":
            drum["status"] = "spent"
        if finding == "item.not-holder":
            drum["holder"] = who
        return finding or ("item.over-use" if over else None)
    if what == "store/in":
        if status == "in_transit" and mine:
            return None
        if finding == "item.not-holder" and not drum["proven"]:
            drum["holder"] = who
        return finding
    if what == "dispose/done":
        if finding == "item.not-holder" and drum["proven"]:
            return finding
        if hopes and not mine and status != "in_transit":
            finding = None
            drum["holder"] = who
        elif finding == "item.not-holder":
            drum["holder"] = who
        if drum["proven"]:
            drum["used"] = drum["fill"]
        drum.update(status="closed", left=Fraction(0), offer=None, sold_before=[], moved_before=[])
        return finding
    if what == "report/loss":
        if not mine and not hopes:
            if drum["proven"]:
                return "item.not-holder"
            drum.update(status="missing", holder=who)
            return "item.not-holder"
        drum["status"] = "missing"
        return None
    raise AssertionError(what)
