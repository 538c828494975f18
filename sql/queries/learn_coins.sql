-- Coins as CoinGecko names and ranks them, and their ranks of the day.
with seen as (
    select id, ticker, name, rank, crypto
    from unnest(%(ids)s::text[], %(tickers)s::text[], %(names)s::text[], %(ranks)s::integer[], %(crypto)s::boolean[])
        as seen (id, ticker, name, rank, crypto)
), kept as (
    insert into coin (id, ticker, symbol, name, rank, seen_at, crypto, mapped)
    select id, ticker, ticker, name, rank, %(now)s, crypto, %(mapped)s
    from seen
    order by rank nulls last, id
    on conflict (id) do update
    set ticker = excluded.ticker, name = excluded.name, rank = excluded.rank, seen_at = excluded.seen_at,
        crypto = excluded.crypto, active = true
    returning key, rank
)
insert into coin_rank (day, coin, rank)
select (%(now)s::timestamptz at time zone 'UTC')::date, key, rank
from kept
where rank is not null
on conflict (day, coin) do update set rank = excluded.rank where coin_rank.rank <> excluded.rank
