#!/usr/bin/env bash
# ccxt 4.5.90: the limit of build_ohlcvc counts trades, and counts those before since as well.
#
# Expected: build_ohlcvc(trades, "1m", limit=2) gives two candles, as every other limit of a method
# that returns candles does.
# Seen: it reads the first two trades, makes candles of these and leaves out the rest. The last
# candle is cut in the middle, looks whole, and has a fraction of its volume.
# Trades before `since` count too, though they are skipped: since=60000 with limit=3 is empty here.
# What to do: leave limit out and slice the candles.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ccxt==4.5.90
"$folder/venv/bin/python" - <<'PY'
import ccxt

exchange = ccxt.Exchange()


def trades(*rows: tuple[int, float, float]) -> list[dict]:
    return [
        {"id": str(n), "timestamp": second * 1000, "price": price, "amount": amount}
        for n, (second, price, amount) in enumerate(rows)
    ]


def candles(rows: list[dict], **choice: int) -> list[tuple[float, ...]]:
    """(minute, open, high, low, close, volume)."""
    made = exchange.build_ohlcvc(rows, "1m", **choice)
    return [(row[0] // 60_000, *row[1:6]) for row in made]


in_order = trades((0, 10, 1), (20, 12, 1), (40, 11, 1), (60, 11, 5), (90, 9, 5), (120, 9, 2))
everything, limited = candles(in_order), candles(in_order, limit=2)
print("ccxt", ccxt.__version__)
print("no limit:", everything)
print("limit=2:", limited)
print("limit=4:", candles(in_order, limit=4))
assert everything == [(0, 10, 12, 10, 11, 3), (1, 11, 11, 9, 9, 10), (2, 9, 9, 9, 9, 2)]
assert limited == [(0, 10, 12, 10, 12, 2)]
assert candles(in_order, limit=4) == [(0, 10, 12, 10, 11, 3), (1, 11, 11, 11, 11, 5)]

since = candles(in_order, since=60_000)
print("since the second minute:", since)
print("the same with limit=3:", candles(in_order, since=60_000, limit=3))
print("the same with limit=4:", candles(in_order, since=60_000, limit=4))
assert since == [(1, 11, 11, 9, 9, 10), (2, 9, 9, 9, 9, 2)]
assert candles(in_order, since=60_000, limit=3) == []
assert candles(in_order, since=60_000, limit=4) == [(1, 11, 11, 11, 11, 5)]
PY
