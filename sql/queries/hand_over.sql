-- What was left out as delisted, and is told to be a coin that is known: its listing is that coin's.
update listing
set coin = known.key
from unnest(%(ids)s::text[], %(symbols)s::text[]) as seen (id, symbol)
join coin known on known.id = seen.id
cross join coin placeholder
where listing.symbol = seen.symbol
    and listing.source = (select key from source where name = %(source)s)
    and listing.coin = placeholder.key and placeholder.left_out and not placeholder.mapped
    and not exists (
        select from listing other
        where (other.source, other.symbol, other.coin) = (listing.source, listing.symbol, known.key)
    )
