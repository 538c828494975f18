-- The best-ranked coins whose market cap of a year ago is not known, and which were not asked for it lately: a young coin
-- has none. Who was never asked comes first.
with old as (
    select distinct coin
    from coin_rank
    where market_cap is not null
        and day between (%(now)s::timestamptz at time zone 'UTC')::date - 364
        and (%(now)s::timestamptz at time zone 'UTC')::date - 358
)
select key, id, symbol, name, rank
from coin
where active and mapped and rank is not null
    and (market_caps_asked_at is null or market_caps_asked_at < %(asked_before)s)
    and key not in (select coin from old)
order by market_caps_asked_at is not null, rank, key
limit %(most)s
