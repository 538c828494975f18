-- The maximal runs of hours, in each asked window, that are held from %(source)s and lack what takers bought: off the
-- days whose sum is unknown, then once through a coin's hours from the first of these to the last.
with asked as (
    select n, coin, starts_at, ends_at
    from unnest(%(coins)s::integer[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
        with ordinality as asked (coin, starts_at, ends_at, n)
), span as (
    select
        asked.n, asked.coin, greatest(asked.starts_at, min(day.open_time)) as starts_at,
        least(asked.ends_at, max(day.open_time) + interval '24 hours') as ends_at
    from asked
    join candle_1d day on day.coin = asked.coin
        and day.open_time > asked.starts_at - interval '24 hours' and day.open_time < asked.ends_at
    where day.taker_buy_volume is null and day.sources >> %(source)s & 1 = 1
    group by asked.n, asked.coin, asked.starts_at, asked.ends_at
), lacking as (
    select
        span.n, hour.open_time,
        hour.open_time - row_number() over (partition by span.n order by hour.open_time) * interval '1 hour' as run
    from span
    cross join lateral (
        select open_time
        from candle_1h
        where candle_1h.coin = span.coin
            and candle_1h.open_time >= span.starts_at and candle_1h.open_time < span.ends_at
            and source = %(source)s and taker_buy_volume is null
        offset 0 -- coin by coin, by the index
    ) hour
)
select (n - 1)::integer, min(open_time), max(open_time) + interval '1 hour'
from lacking
group by n, run
order by n, 2
