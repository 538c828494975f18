-- Where two sources join, hour by hour, and their prices do not: the close of the one and the open of the next
-- differ by more than %(bound)s. Only days in which, or since the day before, the source changes are looked into.
with changing as (
    select coin, open_time
    from (
        select coin, open_time, sources, lag(sources) over (partition by coin order by open_time) as before
        from candle_1d
        where coin = any (%(coins)s::integer[])
    ) day
    where sources & (sources - 1) <> 0 or sources <> before
), joined as (
    select
        hour.coin, hour.open_time, hour.source, hour.open,
        lag(hour.source) over joint as source_before, lag(hour.close) over joint as close_before,
        lag(hour.open_time) over joint as time_before
    from changing
    cross join lateral (
        select *
        from candle_1h
        where coin = changing.coin
            and open_time >= changing.open_time - interval '1 hour'
            and open_time < changing.open_time + interval '24 hours'
        offset 0 -- day by day, and not all hours for some days
    ) hour
    window joint as (partition by hour.coin, changing.open_time order by hour.open_time)
)
select distinct
    'splice', joined.coin, joined.open_time,
    format('%%s closed at {}, %%s opened at {}', old.name, new.name), array[close_before, open]
from joined
join source old on old.key = joined.source_before
join source new on new.key = joined.source
where joined.source <> joined.source_before
    and joined.open_time = joined.time_before + interval '1 hour'
    and case when joined.open > 0 and joined.close_before > 0  -- a broken candle has no logarithm
        then abs(ln(joined.open) - ln(joined.close_before)) > %(bound)s end
