-- The maximal runs of missing hours in each asked window: off the days' hour counts, then into the days that
-- fall short. The counts are candle_1d's; days that wait for a refresh are counted anew. Hours of a source in
-- `without` count as missing: a traded candle is wanted where there is but an indicative one. `first` and `last`
-- bound all that is asked: the planner passes over chunks by what it knows before it starts.
with asked as (
    select n, coin, starts_at, ends_at
    from unnest(%(coins)s::integer[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
        with ordinality as asked (coin, starts_at, ends_at, n)
), stale_days as (
    select range_agg(tstzrange(starts_at, ends_at)) as ranges from stale
), day as materialized (
    select
        asked.n, asked.coin, candle_1d.open_time,
        case candle_1d.sources & %(without_bits)s::bigint when 0 then candle_1d.hours else 0 end as hours
    from asked
    join candle_1d on candle_1d.coin = asked.coin
        and candle_1d.open_time > asked.starts_at - interval '1 day'
        and candle_1d.open_time < asked.ends_at
        and candle_1d.open_time > %(first)s::timestamptz - interval '1 day'
        and candle_1d.open_time < %(last)s::timestamptz
    cross join stale_days
    where (
        stale_days.ranges is null
        or not stale_days.ranges && tstzrange(candle_1d.open_time, candle_1d.open_time + interval '1 day')
    ) and not (  -- known before the join starts, which is spared where nothing was refreshed yet
        select coalesce(bool_and(stale_days.ranges @> tstzrange(starts_at, ends_at)), false) from asked cross join stale_days
    )
    union all
    select asked.n, asked.coin, time_bucket('1 day', candle_1h.open_time), count(*)
    from asked
    cross join stale_days
    cross join unnest(stale_days.ranges) as part
    join candle_1h on candle_1h.coin = asked.coin
        and candle_1h.open_time >= greatest(asked.starts_at, lower(part))
        and candle_1h.open_time < least(asked.ends_at, upper(part))
        and candle_1h.open_time >= %(first)s::timestamptz
        and candle_1h.open_time < %(last)s::timestamptz
        and candle_1h.source <> all (%(without)s::smallint[])
    where part && tstzrange(asked.starts_at, asked.ends_at)
    group by asked.n, asked.coin, time_bucket('1 day', candle_1h.open_time)
), present as (
    select n, open_time as starts_at, open_time + interval '1 day' as ends_at
    from day
    where hours >= 24
    union all
    select day.n, candle_1h.open_time, candle_1h.open_time + interval '1 hour'
    from day
    join candle_1h on candle_1h.coin = day.coin
        and candle_1h.open_time >= day.open_time
        and candle_1h.open_time < day.open_time + interval '1 day'
        and candle_1h.source <> all (%(without)s::smallint[])
    where day.hours < 24
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
