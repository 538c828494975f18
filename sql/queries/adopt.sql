-- A coin that was known by a venue's word only gets its CoinGecko id, now that somebody tells: its candles stay its own.
update coin
set id = seen.id, mapped = true
from unnest(%(ids)s::text[], %(symbols)s::text[]) as seen (id, symbol)
join listing on listing.symbol = seen.symbol
join source on source.key = listing.source and source.name = %(source)s
where coin.key = listing.coin and not coin.mapped
    and not exists (select from coin known where known.id = seen.id)
