-- Where an hour opens far from where the hour before it closed, at one source: by more than %(bound)s, as a logarithm. Nobody
-- trades in between: of 350,000 real hours none opened 7 %% away. So either side was told wrong, or its coin is another
-- one. Of a coin's day the largest such step is told, and how many there are.
--
-- One hour that is elsewhere by itself, there and back, is a jump, which another look tells; not so where a day has more.
--     2 2 2 9 2 2 2 2    a jump        2 2 2 2 9 9 9 9    a step        2 9 2 9 2 2 9 2    steps
-- Only days that reach that far are looked into: one by one (offset 0), and not all hours for some days.
with suspect as (
    select coin, open_time as day
    from (
        select
            coin, open_time, greatest(open, high, close) as top, least(open, low, close) as bottom,
            lag(close) over (partition by coin order by open_time) as before
        from candle_1d
        where coin = any (%(coins)s::integer[])
    ) day
    where case when least(bottom, before) > 0 and greatest(top, before) < 'infinity'
        then ln(greatest(top, before)) - ln(least(bottom, before)) > %(bound)s end
), hour as (
    select
        suspect.day, hour.*,
        lag(hour.close) over earlier as before, lag(hour.open_time) over earlier as time_before,
        lag(hour.source) over earlier as source_before, lag(hour.close, 2) over earlier as two_before,
        lead(hour.open) over earlier as after
    from suspect
    cross join lateral (
        select coin, open_time, open, close, source
        from candle_1h
        where coin = suspect.coin
            and open_time >= suspect.day - interval '2 hours'
            and open_time < suspect.day + interval '25 hours'
            and least(open, close) > 0 and greatest(open, close) < 'infinity'
        offset 0
    ) hour
    window earlier as (partition by suspect.coin, suspect.day order by hour.open_time)
), step as (
    select
        *, abs(ln(open) - ln(before)) as size,
        least(abs(ln(after) - ln(before)), abs(ln(open) - ln(two_before))) <= %(bound)s as is_there_and_back
    from hour
    where open_time >= day and open_time < day + interval '24 hours'
        and time_before = open_time - interval '1 hour' and source_before = source
        and abs(ln(open) - ln(before)) > %(bound)s
), largest as (
    select distinct on (coin, day)
        *, count(*) over (partition by coin, day) as alike,
        bool_and(is_there_and_back is true) over (partition by coin, day) as all_are_there_and_back
    from step
    order by coin, day, is_there_and_back is true, size desc, open_time
)
select
    'step', coin, open_time,
    'the hour before closed at {}, this one opened at {}'
    || case when alike > 1 then format(', one of %%s that day', alike) else '' end,
    array[before, open]
from largest
where alike > 2 or not all_are_there_and_back
