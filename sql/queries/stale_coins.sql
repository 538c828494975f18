-- Coins that are listed somewhere, have candles, and have had no new hour for longer than %(late)s before the last
-- closed one.
with reach as (
    select coin, max(open_time) as last_day
    from candle_1d
    where coin = any (%(coins)s::integer[])
    group by coin
), newest as (
    select
        coin,
        (select max(open_time) from candle_1h
            where coin = reach.coin and open_time >= last_day and open_time < last_day + interval '24 hours') as open_time
    from reach
), late as (
    select coin, open_time, time_bucket('1 hour', as_of()) - interval '1 hour' - open_time as behind from newest
)
select 'stale', coin, open_time, format('%%s hours behind', extract(epoch from behind)::bigint / 3600)
from late
where behind > %(late)s::interval
    and exists (
        select from listing
        where listing.coin = late.coin
            and coalesce(starts_at, '-infinity') <= as_of()
            and coalesce(ends_at, 'infinity') > as_of()
    )
