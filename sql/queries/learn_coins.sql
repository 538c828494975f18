-- Coins as CoinGecko names and ranks them, and their ranks and market caps of the day.
with seen as (
    select id, ticker, name, rank, crypto, price, market_cap
    from unnest(
        %(ids)s::text[], %(tickers)s::text[], %(names)s::text[], %(ranks)s::integer[], %(crypto)s::boolean[],
        %(prices)s::float8[], %(market_caps)s::float8[]
    ) as seen (id, ticker, name, rank, crypto, price, market_cap)
), kept as (
    insert into coin (id, ticker, symbol, name, rank, seen_at, crypto, mapped, price, priced_at)
    select
        id, ticker, ticker, name, rank, %(now)s, crypto, %(mapped)s, price,
        case when price is not null then %(now)s::timestamptz end
    from seen
    order by rank nulls last, id
    on conflict (id) do update
    set ticker = excluded.ticker, name = excluded.name, rank = excluded.rank, seen_at = excluded.seen_at,
        crypto = excluded.crypto, active = true, left_out = false,
        price = coalesce(excluded.price, coin.price), priced_at = coalesce(excluded.priced_at, coin.priced_at)
    returning key, id, rank
)
insert into coin_rank (day, coin, rank, market_cap, told_on)
select today.day, kept.key, kept.rank, seen.market_cap, today.day
from kept
join seen on seen.id = kept.id
cross join (select (%(now)s::timestamptz at time zone 'UTC')::date as day) today
where kept.rank is not null
on conflict (day, coin) do update
set rank = excluded.rank, market_cap = coalesce(excluded.market_cap, coin_rank.market_cap), told_on = excluded.told_on
where (coin_rank.rank, coin_rank.market_cap, coin_rank.told_on)
    is distinct from (excluded.rank, coalesce(excluded.market_cap, coin_rank.market_cap), excluded.told_on)
