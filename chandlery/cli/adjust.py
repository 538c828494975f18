"""`chandlery adjust`: what redenominations do to back-adjusted prices, as a person decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

import click
from rich.markup import escape
from rich.table import Table

from chandlery import store
from chandlery.cli.console import output, print_json
from chandlery.cli.options import JSON, NOW, at, options
from chandlery.engine.chosen import choose
from chandlery.errors import Misuse
from chandlery.model import Coin, instant, utc_text, whole_hour
from chandlery.settings import settings
from chandlery.store import Adjustment

LEAST, MOST = 1e-12, 1e12


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be done about which coin's moment."""

    coin: Coin
    moment: datetime | None
    factor: float | None


@click.command()
@click.argument("coin", required=False)
@click.argument("moment", required=False)
@click.option("--confirm", "do", flag_value="confirm", help="Adjust prices before MOMENT.")
@click.option("--take-back", "do", flag_value="take back", help="No longer adjust them.")
@click.option(
    "--factor",
    type=float,
    metavar="F",
    help="What prices before are multiplied by, as 0.01. [default: as proposed]",
)
@options(NOW, JSON)
def adjust(  # noqa: PLR0913  a verb's options
    *,
    coin: str | None,
    moment: str | None,
    do: str | None,
    factor: float | None,
    now: str | None,
    as_json: bool,
) -> None:
    """List redenominations; confirm one, or take it back, for market_data_adjusted.

    MOMENT is the first hour in the new unit, as 2023-02-22T08:00Z. It may be left out where a COIN
    has one.
    """
    time = at(now)
    _refuse_half(coin, do, factor)
    opened = None if moment is None else _moment(moment, time)
    with store.connect(settings()) as connection:
        store.migrate(connection)
        coins = choose(connection, None if coin is None else [coin])
        if do is not None:
            asked = Asked(coins[0], opened, factor)
            known = store.adjustments(connection, coins[:1])
            DO[do](connection, asked, known, time)
        found = [
            each
            for each in store.adjustments(connection, coins)
            if opened is None or each.open_time == opened
        ]
    if as_json:
        print_json({"adjustments": [_as_json(each) for each in found]})
    else:
        _print(found)


def _refuse_half(coin: str | None, do: str | None, factor: float | None) -> None:
    if do is not None and coin is None:
        raise Misuse(f"no coin is named: write chandlery adjust COIN --{do.replace(' ', '-')}")
    if factor is None:
        return
    if do != "confirm":
        raise Misuse("--factor is for --confirm: write both")
    if not (isfinite(factor) and LEAST <= factor <= MOST) or factor == 1:
        raise Misuse(
            f"factor {factor:g} is none: write what prices before are multiplied by, as 0.01"
        )


def _moment(text: str, now: datetime) -> datetime:
    moment = instant(text, name="moment")
    if moment != whole_hour(moment):
        raise Misuse(f"moment {text!r} is not a whole hour: write '{utc_text(whole_hour(moment))}'")
    if moment > now:
        raise Misuse(f"moment {utc_text(moment)} is in the future: nothing opened then")
    return moment


def _confirm(
    connection: store.Connection, asked: Asked, known: Sequence[Adjustment], now: datetime
) -> None:
    """Confirm what is proposed, or what is given; Misuse where it is neither."""
    proposed = [each for each in known if each.confirmed_at is None]
    one = _one(asked, known if asked.moment else proposed, "proposed")
    moment = asked.moment or (one and one.open_time)
    factor = asked.factor or (one and one.factor)
    if moment is None:
        raise Misuse(f"nothing is proposed for {asked.coin.symbol}: give MOMENT and --factor")
    if factor is None:
        raise Misuse(f"nothing tells by how much {asked.coin.symbol} changed then: give --factor")
    store.confirm_adjustment(connection, asked.coin, moment, factor, now)


def _take_back(
    connection: store.Connection, asked: Asked, known: Sequence[Adjustment], _: datetime
) -> None:
    """Take back what is confirmed; Misuse where nothing is."""
    one = _one(asked, [each for each in known if each.confirmed_at is not None], "confirmed")
    if one is None:
        then = f" at {utc_text(asked.moment)}" if asked.moment else ""
        raise Misuse(
            f"nothing is confirmed for {asked.coin.symbol}{then}: `chandlery adjust` lists what is"
        )
    store.take_back_adjustment(connection, asked.coin, one.open_time)


DO = {"confirm": _confirm, "take back": _take_back}


def _one(asked: Asked, among: Sequence[Adjustment], what: str) -> Adjustment | None:
    """The one that is meant, None if there is none; Misuse if it may be any of several."""
    meant = [each for each in among if asked.moment in {None, each.open_time}]
    if len(meant) > 1:
        moments = ", ".join(f"'{utc_text(each.open_time)}'" for each in meant)
        raise Misuse(f"{asked.coin.symbol} has {len(meant)} {what}: give MOMENT, of {moments}")
    return meant[0] if meant else None


def _as_json(each: Adjustment) -> dict[str, object]:
    return {
        "symbol": each.coin.symbol,
        "coin_id": each.coin.id,
        "open_time": each.open_time.isoformat(),
        "factor": each.factor,
        "confirmed_at": each.confirmed_at and each.confirmed_at.isoformat(),
        "detail": each.detail,
    }


def _print(found: Sequence[Adjustment]) -> None:
    if not found:
        output.print("nothing is proposed or confirmed: `chandlery quality` looks for it")
        return
    table = Table("coin", "moment", "factor", "", "seen", box=None, header_style="bold")
    for each in found:
        factor = "" if each.factor is None else f"{each.factor:g}"
        state = "proposed" if each.confirmed_at is None else f"confirmed {each.confirmed_at:%F}"
        moment = utc_text(each.open_time)
        table.add_row(
            escape(each.coin.symbol), moment, factor, state, escape(each.detail or "not any more")
        )
    output.print(table)
