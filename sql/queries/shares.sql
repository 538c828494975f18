-- How many hours of each coin are from which source, a day or month at a time: off the days that are all of one source,
-- then into the mixed ones. All there is, or what lies in a window that begins and ends at midnight.
with day as (
    select coin, open_time, hours, sources, sources & (sources - 1) = 0 as pure
    from candle_1d
    where coin = any (%(coins)s::integer[])
        and open_time >= coalesce(%(start)s::timestamptz, '-infinity')
        and open_time < coalesce(%(end)s::timestamptz, 'infinity')
), part as (
    select coin, date_trunc(%(step)s, open_time, 'UTC') as at, sources, sum(hours)::bigint as hours
    from day
    where pure
    group by coin, at, sources
    union all
    select day.coin, date_trunc(%(step)s, day.open_time, 'UTC') as at, 1::bigint << hour.source, count(*)
    from (select coin, open_time from day where not pure) day
    cross join lateral (
        select source
        from candle_1h
        where coin = day.coin
            and open_time >= day.open_time
            and open_time < day.open_time + interval '24 hours'
        offset 0 -- day by day, and not all hours for some days
    ) hour
    group by day.coin, at, hour.source
)
select part.coin, part.at, source.name, sum(part.hours)::integer
from part
join source on 1::bigint << source.key = part.sources
group by part.coin, part.at, source.key, source.name
order by part.coin, part.at, source.key
