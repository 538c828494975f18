-- Coins by market-cap rank: those asked for by symbol or id, or all.
select key, id, symbol, name, rank
from coin
where %(symbols)s::text[] is null or upper(symbol) = any (%(symbols)s::text[]) or upper(id) = any (%(symbols)s::text[])
order by rank nulls last, key
limit %(most)s
