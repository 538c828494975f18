-- Listings by CoinGecko's coin id. A start that was learnt from the venue's candles stays, unless the venue says
-- that it was over by then: one of the two is wrong, and the start can be learnt anew. Where a symbol was another
-- coin's until now, the one ends and the other begins now: earlier candles are not the new coin's. What nobody trades
-- any more ended when the venue says, or else now.
with seen as (
    select coin.key as coin, source.key as source, seen.symbol, seen.multiple, seen.starts_at, seen.ends_at
    from unnest(
        %(ids)s::text[], %(symbols)s::text[], %(multiples)s::integer[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]
    ) as seen (id, symbol, multiple, starts_at, ends_at)
    join coin on coin.id = seen.id
    cross join (select key from source where name = %(source)s) source
), ended as (
    update listing
    set ends_at = greatest(
        least(
            %(now)s::timestamptz,
            (select min(at) from unnest(%(gone)s::text[], %(gone_at)s::timestamptz[]) as told (symbol, at)
                where told.symbol = listing.symbol)
        ),
        listing.starts_at + interval '1 hour'
    )
    from (select key from source where name = %(source)s) source
    where listing.source = source.key and listing.ends_at is null
        and not exists (
            select from seen
            where (seen.symbol, seen.coin) = (listing.symbol, listing.coin)
        )
        and (
            not listing.symbol = any (%(trading)s::text[])
            or exists (select from seen where seen.symbol = listing.symbol)
        )
)
insert into listing (coin, source, symbol, multiple, starts_at, ends_at)
select
    coin, source, symbol, multiple,
    coalesce(
        starts_at,
        (
            select %(now)s::timestamptz
            from listing other
            where (other.source, other.symbol) = (seen.source, seen.symbol) and other.coin <> seen.coin
            limit 1
        )
    ),
    ends_at
from seen
on conflict (source, symbol, coin) do update
set multiple = excluded.multiple, ends_at = excluded.ends_at,
    starts_at = case when excluded.ends_at <= listing.starts_at then null else listing.starts_at end
where (listing.multiple, listing.ends_at) is distinct from (excluded.multiple, excluded.ends_at)
