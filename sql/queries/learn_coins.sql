-- Coins as CoinGecko names and ranks them, and their ranks of the day.
with seen as (
    select id, ticker, name, rank, crypto, price
    from unnest(
        %(ids)s::text[], %(tickers)s::text[], %(names)s::text[], %(ranks)s::integer[], %(crypto)s::boolean[],
        %(prices)s::float8[]
    ) as seen (id, ticker, name, rank, crypto, price)
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
    returning key, rank
)
insert into coin_rank (day, coin, rank)
select (%(now)s::timestamptz at time zone 'UTC')::date, key, rank
from kept
where rank is not null
on conflict (day, coin) do update set rank = excluded.rank where coin_rank.rank <> excluded.rank
