-- Coins by market-cap rank: those asked for by symbol or id (one that they had before too), or all that are
-- crypto and not left out.
with asked as (
    select upper(name) as name from unnest(%(symbols)s::text[]) as asked (name)
)
select key, id, symbol, name, rank
from coin
where (%(symbols)s::text[] is null and crypto and (
        not left_out or %(delisted)s and exists (select from listing where listing.coin = coin.key)
    ))
    or upper(symbol) in (select name from asked)
    or upper(id) in (select name from asked)
    or exists (select from coin_alias where coin_alias.coin = coin.key and upper(coin_alias.id) in (select name from asked))
order by rank nulls last, key
limit %(most)s
