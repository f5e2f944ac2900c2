"""The page of rules as it must be; run as a program it prints docs/reference/rules.md."""

from __future__ import annotations

from chemtrace.trace.rules import RULES

_HEAD = (
    "# Rules · 规则\n"
    "\n"
    "Each rule has an id, a text in Chinese and English, a severity and a mode: *refuse* stops a normal "
    "event of the kinds that can be stopped, *find* admits it and records a finding, *both* does the one "
    "or the other by kind ([life cycle](lifecycle.md) says which).\n"
    "With stance `exception` a refusal becomes a finding of severity critical; form, identity, "
    "signature, `time.future`, `site.unknown`, `item.foreign-limit` and `correct.*` are never waived.\n"
    "Ids are stable: receipts, findings, refusals and alerts carry them.\n"
    "In the explanations `{holder}` and `{status}` are what the ledger says of the item, `{actor}` and "
    "`{said}` who submitted the event and which kind it is, `{expected}` and `{found}` the two sides of "
    "the mismatch.\n"
    "\n"
    "每条规则有固定编号、中英文说明、严重程度和方式：*refuse* 拒绝仍可改正的正常申报，*find* "
    "受理并记录发现，*both* 视事件种类而定（见 [life cycle](lifecycle.md)）。\n"
    "以 `exception` 立场申报时，拒绝改为严重发现；格式、身份、签名、`time.future`、`site.unknown`、"
    "`item.foreign-limit` 与 `correct.*` 不得豁免。\n"
    "说明中 `{holder}`、`{status}` 是账上记录，`{actor}`、`{said}` "
    "是申报人与事件，`{expected}`、`{found}` 是矛盾的两面。\n"
    "\n"
    "| id | mode | severity | 名称 | name | 说明 | explanation |\n"
    "|---|---|---|---|---|---|---|\n"
)


def rules_page() -> str:
    """The whole page, generated from the register."""
    rows = [
        f"| `{r.id}` | {r.mode} | {r.severity} | {r.zh} | {r.en} | {r.text_zh} | {r.text_en} |"
        for r in RULES.values()
    ]
    return _HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(rules_page(), end="")  # noqa: T201  # this program prints the page
