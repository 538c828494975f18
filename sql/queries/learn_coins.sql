-- Coins as CoinGecko names and ranks them; what is the same is left alone but for when it was seen.
insert into coin (id, ticker, symbol, name, rank, seen_at)
select id, ticker, ticker, name, rank, %(now)s
from unnest(%(ids)s::text[], %(tickers)s::text[], %(names)s::text[], %(ranks)s::integer[]) as seen (id, ticker, name, rank)
order by rank nulls last, id
on conflict (id) do update
set ticker = excluded.ticker, name = excluded.name, rank = excluded.rank, seen_at = excluded.seen_at
