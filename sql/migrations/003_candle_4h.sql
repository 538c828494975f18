-- As the venues make theirs: hours without volume are left out of open, high and low, unless the whole
-- bucket has none; close and the sums take every hour. A sum with an unknown hour is unknown.
-- Summed in order of time: in any other, the last bit of a sum would depend on how the rows happen to lie.
create materialized view candle_4h with (timescaledb.continuous, timescaledb.materialized_only = false) as
select
    candle_1h.coin,
    time_bucket('4 hours', candle_1h.open_time) as open_time,
    coalesce(
        first(candle_1h.open, candle_1h.open_time) filter (where candle_1h.volume is distinct from 0),
        first(candle_1h.open, candle_1h.open_time)
    ) as open,
    coalesce(max(candle_1h.high) filter (where candle_1h.volume is distinct from 0), max(candle_1h.high)) as high,
    coalesce(min(candle_1h.low) filter (where candle_1h.volume is distinct from 0), min(candle_1h.low)) as low,
    last(candle_1h.close, candle_1h.open_time) as close,
    case when count(candle_1h.volume) = count(*) then sum(candle_1h.volume order by candle_1h.open_time) end as volume,
    case when count(candle_1h.quote_volume) = count(*) then sum(candle_1h.quote_volume order by candle_1h.open_time) end as quote_volume,
    case when count(candle_1h.trades) = count(*) then sum(candle_1h.trades)::bigint end as trades,
    count(*) as hours,
    bit_or(1 << candle_1h.source) as sources
from candle_1h
group by candle_1h.coin, time_bucket('4 hours', candle_1h.open_time)
with no data;
