-- Of the coins that are listed somewhere and have candles: how many there are, how many have their newest hour no longer
-- than %(late)s before the last closed one, and when the newest of all ended.
select
    count(*), count(*) filter (where age < %(late)s::interval + interval '1 hour'),
    max("timestamp") + interval '1 hour'
from newest
where timeframe = '1h' and exists (
    select from listing
    where listing.coin = newest.coin
        and coalesce(starts_at, '-infinity') <= as_of() and coalesce(ends_at, 'infinity') > as_of()
)
