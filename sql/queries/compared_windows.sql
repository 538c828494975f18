-- Windows of whole days that together have all hours and all days' claims: each chunk of the hourly candles, and what
-- lies between, before and after them, where days may claim hours of a chunk that is gone.
with chunk as (
    select range_start, range_end
    from timescaledb_information.chunks
    where hypertable_name = 'candle_1h' and hypertable_schema = current_schema()
), claimed as (
    select min(starts_at) as starts_at, max(ends_at) as ends_at
    from (
        select min(open_time) as starts_at, max(open_time) + interval '24 hours' as ends_at from candle_1d
        union all
        select min(open_time), max(time_bucket('1 day', open_time)) + interval '24 hours' from candle_4h
    ) bars
)
select range_start, range_end from chunk
union all
select lower(part), upper(part)
from (
    select tstzmultirange(tstzrange(claimed.starts_at, claimed.ends_at))
        - coalesce((select range_agg(tstzrange(range_start, range_end)) from chunk), '{}') as parts
    from claimed
    where claimed.starts_at is not null
) outside, unnest(parts) as part
order by 1
