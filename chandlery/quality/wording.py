"""What each kind of finding is called in a sentence, for whatever is read by people."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from chandlery.model import utc_text

SENTENCES: Mapping[str, str] = {
    "rules": "{symbol} has candles since {at} that no venue made: {detail}.",
    "zombie": "{symbol} has stood still since {at}: {detail}.",
    "jump": "{symbol} jumped at {at}: {detail}.",
    "step": "{symbol} was told wrong on one side of {at}, it seems: {detail}.",
    "volume": "{symbol} has dollars for coins on one side of {at}, it seems: {detail}.",
    "halt": "{symbol} went on at {at} after a halt: {detail}.",
    "stale": "{symbol} is still listed, but its newest hour is {at}: {detail}.",
    "price": "{symbol} may be another coin, or so many of it, at {at}: {detail}.",
    "restated": "{symbol} was restated, most of all at {at}: {detail}.",
    "redenomination": "{symbol} was redenominated, it seems, at {at}: {detail}.",
    "suspected reuse": "{symbol} may be another coin from {at} on: {detail}.",
    "splice": "{symbol} is joined from two sources that disagree at {at}: {detail}.",
}


def sentence(symbol: str, kind: str, at: datetime, detail: str) -> str:
    """One finding in plain English; a kind without a sentence of its own is named as it is."""
    template = SENTENCES.get(kind, "{symbol} at {at}: {kind}: {detail}.")
    return template.format(symbol=symbol, kind=kind, at=utc_text(at), detail=detail)


def cut(percentage: object) -> str:
    """To two digits, cut and not rounded: 100 is said only of what is whole."""
    return f"{int(Decimal(str(percentage)) * 100) / 100:.2f} %"
