-- Where these coins are listed.
select
    listing.coin, source.name, listing.symbol, listing.multiple, listing.starts_at, listing.ends_at,
    listing.told_start, listing.start_checked_at, listing.price_checked_at
from listing
join source on source.key = listing.source
where listing.coin = any (%(coins)s::integer[])
order by listing.coin, source.name, listing.starts_at nulls last, listing.symbol
