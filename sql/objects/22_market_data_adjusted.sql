-- market_data with the prices of a redenominated coin in its unit of today: before each confirmed moment they are
-- multiplied by its factor, and volumes divided. Quote volume and trades stay.
-- What opens after a coin's last adjustment is as in market_data. What opens before is added up from adjusted hours, by
-- the same rule as any bar: one with hours on both sides of the moment cannot be mended as a whole.
--     BNX closed at 175.5 on 2023-02-16 and opened at 1.755 on 2023-02-22 08:00: before that, times 0.01
create or replace view market_data_adjusted as
select *
from market_data
where not exists (
    select from adjustment
    where adjustment.coin = market_data.coin and adjustment.open_time > market_data."timestamp"
)
union all
select
    coin.symbol, bar.open_time, bar.timeframe, bar.open, bar.high, bar.low, bar.close,
    bar.volume, source_names(bar.sources), bar.quote_volume, bar.trades, bar.hours, coin.id,
    coin.key, bar.sources, bar.taker_buy_volume, bar.taker_buy_quote_volume, vwap(bar.quote_volume, bar.volume)
from (select distinct coin from adjustment) adjusted
join coin on coin.key = adjusted.coin
cross join lateral (
    select
        span.timeframe, span.opened as open_time,
        coalesce(
            first(open * factor, hour.open_time) filter (where volume is distinct from 0),
            first(open * factor, hour.open_time)
        ) as open,
        coalesce(max(high * factor) filter (where volume is distinct from 0), max(high * factor)) as high,
        coalesce(min(low * factor) filter (where volume is distinct from 0), min(low * factor)) as low,
        last(close * factor, hour.open_time) as close,
        case when count(volume) = count(*) then sum(volume / factor order by hour.open_time) end as volume,
        case when count(quote_volume) = count(*) then sum(quote_volume order by hour.open_time) end as quote_volume,
        case when count(trades) = count(*) then sum(trades)::bigint end as trades,
        count(*) as hours,
        bit_or(1::bigint << source) as sources,
        case when count(taker_buy_volume) = count(*)
            then sum(taker_buy_volume / factor order by hour.open_time) end as taker_buy_volume,
        case when count(taker_buy_quote_volume) = count(*)
            then sum(taker_buy_quote_volume order by hour.open_time) end as taker_buy_quote_volume
    from (
        select
            lag(open_time, 1, '-infinity') over (order by open_time) as starts_at, open_time as ends_at,
            product(factor) over (order by open_time desc) as factor
        from adjustment
        where adjustment.coin = adjusted.coin
        union all
        select max(open_time), 'infinity', 1
        from adjustment
        where adjustment.coin = adjusted.coin
    ) era
    join candle_1h hour on hour.coin = adjusted.coin
        and hour.open_time >= era.starts_at and hour.open_time < era.ends_at
    cross join lateral (
        values
            ('1h', hour.open_time, 'infinity'),
            ('4h', time_bucket('4 hours', hour.open_time), time_bucket('4 hours', as_of())),
            ('1d', time_bucket('1 day', hour.open_time), time_bucket('1 day', as_of())),
            ('1w', date_trunc('week', hour.open_time, 'UTC'), date_trunc('week', as_of(), 'UTC')),
            ('1M', date_trunc('month', hour.open_time, 'UTC'), date_trunc('month', as_of(), 'UTC'))
    ) span (timeframe, opened, current)
    where span.opened < span.current -- its time is over
        and span.opened < (select max(open_time) from adjustment where adjustment.coin = adjusted.coin)
    group by span.timeframe, span.opened
) bar;
