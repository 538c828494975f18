-- Hours that went up or down by more than %(bound)s (a logarithm) beyond what the coin's neighbours did: beyond
-- the median coin's way from the day's open to its high, or to its low, so that what befalls the whole market is no
-- finding. With fewer than three coins there are no neighbours to compare with.
--
-- Off the days first; then hour by hour into the days whose reach is that large. Each hour is measured from the
-- close before it, up to its high and down to its low. The hour after such a move is none if it only brings the
-- price back. An hour is judged by the 24 before it and passed over if they hold fewer than %(known)s candles: a price
-- that is being found has nothing to be measured by.
-- (Candles that break the rules may be among them: no logarithm is taken of what is not above zero.)
--
-- A wick is a move of which no more than %(back)s is left at the close of its hour, or of the next (as logarithms):
--   44.4 before, high 70.9, closes 47.3 and 46.1     0.063 and 0.038 of 0.468 are left: a wick
--   256.9 before, high 570, closes 406.4 and 381.9   0.459 and 0.396 of 0.797 are left: it rose, from close to close
-- Of a coin's hours of one day the largest wick is told, and of the others the one that moved most from close to close.
with day as materialized (
    select
        coin, open_time,
        case when open > 0 and open < 'infinity' then ln(open) end as opened,
        case when top > 0 and top < 'infinity' then ln(top) end as top,
        case when bottom > 0 and bottom < 'infinity' then ln(bottom) end as bottom,
        case when before > 0 and before < 'infinity' then ln(before) end as before
    from (
        select
            coin, open_time, open, greatest(open, high, close) as top, least(open, low, close) as bottom,
            lag(close) over (partition by coin order by open_time) as before
        from candle_1d
    ) day
), suspect as (
    select coin, open_time as day
    from day
    where coin = any (%(coins)s::integer[]) and greatest(top, before) - least(bottom, before) > %(bound)s
), neighbours as (
    select
        open_time as day, count(*) >= 3 as are_enough,
        case when count(*) < 3 then 0 else
            greatest(percentile_cont(0.5) within group (order by top - opened), 0) end as up,
        case when count(*) < 3 then 0 else
            greatest(percentile_cont(0.5) within group (order by opened - bottom), 0) end as down
    from day
    where open_time in (select day from suspect)
    group by open_time
), hour as (
    select
        suspect.coin, suspect.day, hour.open_time, hour.open, hour.high, hour.low, hour.close,
        greatest(hour.open, hour.high, hour.close) as top, least(hour.open, hour.low, hour.close) as bottom,
        lag(hour.close) over earlier as before,
        lag(hour.close, 2) over earlier as two_before,
        case when lead(hour.open_time) over earlier = hour.open_time + interval '1 hour'
            then lead(hour.close) over earlier end as after,
        count(*) over (
            partition by suspect.coin, suspect.day order by hour.open_time
            range between interval '24 hours' preceding and interval '1 hour' preceding
        ) as known
    from suspect
    cross join lateral (
        select *
        from candle_1h
        where coin = suspect.coin
            and open_time >= suspect.day - interval '25 hours'
            and open_time < suspect.day + interval '25 hours'
        offset 0 -- day by day, and not all hours for some days
    ) hour
    window earlier as (partition by suspect.coin, suspect.day order by hour.open_time)
), measured as (
    select
        hour.*, neighbours.are_enough, neighbours.up, neighbours.down,
        case when bottom > 0 and top < 'infinity' and before > 0 and before < 'infinity'
            then ln(top) - ln(before) end as rise,
        case when bottom > 0 and top < 'infinity' and before > 0 and before < 'infinity'
            then ln(before) - ln(bottom) end as fall,
        case when bottom > 0 and top < 'infinity' and two_before > 0 and two_before < 'infinity'
            then greatest(ln(top) - ln(two_before), ln(two_before) - ln(bottom)) end as from_two_before,
        case when before > 0 and before < 'infinity' and close > 0 and close < 'infinity'
            then abs(ln(close) - ln(before)) end as kept,
        case when before > 0 and before < 'infinity' and after > 0 and after < 'infinity'
            then abs(ln(after) - ln(before)) end as left_after
    from hour
    join neighbours using (day)
), judged as (
    select
        *, rise - up as rise_alone, fall - down as fall_alone,
        lag(greatest(rise - up, fall - down) > %(bound)s) over (partition by coin, day order by open_time) as moved_before
    from measured
), named as (
    select
        *,
        rise_alone >= fall_alone as is_up,
        least(kept, left_after) <= %(back)s * case when rise_alone >= fall_alone then rise else fall end as is_wick
    from judged
    where greatest(rise_alone, fall_alone) > %(bound)s
        and known >= %(known)s
        and open_time >= day and open_time < day + interval '24 hours'
        and (moved_before and from_two_before <= %(bound)s) is not true
), largest as (
    select distinct on (coin, day, is_wick) *, count(*) over (partition by coin, day, is_wick) as alike
    from named
    order by coin, day, is_wick, case when is_wick then greatest(rise_alone, fall_alone) else kept end desc, open_time
)
select
    'jump', coin, open_time,
    case
        when is_wick and is_up then 'a wick from {0} up to {5} and back'
        when is_wick then 'a wick from {0} down to {6} and back'
        when close > before then 'rose from {0} to {4}'
        else 'fell from {0} to {4}'
    end
    || ' (open {1}, high {2}, low {3}, close {4}'
    || case when after is null then ', no candle in the next hour)' else ', next close {7})' end
    || case when alike > 1 then format(', the largest of %%s that day', alike) else '' end
    || case
        when are_enough then format(
            '; the median coin of that day ranged from %%s %%%% below its open to %%s %%%% above',
            to_char(100 * (1 - exp(-down)), 'FM990.0'), to_char(100 * (exp(least(up, 20)) - 1), 'FM999999999990.0')
        )
        else '; with fewer than three coins that day there is nobody to compare with'
    end,
    array[before, open, high, low, close, top, bottom, after]
from largest
