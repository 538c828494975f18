"""Which of the best coins each source lists, by the lists that venues were recorded to send.

    python bench/listed.py --recorded ../shared/recorded
    python bench/listed.py --recorded ../shared/recorded --ranking coins.json

The recordings rank 500 coins. `--ranking` takes a longer list: JSON, the best coin first, of
`[id, ticker]` or of objects with a `symbol`, as CoinGecko's `/coins/markets` answers.

Coins are told by their tickers, since these lists name no coin. Of two coins with one ticker one
counts, and a venue may list the other: what is printed is an upper bound. Lists are of different
years, and some are old: what was listed since is not counted. Only pairs against dollars count, as
a run takes no others. Of MEXC no whole list was recorded.
"""

import argparse
import gzip
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import orjson
import polars as pl

from chandlery.venues import load

RANKED = "more/coingecko_top500_ids_2025-11-20.json"
DOLLARS = ("USDT", "USDC", "USD", "BUSD", "FDUSD", "TUSD", "USD1")
LISTS: Mapping[str, str] = {
    "binance_futures": "binance/exchangeInfo_usdm_2021-07-21_full.json.gz",
    "binance_spot": "binance/exchangeInfo_spot_2021-10-12_full.json.gz",
    "okx": "okx/public_instruments_SPOT_2022-05-13_full.json.gz",
    "bybit": "more/bybit_v5_instruments-info_linear_2026-08-09.json.gz",
    "bybit_spot": "more/bybit_v5_instruments-info_spot_2026-08-09.json.gz",
    "coinbase": "more/coinbase_brokerage_market_products_2026-08-09.json.gz",
    "gate": "more/gate_v4_spot_currency_pairs_2021-04-22.json.gz",
    "bitget": "more/bitget_v1_spot_products_2022-04-07.json.gz",
    "kucoin": "more/kucoin_v1_symbols_2021-04-25.json.gz",
}
"""By source, in the order of asking. Coinbase's and Bitget's are of other APIs than are asked."""
OTHER_FORMS: Mapping[str, tuple[str, str, str]] = {
    "coinbase": ("products", "base_currency_id", "quote_currency_id"),
    "bitget": ("data", "baseCoin", "quoteCoin"),
}
TOPS = (100, 500, 1000, 2000)


class Row(NamedTuple):
    """A source's tickers, how many of the best it lists, and how many those before it do not."""

    source: str
    tickers: int
    listed: Sequence[int]
    added: Sequence[int]
    together: Sequence[int]


def rows(ranked: Sequence[str], lists: Mapping[str, Collection[str]]) -> Iterator[Row]:
    """A row for each source, in order; the counts are of as many of TOPS as `ranked` reaches."""
    known: set[str] = set()
    best = [set(ranked[:top]) for top in tops(ranked)]
    for source, tickers in lists.items():
        yield Row(
            source,
            len(set(tickers)),
            [len(top & set(tickers)) for top in best],
            [len(top & set(tickers) - known) for top in best],
            [len(top & (known | set(tickers))) for top in best],
        )
        known |= set(tickers)


def tops(ranked: Sequence[str]) -> Sequence[int]:
    """Those of TOPS that this ranking reaches."""
    return [top for top in TOPS if top <= len(ranked)]


def ranking(body: bytes) -> list[str]:
    """The tickers of a ranking, the best coin's first, in capitals."""
    entries: list[Any] = orjson.loads(body)
    told = (each["symbol"] if isinstance(each, dict) else each[1] for each in entries)
    return [str(ticker).upper() for ticker in told]


def tickers(source: str, body: bytes) -> set[str]:
    """The coins' own tickers in a recorded list, of what trades against dollars."""
    if source in OTHER_FORMS:
        keys = OTHER_FORMS[source]
        entries: list[dict[str, Any]] = orjson.loads(body)[keys[0]]
        return {str(each[keys[1]]) for each in entries if each[keys[2]] in DOLLARS}
    catalogue = load()[source].catalogue
    if catalogue is None:
        raise ValueError(f"{source} has no list")
    frame = catalogue.parse(httpx.Response(200, content=body)).frame
    return set(frame.filter(pl.col("trading") & pl.col("quote").is_in(DOLLARS))["base"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    beside = Path(__file__).resolve().parents[2] / "shared" / "recorded"
    parser.add_argument("--recorded", type=Path, default=beside, help="the folder of recordings")
    parser.add_argument("--ranking", type=Path, help="a longer ranking than the recorded one")
    given = parser.parse_args()
    folder: Path = given.recorded
    if not (folder / RANKED).is_file():
        sys.exit(f"no recordings in {folder}: name their folder with --recorded")
    ranked = ranking((given.ranking or folder / RANKED).read_bytes())
    lists = {
        source: tickers(source, gzip.decompress((folder / file).read_bytes()))
        for source, file in LISTS.items()
    }
    top = " | ".join(f"of the best {top}, new, together" for top in tops(ranked))
    sys.stdout.write(f"| source | tickers | {top} |\n|---|---|{'---|' * len(tops(ranked))}\n")
    for row in rows(ranked, lists):
        counts = zip(row.listed, row.added, row.together, strict=True)
        cells = " | ".join(f"{one}, {new}, {both}" for one, new, both in counts)
        sys.stdout.write(f"| {row.source} | {row.tickers} | {cells} |\n")


if __name__ == "__main__":
    main()
