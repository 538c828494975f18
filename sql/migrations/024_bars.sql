-- What takers bought of each hour; sources by bits of a bigint, 63 of them where there was room for 31; adjustments.
-- A nullable column is added without a row being rewritten: what is compressed stays so.
alter table candle_1h add column taker_buy_volume double precision;       -- base units; null: the source does not tell
alter table candle_1h add column taker_buy_quote_volume double precision;
alter table restated add column taker_buy_volume double precision, add column taker_buy_quote_volume double precision;

-- A source's key is its bit in candle_4h.sources and candle_1d.sources; bit 63 is a bigint's sign.
alter table source alter column key set maxvalue 62;

-- A continuous aggregate cannot be given a column: both are made anew, without data. Until the next run has refreshed
-- them they are added up as they are read, and what is read is right. The refresh goes by slices, each committed, and
-- one that is killed is gone on with.
drop view if exists
    data_quality, historical_data_range, coverage, gap, missing_run, life, market_data, made_1d, made_4h;
drop function if exists source_names(integer);
drop materialized view candle_1d;
drop materialized view candle_4h;

-- As the venues make theirs: hours without volume are left out of open, high and low, unless the whole
-- bucket has none; close and the sums take every hour. A sum with an unknown hour is unknown: what takers bought in
-- three hours of four would pass for the buys of all four, beside a volume that has them all.
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
    bit_or(1::bigint << candle_1h.source) as sources,
    case when count(candle_1h.taker_buy_volume) = count(*)
        then sum(candle_1h.taker_buy_volume order by candle_1h.open_time) end as taker_buy_volume,
    case when count(candle_1h.taker_buy_quote_volume) = count(*)
        then sum(candle_1h.taker_buy_quote_volume order by candle_1h.open_time) end as taker_buy_quote_volume
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
    bit_or(candle_4h.sources) as sources,
    case when count(candle_4h.taker_buy_volume) = count(*)
        then sum(candle_4h.taker_buy_volume order by candle_4h.open_time) end as taker_buy_volume,
    case when count(candle_4h.taker_buy_quote_volume) = count(*)
        then sum(candle_4h.taker_buy_quote_volume order by candle_4h.open_time) end as taker_buy_quote_volume
from candle_4h
group by candle_4h.coin, time_bucket('1 day', candle_4h.open_time)
with no data;

insert into stale (starts_at, ends_at) select '-infinity', 'infinity' where exists (select from candle_1h);

-- When a coin was redenominated, as a person has confirmed it: in market_data_adjusted the prices of the hours before are
-- multiplied by the factor, their volumes divided by it. No run writes here.
create table adjustment (
    coin integer not null references coin,
    open_time timestamptz not null, -- the first hour in the new unit
    factor double precision not null check (factor between 1e-12 and 1e12 and factor <> 1),
    confirmed_at timestamptz not null,
    primary key (coin, open_time)
);
