"""What a coin is called in the name of a file, so that no two coins share one.

Not on any disk: macOS and Windows take BITCOIN and bitcoin for one name, and macOS takes a letter
with its accent for the same letter as two signs.

    BTC, 1INCH, 币安人生        as they are: signs without a lower case, or in capitals
    wrapped-bitcoin, usd-coin    as they are: ids in small letters, of parts joined by hyphens
    bitcoin, Σ/X, ...            with 8 digits of their coin's id: bitcoin-1f3a77c2, coin-9b1e04d6
"""

import re
from hashlib import sha256
from unicodedata import normalize

from chandlery.model import Coin

LONGEST = 40  # signs: of four bytes each, they leave room for the rest of a name of 255
_TICKER = re.compile(r"[^\W_]+")
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")
_DIGEST = re.compile(r"-[0-9a-f]{8}")


def is_plain(symbol: str) -> bool:
    """Whether a symbol can be a file's name as it is."""
    if len(symbol) > LONGEST or normalize("NFKC", symbol) != symbol:
        return False
    if _TICKER.fullmatch(symbol):
        return symbol == symbol.upper() == symbol.casefold().upper()
    return bool(_ID.fullmatch(symbol)) and not _DIGEST.fullmatch(symbol[-9:])


def file_name(coin: Coin) -> str:
    """Letters, digits and hyphens that name this coin and no other; stable over exports."""
    if is_plain(coin.symbol):
        return coin.symbol
    letters = re.sub(r"[\W_]+", "", normalize("NFKC", coin.symbol))[: LONGEST // 2]
    return f"{letters or 'coin'}-{sha256(coin.id.encode()).hexdigest()[:8]}"


def folder_value(symbol: str) -> str:
    """A symbol as the value in the name of a partition's folder, which readers decode.

    What is not plain is percent-encoded, small letters too: `symbol=%62%69tcoin` is another folder
    than `symbol=BITCOIN` wherever it is copied to.
    """
    return symbol if is_plain(symbol) else "".join(map(_encoded, symbol))


def _encoded(sign: str) -> str:
    if sign.isascii() and (sign.isupper() or sign.isdigit() or sign == "-"):
        return sign
    return "".join(f"%{byte:02X}" for byte in sign.encode("utf-8", "surrogatepass"))
