-- Which source each hour of a window is from.
select coin, open_time, source.name, 1
from candle_1h
join source on source.key = candle_1h.source
where coin = any (%(coins)s::integer[])
    and open_time >= %(start)s::timestamptz
    and open_time < %(end)s::timestamptz
order by coin, open_time
