-- For readers. Names and columns up to `source`, `is_complete` and `has_gaps` are promised; others follow them.

-- "binance_futures", or "binance_futures+binance_spot" where a bar was made from both.
create function source_names(bits integer) returns text stable language sql
return (select string_agg(name, '+' order by key) from source where bits >> key & 1 = 1);

-- Now, or the moment that a session was told to take for it: set local chandlery.now = '2026-01-01Z'.
create function as_of() returns timestamptz stable language sql
return coalesce(nullif(current_setting('chandlery.now', true), '')::timestamptz, now());

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
    select coin, min(open_time) as first_day, max(open_time) as last_day, sum(hours)::bigint as hours
    from candle_1d
    group by coin
), ends as (
    select
        reach.coin, reach.hours,
        (select min(open_time) from candle_1h
            where coin = reach.coin and open_time >= first_day and open_time < first_day + interval '24 hours') as earliest,
        (select max(open_time) from candle_1h
            where coin = reach.coin and open_time >= last_day and open_time < last_day + interval '24 hours') as latest
    from reach
), life as (
    select
        ends.coin,
        least(min(listing.starts_at), ends.earliest) as starts_at,
        greatest(
            least(time_bucket('1 hour', as_of()), max(coalesce(listing.ends_at, 'infinity'))),
            ends.latest + interval '1 hour'
        ) as ends_at
    from ends
    left join listing on listing.coin = ends.coin
    group by ends.coin, ends.earliest, ends.latest
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
    from ends
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
