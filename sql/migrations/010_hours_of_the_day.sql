-- The 4h and 1d candles, and what is made from them, anew: they now tell which hours of the day they hold, one bit
-- an hour, so that a missing hour is found without a look at the hours.

drop view data_quality, historical_data_range, coverage, market_data;
drop materialized view candle_1d;
drop materialized view candle_4h;

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
    bit_or(1 << extract(hour from candle_1h.open_time - time_bucket('1 day', candle_1h.open_time))::integer) as present,
    bit_or(1 << candle_1h.source) as sources
from candle_1h
group by candle_1h.coin, time_bucket('4 hours', candle_1h.open_time)
with no data;

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
    bit_or(candle_4h.present) as present,
    bit_or(candle_4h.sources) as sources
from candle_4h
group by candle_4h.coin, time_bucket('1 day', candle_4h.open_time)
with no data;

-- All of it is to be refreshed by the next run.
insert into stale (starts_at, ends_at) select '-infinity', 'infinity' where exists (select from candle_1h);

-- The first and the last hour of a day that has any, from its bits.
create function first_hour(present integer) returns integer immutable parallel safe language sql
return (select min(hour) from generate_series(0, 23) hour where present >> hour & 1 = 1);
create function last_hour(present integer) returns integer immutable parallel safe language sql
return (select max(hour) from generate_series(0, 23) hour where present >> hour & 1 = 1);

-- A 4h or 1d bar is shown when its time is over, as an hour is stored when it is.
create view market_data as
select
    coin.symbol, bar.open_time as "timestamp", '1h' as timeframe,
    bar.open as open_price, bar.high as high_price, bar.low as low_price, bar.close as close_price,
    bar.volume, source.name as source,
    bar.quote_volume, bar.trades, 1::bigint as hours, coin.id as coin_id
from candle_1h bar
join coin on coin.key = bar.coin
join source on source.key = bar.source
union all
select
    coin.symbol, bar.open_time, '4h', bar.open, bar.high, bar.low, bar.close,
    bar.volume, source_names(bar.sources), bar.quote_volume, bar.trades, bar.hours, coin.id
from candle_4h bar
join coin on coin.key = bar.coin
where bar.open_time + interval '4 hours' <= as_of()
union all
select
    coin.symbol, bar.open_time, '1d', bar.open, bar.high, bar.low, bar.close,
    bar.volume, source_names(bar.sources), bar.quote_volume, bar.trades, bar.hours, coin.id
from candle_1d bar
join coin on coin.key = bar.coin
where bar.open_time + interval '24 hours' <= as_of();

-- Per coin and timeframe: what there is, and what there would be if nothing were missing. Counted at each
-- reading, from the first listing (or the first candle, where no listing's start is known or that is earlier)
-- to the last closed hour (or the last listing's end, if that is over; or the last candle, if that is later), and
-- never remembered: what is complete today can lack an hour tomorrow. A bar is whole when it holds all its hours
-- that lie in the coin's life. A day is 24 hours here, also to a reader whose clocks change in spring.
create view coverage as
with reach as (
    select
        coin, sum(hours)::bigint as hours,
        min(open_time) + first_hour(first(present, open_time)) * interval '1 hour' as earliest,
        max(open_time) + last_hour(last(present, open_time)) * interval '1 hour' as latest
    from candle_1d
    group by coin
), life as (
    select
        reach.coin,
        least(min(listing.starts_at), reach.earliest) as starts_at,
        greatest(
            least(time_bucket('1 hour', as_of()), max(coalesce(listing.ends_at, 'infinity'))),
            reach.latest + interval '1 hour'
        ) as ends_at
    from reach
    left join listing on listing.coin = reach.coin
    group by reach.coin, reach.earliest, reach.latest
), bar as (
    select coin, interval '4 hours' as step, open_time, hours
    from candle_4h
    where open_time + interval '4 hours' <= as_of()
    union all
    select coin, interval '24 hours', open_time, hours
    from candle_1d
    where open_time + interval '24 hours' <= as_of()
), held as (
    select '1h' as timeframe, interval '1 hour' as step, coin, earliest, latest, hours as total, hours as whole
    from reach
    union all
    select
        case bar.step when interval '24 hours' then '1d' else '4h' end, bar.step, coin,
        min(bar.open_time), max(bar.open_time), count(*),
        count(*) filter (
            where bar.hours * interval '1 hour'
                >= least(bar.open_time + bar.step, life.ends_at) - greatest(bar.open_time, life.starts_at)
            and bar.open_time + bar.step <= life.ends_at
        )
    from bar
    join life using (coin)
    group by bar.step, coin
)
select
    held.coin, held.timeframe, life.starts_at, life.ends_at, held.earliest, held.latest, held.total, held.whole,
    greatest(0, extract(epoch from time_bucket(held.step, life.ends_at) - time_bucket(held.step, life.starts_at))
        / extract(epoch from held.step))::bigint as expected
from held
join life using (coin);

create view historical_data_range as
select
    coin.symbol, timeframe, earliest as earliest_date, latest as latest_date, total as total_records,
    whole >= expected as is_complete,
    coin.id as coin_id
from coverage
join coin on coin.key = coverage.coin;

create view data_quality as
select
    coin.symbol, timeframe,
    case when expected = 0 then 100 else round(100.0 * least(whole, expected) / expected, 4) end as completeness_percentage,
    greatest(expected - whole, 0) as missing_records,
    whole < expected as has_gaps,
    expected as expected_records, total as total_records,
    coin.id as coin_id
from coverage
join coin on coin.key = coverage.coin;
