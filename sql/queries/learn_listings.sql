-- Listings by CoinGecko's coin id. A start that was learnt from the venue's candles stays, unless the venue says
-- that it was over by then: one of the two is wrong, and the start can be learnt anew.
insert into listing (coin, source, symbol, multiple, ends_at)
select coin.key, source.key, seen.symbol, seen.multiple, seen.ends_at
from unnest(%(ids)s::text[], %(symbols)s::text[], %(multiples)s::integer[], %(ends)s::timestamptz[])
    as seen (id, symbol, multiple, ends_at)
join coin on coin.id = seen.id
cross join (select key from source where name = %(source)s) source
on conflict (source, symbol, coin) do update
set multiple = excluded.multiple, ends_at = excluded.ends_at,
    starts_at = case when excluded.ends_at <= listing.starts_at then null else listing.starts_at end
where (listing.multiple, listing.ends_at) is distinct from (excluded.multiple, excluded.ends_at)
