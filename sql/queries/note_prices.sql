-- These listings' candles cost about what CoinGecko says of their coins.
update listing
set price_checked_at = %(now)s
from unnest(%(sources)s::text[], %(symbols)s::text[], %(coins)s::integer[]) as right_ (source, symbol, coin)
join source on source.name = right_.source
where (listing.source, listing.symbol, listing.coin) = (source.key, right_.symbol, right_.coin)
