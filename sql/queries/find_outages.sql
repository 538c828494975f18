-- The outages in a window told anew: stretches that two coins or more were asked for at one source and do not have,
-- and that no other coin of that source has either. A coin's day that is of one source tells by its bits which hours
-- the source has; of a day that is made from several, the hours themselves do. Only selected here, and put down by
-- another statement: in one that writes, TimescaleDB (2.28) asks for the aggregate's watermark anew for every row.
with near as materialized (
    select %(start)s::timestamptz - interval '31 days' as starts_at, %(end)s::timestamptz + interval '31 days' as ends_at
), part as (
    select source, coin, unnest(range_agg(tstzrange(absence.starts_at, absence.ends_at))) as hours
    from absence
    join near on absence.starts_at < near.ends_at and absence.ends_at > near.starts_at
    where outcome not in ('lost', 'failed', 'malformed')
    group by source, coin
), change as (
    select source, at, sum(step) as step
    from (
        select source, lower(hours) as at, 1 as step from part
        union all
        select source, upper(hours), -1 from part
    ) ends
    group by source, at
), stretch as (
    select
        row_number() over () as n, source, at as starts_at, lead(at) over following as ends_at,
        sum(step) over following as coins
    from change
    window following as (partition by source order by at)
), suspect as materialized (
    select * from stretch where coins >= 2
), day as materialized (
    select
        suspect.n, suspect.source, day,
        greatest(suspect.starts_at, day) as starts_at, least(suspect.ends_at, day + interval '24 hours') as ends_at
    from suspect
    cross join generate_series(
        time_bucket('1 day', suspect.starts_at), suspect.ends_at - interval '1 hour', interval '24 hours'
    ) as day
), held as materialized (
    select open_time, sources, bit_or(present) as present, array_agg(coin) filter (where sources & (sources - 1) <> 0) as coins
    from candle_1d
    where open_time in (select day from day)
    group by open_time, sources
), denied as (
    select day.n
    from day
    join held on held.open_time = day.day and held.sources = 1 << day.source
    where held.present
        & ((1 << extract(hour from day.starts_at - day)::integer + extract(epoch from day.ends_at - day.starts_at)::integer / 3600)
            - (1 << extract(hour from day.starts_at - day)::integer)) <> 0
    union
    select day.n
    from day
    join held on held.open_time = day.day and held.sources >> day.source & 1 = 1 and held.sources <> 1 << day.source
    cross join lateral (
        select from candle_1h hour
        where hour.coin = any (held.coins) and hour.source = day.source
            and hour.open_time >= day.starts_at and hour.open_time < day.ends_at
        limit 1 -- one is enough, and a stretch at a time: not all hours for some
    ) given
), marked as (
    select *, starts_at is distinct from lag(ends_at) over (partition by source order by starts_at) as opens
    from suspect
    left join denied using (n)
    where denied.n is null
), counted as (
    select *, count(*) filter (where opens) over (partition by source order by starts_at) as run
    from marked
), found as (
    select source, min(starts_at) as starts_at, max(ends_at) as ends_at, max(coins) as coins
    from counted
    group by source, run
)
select source, starts_at, ends_at, coins::integer
from found
where starts_at < %(end)s and ends_at > %(start)s
order by source, starts_at
