-- From when to when days count hours that are not there: then what is missing, which is counted by days, cannot be told.
-- Of a few coins all days are looked at. Of all coins that would be to read every hour: a chunk is looked at, whether
-- it has any, and what lies in none. A smaller loss is found by `maintain`. Days that wait for a refresh are left out.
with waiting as (
    select coalesce(range_agg(tstzrange(starts_at, ends_at)), '{}') as days from stale
), chunk as (
    select tstzrange(range_start, range_end) as part, held.hypertable_name = 'candle_1h' as of_hours
    from timescaledb_information.chunks held
    left join timescaledb_information.continuous_aggregates bars
        on bars.materialization_hypertable_schema = held.hypertable_schema
        and bars.materialization_hypertable_name = held.hypertable_name
    where (held.hypertable_name = 'candle_1h' and held.hypertable_schema = current_schema())
        or (bars.view_name = 'candle_1d' and bars.view_schema = current_schema())
), part as (
    select part from chunk where of_hours
    union all
    select unnest(range_agg(part) - coalesce(range_agg(part) filter (where of_hours), '{}')) from chunk
), lost as (
    select day.open_time as starts_at, day.open_time + interval '24 hours' as ends_at
    from candle_1d day
    left join (
        select coin, time_bucket('1 day', open_time) as open_time, count(*) as hours
        from candle_1h
        where coin = any (%(coins)s::integer[])
        group by 1, 2
    ) held using (coin, open_time)
    where coin = any (%(coins)s::integer[]) and day.hours > coalesce(held.hours, 0)
    union all
    -- Scalar subqueries: of `exists` the planner makes a join, which reads all hours.
    select lower(part), upper(part)
    from part
    where %(coins)s::integer[] is null
        and (select true from candle_1d where open_time >= lower(part) and open_time < upper(part) and hours > 0 limit 1)
        and (select true from candle_1h where open_time >= lower(part) and open_time < upper(part) limit 1) is null
)
select min(lost.starts_at), max(lost.ends_at)
from lost
cross join waiting
where not tstzmultirange(tstzrange(lost.starts_at, lost.ends_at)) && waiting.days
