-- Listings that are over, and since when. One that began later by what was learnt has an hour at the least.
update listing
set ends_at = greatest(over.ends_at, listing.starts_at + interval '1 hour')
from unnest(%(symbols)s::text[], %(ids)s::text[], %(ends)s::timestamptz[]) as over (symbol, id, ends_at)
join coin on coin.id = over.id
where listing.coin = coin.key and listing.symbol = over.symbol
    and listing.source = (select key from source where name = %(source)s)
