-- The maximal runs of missing hours in each asked window: off the hour counts of candle_1d, then into the
-- days that fall short, and into those whose counts are stale. No row is looked at for a complete day.
with asked as (
    select n, coin, starts_at, ends_at
    from unnest(%(coins)s::integer[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
        with ordinality as asked (coin, starts_at, ends_at, n)
), stale_days as (
    select range_agg(tstzrange(starts_at, ends_at)) as ranges from stale
), day as materialized (
    select asked.n, asked.coin, candle_1d.open_time, candle_1d.hours
    from asked
    join candle_1d on candle_1d.coin = asked.coin
        and candle_1d.open_time > asked.starts_at - interval '1 day'
        and candle_1d.open_time < asked.ends_at
    cross join stale_days
    where stale_days.ranges is null
        or not stale_days.ranges && tstzrange(candle_1d.open_time, candle_1d.open_time + interval '1 day')
), look as (
    select n, coin, open_time as starts_at, open_time + interval '1 day' as ends_at
    from day
    where hours < 24
    union all
    select n, coin, greatest(asked.starts_at, lower(part)), least(asked.ends_at, upper(part))
    from asked
    cross join stale_days
    cross join unnest(stale_days.ranges) as part
    where part && tstzrange(asked.starts_at, asked.ends_at)
), present as (
    select n, open_time as starts_at, open_time + interval '1 day' as ends_at
    from day
    where hours >= 24
    union all
    select look.n, candle_1h.open_time, candle_1h.open_time + interval '1 hour'
    from look
    join candle_1h on candle_1h.coin = look.coin
        and candle_1h.open_time >= look.starts_at
        and candle_1h.open_time < look.ends_at
    union all
    select n, ends_at, ends_at from asked
), run as (
    select
        n,
        lag(ends_at, 1) over (partition by n order by starts_at, ends_at) as starts_at,
        starts_at as ends_at
    from present
)
select
    (asked.n - 1)::integer as ask,
    greatest(coalesce(run.starts_at, asked.starts_at), asked.starts_at) as starts_at,
    least(run.ends_at, asked.ends_at) as ends_at
from run
join asked using (n)
where greatest(coalesce(run.starts_at, asked.starts_at), asked.starts_at) < least(run.ends_at, asked.ends_at)
order by asked.n, 2
