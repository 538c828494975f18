-- Hours of a coin whose candle its own source told otherwise before, in time: the close as it was when it was first
-- told, the close that holds, and how often it was told anew. What a better source replaced is not restated, and what
-- moved no price by `least` is no news.
select
    hour.open_time, (array_agg(old.close order by old.replaced_at))[1] as told_first, hour.close,
    count(*) as times, max(old.replaced_at) as replaced_at
from restated old
join candle_1h hour on hour.coin = old.coin and hour.open_time = old.open_time and hour.source = old.source
where old.coin = %(coin)s and old.open_time >= %(start)s and old.open_time < %(end)s
    and greatest(
        abs(hour.open - old.open), abs(hour.high - old.high), abs(hour.low - old.low), abs(hour.close - old.close)
    ) >= %(least)s * hour.close
group by hour.open_time, hour.close
order by hour.open_time
