-- Hours that went up or down by more than %(bound)s (a logarithm) beyond what the coin's neighbours did: beyond
-- the median coin's way from the day's open to its high, or to its low, so that what befalls the whole market is no
-- finding. With fewer than three coins there are no neighbours to compare with.
--
-- Off the days first; then hour by hour into the days whose reach is that large. Each hour is measured from the
-- close before it, up to its high and down to its low. The hour after such a move is none if it only brings the
-- price back. Of a coin's hours of one day the largest move is told. An hour is judged by the 24 before it and passed
-- over if they hold fewer than %(known)s candles: a price that is being found has nothing to be measured by.
-- (Candles that break the rules may be among them: no logarithm is taken of what is not above zero.)
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
        open_time as day,
        case when count(*) < 3 then 0 else
            greatest(percentile_cont(0.5) within group (order by top - opened), 0) end as up,
        case when count(*) < 3 then 0 else
            greatest(percentile_cont(0.5) within group (order by opened - bottom), 0) end as down
    from day
    where open_time in (select day from suspect)
    group by open_time
), hour as (
    select
        suspect.coin, suspect.day, hour.open_time, hour.close,
        greatest(hour.open, hour.high, hour.close) as top, least(hour.open, hour.low, hour.close) as bottom,
        lag(hour.close) over earlier as before,
        lag(hour.close, 2) over earlier as two_before,
        lead(hour.close) over earlier as after,
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
        hour.*, neighbours.up, neighbours.down,
        case when bottom > 0 and top < 'infinity' and before > 0 and before < 'infinity'
            then ln(top) - ln(before) end as rise,
        case when bottom > 0 and top < 'infinity' and before > 0 and before < 'infinity'
            then ln(before) - ln(bottom) end as fall,
        case when bottom > 0 and top < 'infinity' and two_before > 0 and two_before < 'infinity'
            then greatest(ln(top) - ln(two_before), ln(two_before) - ln(bottom)) end as from_two_before,
        case when before > 0 and before < 'infinity' and after > 0 and after < 'infinity'
            then abs(ln(after) - ln(before)) end as left_after
    from hour
    join neighbours using (day)
), judged as (
    select
        *, rise - up as rise_alone, fall - down as fall_alone,
        lag(greatest(rise - up, fall - down) > %(bound)s) over (partition by coin, day order by open_time) as moved_before
    from measured
), largest as (
    select distinct on (coin, day) *
    from judged
    where greatest(rise_alone, fall_alone) > %(bound)s
        and known >= %(known)s
        and open_time >= day and open_time < day + interval '24 hours'
        and (moved_before and from_two_before <= %(bound)s) is not true
    order by coin, day, greatest(rise_alone, fall_alone) desc, open_time
)
select
    'jump', coin, open_time,
    format(
        'from %%s to %%s within the hour%%s, while the median coin of that day went %%s by %%s %%%%',
        before,
        case when rise_alone >= fall_alone then top else bottom end,
        case when left_after <= %(bound)s then ', and back by the next' else '' end,
        case when rise_alone >= fall_alone then 'up' else 'down' end,
        to_char(case when rise_alone >= fall_alone then 100 * (exp(least(up, 20)) - 1) else 100 * (1 - exp(-down)) end, 'FM999999999990.0')
    )
from largest
