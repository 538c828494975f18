-- Coins by market-cap rank: those asked for by symbol or id, or all that are crypto.
select key, id, symbol, name, rank
from coin
where (%(symbols)s::text[] is null and crypto)
    or array[upper(symbol), upper(id)] && (select array_agg(upper(asked)) from unnest(%(symbols)s::text[]) asked)
order by rank nulls last, key
limit %(most)s
