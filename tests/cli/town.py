"""A founded ledger with a maker, a user and a carrier, their keys and some codes: made once by the commands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.cli.shell import run_ok

AUTHORITY = "11110000MB01234562"
MAKER = "91110108MA01ABCD2H"
USER = "91110105MA02EFGH3J"
CARRIER = "91110106MA03ABCD40"
NAMES = {MAKER: "works", USER: "water", CARRIER: "carrier"}


@dataclass(frozen=True)
class Town:
    """Where things are."""

    folder: Path
    token: str

    @property
    def data(self) -> Path:
        """The ledger's data folder."""
        return self.folder / "ledger"

    def key(self, party: str) -> str:
        """The private key file of a party."""
        return str(self.folder / f"{NAMES[party]}.pem")

    @property
    def codes(self) -> list[str]:
        """The codes issued to the maker: nitric acid, packages."""
        return (self.folder / "codes.txt").read_text().split()


def found(folder: Path) -> Town:
    """Found it."""
    data = ("--data", str(folder / "ledger"))
    told = run_ok(
        "init", *data, "--json", "--authority-zh", "示范市应急管理局", "--authority-en", "Example City Authority",
        "--credit-code", AUTHORITY, "--origin", "trace.example.cn/1", "--label-host", "cx.example.cn",
    ).json  # fmt: skip
    parties = folder / "parties.csv"
    parties.write_text(
        "code,name_zh,name_en,roles,issuer\n"
        f"{MAKER},示例化工厂,Example Chemical Works,producer trader,new\n"
        f"{USER},示例水厂,Example Waterworks,user,\n"
        f"{CARRIER},示例运输,Example Carrier,carrier,\n",
        encoding="utf-8-sig",
    )
    run_ok("register", "enterprise", *data, "--csv", str(parties))
    for site, party in (("WORKS-1", MAKER), ("WATER-1", USER)):
        run_ok(
            "register", "site", site, *data, "--enterprise", party, "--name-zh", "一号库", "--name-en", "Store 1",
            "--lat", "39.904989", "--lon", "116.405285",
        )  # fmt: skip
    for party, name in NAMES.items():
        run_ok("keys", "new", "--enterprise", party, "--out", str(folder / f"{name}.pem"))
        run_ok("keys", "register", str(folder / f"{name}.request.json"), *data)
    run_ok(
        "codes", "issue", *data, "--enterprise", MAKER, "--chemical", "7697-37-2", "--count", "40",
        "--out", str(folder / "codes.txt"),
    )  # fmt: skip
    return Town(folder, told["token"])
