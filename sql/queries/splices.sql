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
    join candle_1h hour on hour.coin = changing.coin
        and hour.open_time >= changing.open_time - interval '1 hour'
        and hour.open_time < changing.open_time + interval '24 hours'
    window joint as (partition by hour.coin, changing.open_time order by hour.open_time)
)
insert into finding (kind, coin, open_time, detail)
select distinct
    'splice', joined.coin, joined.open_time,
    format('%%s closed at %%s, %%s opened at %%s', old.name, close_before, new.name, open)
from joined
join source old on old.key = joined.source_before
join source new on new.key = joined.source
where joined.source <> joined.source_before
    and joined.open_time = joined.time_before + interval '1 hour'
    and abs(ln(joined.open / joined.close_before)) > %(bound)s
on conflict do nothing
