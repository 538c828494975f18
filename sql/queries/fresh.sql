-- Of the coins that are listed somewhere and have candles: how many there are, how many are no more than %(late)s behind
-- the last full hour, and when the newest candle of all ended.
select
    count(*), count(*) filter (where "timestamp" + interval '1 hour' >= time_bucket('1 hour', as_of()) - %(late)s::interval),
    max("timestamp") + interval '1 hour'
from newest
where timeframe = '1h' and exists (
    select from listing
    where listing.coin = newest.coin
        and coalesce(starts_at, '-infinity') <= as_of() and coalesce(ends_at, 'infinity') > as_of()
)
