-- The holes in a window, and what is held of the same source in their hours: those in which another coin has a candle
-- (`has`), and of the others those that are holes of two coins or more (`lacks`). Left out are holes of which it is known
-- that others have them, those of which nothing new is told, and sources that do not trade: an index has no outage.
-- A coin's day that is of one source tells by its bits which hours the source has; of a day that is made from several,
-- the hours themselves do. Only selected here, and put down by another statement: in one that writes, TimescaleDB
-- (2.28) asks for the aggregate's watermark anew for every row.
with near as materialized (
    select %(start)s::timestamptz - interval '31 days' as starts_at, %(end)s::timestamptz + interval '31 days' as ends_at
), hole_hour as materialized (
    select coin, source, absence.starts_at, others, other, hour
    from absence
    join near on absence.starts_at < near.ends_at and absence.ends_at > near.starts_at
    join source on source.key = absence.source and source.traded
    cross join generate_series(absence.starts_at, absence.ends_at - interval '1 hour', interval '1 hour') as hour
    where outcome in ('hole', 'between') and others is distinct from 'have'
), lacking as materialized (
    select source, hour, time_bucket('1 day', hour) as day, count(*) as coins
    from hole_hour
    group by source, hour
), held as materialized (
    select open_time, sources, bit_or(present) as present, array_agg(coin) filter (where sources & (sources - 1) <> 0) as coins
    from candle_1d
    where open_time in (select day from lacking)
    group by open_time, sources
), has_by_day as materialized (
    select source, hour
    from lacking
    join held on open_time = day and sources = 1::bigint << source
    where present >> extract(hour from hour - day)::integer & 1 = 1
), has as (
    select * from has_by_day
    union
    select source, hour
    from lacking
    join held on held.open_time = day and sources >> source & 1 = 1 and sources <> 1::bigint << source
    where (source, hour) not in (select source, hour from has_by_day)
        and exists (
            select from candle_1h
            where candle_1h.coin = any (held.coins) and candle_1h.open_time = hour and candle_1h.source = lacking.source
        )
    union
    select source, hour
    from lacking
    join absence using (source)
    where others = 'have' and other is not null and hour >= starts_at and hour < ends_at
)
select
    coin, source, starts_at,
    coalesce(range_agg(part) filter (where has.hour is not null), '{}')::text as has,
    coalesce(range_agg(part) filter (where has.hour is null and coins >= 2), '{}')::text as lacks
from hole_hour
join lacking using (source, hour)
left join has using (source, hour)
cross join lateral tstzrange(hour, hour + interval '1 hour') as part
group by coin, source, starts_at, others, other
having bool_or(has.hour is not null) or case others
    when 'lack' then other is null and not bool_and(coins >= 2)
    when 'alone' then bool_or(coins >= 2)
    else true
end
