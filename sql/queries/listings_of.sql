-- All that is or was listed at a source.
select
    listing.coin, source.name, listing.symbol, listing.multiple, listing.starts_at, listing.ends_at,
    listing.told_start, listing.start_checked_at, listing.price_checked_at
from listing
join source on source.key = listing.source
where source.name = %(source)s
order by listing.symbol, listing.ends_at nulls last
