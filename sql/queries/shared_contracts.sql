-- Contracts that two sources tell, each of another coin: one of these symbols is mapped to the wrong one. An address that a
-- source tells of several coins is no token's, and neither is a short word.
with told as (
    select address, source.name as source, listing.symbol, coin.id
    from listing
    join source on source.key = listing.source
    join coin on coin.key = listing.coin
    cross join lateral unnest(string_to_array(listing.contract, ',')) as address
    where listing.ends_at is null and coin.active and coin.mapped and length(address) >= 20
), single as (
    select address, source, min(symbol) as symbol, min(id) as id
    from told
    group by address, source
    having count(distinct id) = 1
)
select address, string_agg(format('%s %s is %s', source, symbol, id), ', ' order by source)
from single
group by address
having count(distinct id) > 1
order by address
