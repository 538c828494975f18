-- How many hours of each coin are from which source: off the days that are all of one, then into the mixed ones.
with day as (
    select coin, open_time, hours, sources, sources & (sources - 1) = 0 as pure
    from candle_1d
    where coin = any (%(coins)s::integer[])
), part as (
    select coin, sources, sum(hours)::bigint as hours
    from day
    where pure
    group by coin, sources
    union all
    select day.coin, 1 << hour.source, count(*)
    from (select coin, open_time from day where not pure) day
    cross join lateral (
        select source
        from candle_1h
        where coin = day.coin
            and open_time >= day.open_time
            and open_time < day.open_time + interval '24 hours'
        offset 0 -- day by day, and not all hours for some days
    ) hour
    group by day.coin, hour.source
)
select part.coin, source.name, sum(part.hours)::integer
from part
join source on 1 << source.key = part.sources
group by part.coin, source.key, source.name
order by part.coin, 3 desc, source.key
