-- The same rule over the 4h candles, of which one without volume holds no hour with any.
create materialized view candle_1d with (timescaledb.continuous, timescaledb.materialized_only = false) as
select
    candle_4h.coin,
    time_bucket('1 day', candle_4h.open_time) as open_time,
    coalesce(
        first(candle_4h.open, candle_4h.open_time) filter (where candle_4h.volume is distinct from 0),
        first(candle_4h.open, candle_4h.open_time)
    ) as open,
    coalesce(max(candle_4h.high) filter (where candle_4h.volume is distinct from 0), max(candle_4h.high)) as high,
    coalesce(min(candle_4h.low) filter (where candle_4h.volume is distinct from 0), min(candle_4h.low)) as low,
    last(candle_4h.close, candle_4h.open_time) as close,
    case when count(candle_4h.volume) = count(*) then sum(candle_4h.volume order by candle_4h.open_time) end as volume,
    case when count(candle_4h.quote_volume) = count(*) then sum(candle_4h.quote_volume order by candle_4h.open_time) end as quote_volume,
    case when count(candle_4h.trades) = count(*) then sum(candle_4h.trades)::bigint end as trades,
    sum(candle_4h.hours)::bigint as hours,
    bit_or(candle_4h.sources) as sources
from candle_4h
group by candle_4h.coin, time_bucket('1 day', candle_4h.open_time)
with no data;
