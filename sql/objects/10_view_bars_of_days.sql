-- All coins' weeks (from Monday) or months, UTC, added up from their days by the same rule as these from their hours: hours
-- without volume are left out of open, high and low, and a sum with an unknown day is unknown. Those alone whose time is
-- over. Added up at each reading: there is nothing to refresh, and they are as right as the days.
-- A view of each length, made from one text. Of a function that gives them, TimescaleDB plans every use in a query, though
-- it asks for hours only: 7 ms each time.
create or replace function view_bars_of_days(step text) returns void language plpgsql as $make$
begin
    execute format($view$
        create or replace view %I as
        select
            day.coin,
            date_trunc(%L, day.open_time, 'UTC') as open_time,
            coalesce(
                first(day.open, day.open_time) filter (where day.volume is distinct from 0), first(day.open, day.open_time)
            ) as open,
            coalesce(max(day.high) filter (where day.volume is distinct from 0), max(day.high)) as high,
            coalesce(min(day.low) filter (where day.volume is distinct from 0), min(day.low)) as low,
            last(day.close, day.open_time) as close,
            case when count(day.volume) = count(*) then sum(day.volume order by day.open_time) end as volume,
            case when count(day.quote_volume) = count(*)
                then sum(day.quote_volume order by day.open_time) end as quote_volume,
            case when count(day.trades) = count(*) then sum(day.trades)::bigint end as trades,
            sum(day.hours)::bigint as hours,
            bit_or(day.sources) as sources,
            case when count(day.taker_buy_volume) = count(*)
                then sum(day.taker_buy_volume order by day.open_time) end as taker_buy_volume,
            case when count(day.taker_buy_quote_volume) = count(*)
                then sum(day.taker_buy_quote_volume order by day.open_time) end as taker_buy_quote_volume
        from candle_1d day
        where day.open_time < date_trunc(%L, as_of(), 'UTC')
        group by day.coin, date_trunc(%L, day.open_time, 'UTC')
    $view$, 'bar_' || step, step, step, step);
end
$make$;
