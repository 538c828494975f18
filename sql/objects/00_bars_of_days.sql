-- A coin's weeks (from Monday) or months, UTC, added up from its days by the same rule as these from their hours: hours
-- without volume are left out of open, high and low, and a sum with an unknown day is unknown. Those alone whose time is
-- over. Added up at each reading: there is nothing to refresh, and they are as right as the days. (Text and not `begin
-- atomic`: the days can be made anew without it.)
create or replace function bars_of_days(of_coin integer, step text) returns table (
    open_time timestamptz, open double precision, high double precision, low double precision, close double precision,
    volume double precision, quote_volume double precision, trades bigint, hours bigint, sources bigint,
    taker_buy_volume double precision, taker_buy_quote_volume double precision
) stable language sql as $$
    select
        date_trunc(step, day.open_time, 'UTC'),
        coalesce(
            first(day.open, day.open_time) filter (where day.volume is distinct from 0), first(day.open, day.open_time)
        ),
        coalesce(max(day.high) filter (where day.volume is distinct from 0), max(day.high)),
        coalesce(min(day.low) filter (where day.volume is distinct from 0), min(day.low)),
        last(day.close, day.open_time),
        case when count(day.volume) = count(*) then sum(day.volume order by day.open_time) end,
        case when count(day.quote_volume) = count(*) then sum(day.quote_volume order by day.open_time) end,
        case when count(day.trades) = count(*) then sum(day.trades)::bigint end,
        sum(day.hours)::bigint,
        bit_or(day.sources),
        case when count(day.taker_buy_volume) = count(*) then sum(day.taker_buy_volume order by day.open_time) end,
        case when count(day.taker_buy_quote_volume) = count(*)
            then sum(day.taker_buy_quote_volume order by day.open_time) end
    from candle_1d day
    where day.coin = of_coin and day.open_time < date_trunc(step, as_of(), 'UTC')
    group by date_trunc(step, day.open_time, 'UTC');
$$;
