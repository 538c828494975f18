-- All that was ever listed at a source, with the coins' ids.
select listing.symbol, coin.id, listing.starts_at, listing.ends_at
from listing
join source on source.key = listing.source
join coin on coin.key = listing.coin
where source.name = %(source)s
