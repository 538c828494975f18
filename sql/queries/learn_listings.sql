-- Listings by CoinGecko's coin id. A start that was learnt from the venue's candles stays, unless the venue says
-- that it was over by then: one of the two is wrong, and the start can be learnt anew. It is held against the candles
-- again where the venue now tells of another beginning. A name or contract that is told no longer stays.
with seen as (
    select
        coin.key as coin, source.key as source, seen.symbol, seen.multiple, seen.starts_at, seen.ends_at, seen.told_start,
        seen.name, seen.contract
    from unnest(
        %(ids)s::text[], %(symbols)s::text[], %(multiples)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[],
        %(told)s::timestamptz[], %(names)s::text[], %(contracts)s::text[]
    ) as seen (id, symbol, multiple, starts_at, ends_at, told_start, name, contract)
    join coin on coin.id = seen.id
    cross join (select key from source where name = %(source)s) source
)
insert into listing (coin, source, symbol, multiple, starts_at, ends_at, told_start, name, contract)
select coin, source, symbol, multiple, starts_at, ends_at, told_start, name, contract from seen
on conflict (source, symbol, coin) do update
set multiple = excluded.multiple, ends_at = excluded.ends_at, told_start = excluded.told_start,
    starts_at = case when excluded.ends_at <= listing.starts_at then null else listing.starts_at end,
    start_checked_at = case
        when excluded.told_start is not distinct from listing.told_start then listing.start_checked_at
    end,
    price_checked_at = case when excluded.multiple = listing.multiple then listing.price_checked_at end,
    name = coalesce(excluded.name, listing.name), contract = coalesce(excluded.contract, listing.contract)
where (listing.multiple, listing.ends_at, listing.told_start, listing.name, listing.contract)
    is distinct from (
        excluded.multiple, excluded.ends_at, excluded.told_start, coalesce(excluded.name, listing.name),
        coalesce(excluded.contract, listing.contract)
    )
