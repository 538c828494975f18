-- A coin's symbol is its ticker, or its id where a better-ranked coin that is still there has that ticker.
update coin
set symbol = named.symbol
from (
    select
        key,
        case row_number() over (partition by ticker order by active desc, rank nulls last, key)
            when 1 then ticker else id
        end as symbol
    from coin
) named
where named.key = coin.key and named.symbol <> coin.symbol
