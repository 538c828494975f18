-- How the days of a window of whole days differ from the hours that there are: days that count hours which are gone
-- (`lost`), and days that do not count hours which are there. Both the 1d and the 4h candles are held to the hours,
-- bit by bit. Days that wait for a refresh are not compared: whatever writes notes them with what it wrote.
with waiting as (
    select coalesce(range_agg(tstzrange(starts_at, ends_at)), '{}') as days from stale
), held as (
    select
        coin, time_bucket('1 day', open_time) as day,
        bit_or(1 << extract(hour from open_time - time_bucket('1 day', open_time))::integer) as present
    from candle_1h
    where open_time >= %(start)s and open_time < %(end)s
    group by coin, day
), bars as (
    select coin, time_bucket('1 day', open_time) as day, bit_or(present) as present
    from candle_4h
    where open_time >= %(start)s and open_time < %(end)s
    group by coin, day
), days as (
    select coin, open_time as day, present
    from candle_1d
    where open_time >= %(start)s and open_time < %(end)s
), differing as (
    select
        coin, day,
        bit_count(((coalesce(days.present, 0) | coalesce(bars.present, 0)) & ~coalesce(held.present, 0))::bit(24)) as lost,
        bit_count((coalesce(held.present, 0) & ~(coalesce(days.present, 0) & coalesce(bars.present, 0)))::bit(24)) as uncounted
    from held
    full join days using (coin, day)
    full join bars using (coin, day)
    cross join waiting
    where (held.present is distinct from days.present or held.present is distinct from bars.present)
        and not waiting.days @> day
)
select
    coalesce(sum(lost), 0)::bigint, count(*) filter (where lost > 0),
    coalesce(array_agg(distinct coin) filter (where lost > 0), '{}'),
    min(day) filter (where lost > 0), max(day) filter (where lost > 0) + interval '24 hours',
    coalesce(sum(uncounted), 0)::bigint,
    coalesce(range_agg(tstzrange(day, day + interval '24 hours')), '{}')
from differing
