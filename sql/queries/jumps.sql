-- Where a coin's price is another after hours without a candle of its venue.
--   redenomination    by a power of ten, give or take %(near)s as a logarithm to ten, after %(halted)s at the most
--                     (BNX 175.5 -> 1.755 after 149 hours, VIDT 0.4731 -> 0.044 after 221), and not just for a trade:
--                     half of the way is still gone when the hour closes
--   suspected reuse   twice or half and more (%(far)s), after %(long)s and more without any candle
-- Neither where a listing ended meanwhile and another of that source began: LUNC closed at 0.00005 as LUNAUSDT and
-- opened at 0.0005177 as LUNCUSDT four months later. Two sources are one venue unless both list the coin: an archive
-- has no listings of its own. Another venue may have filled the hours of a redenomination, with the old price.
--
-- Only days that fall short, follow one that does or are of several sources, and whose prices reach that far, are
-- looked into: one by one (offset 0), as the planner takes any but an exact count of days for a reason to read all
-- hours.
with suspect as (
    select coin, open_time
    from (
        select
            coin, open_time, hours, sources, greatest(high, close) as top, least(low, close) as bottom,
            lag(open_time) over earlier as day_before, lag(hours) over earlier as hours_before,
            lag(sources) over earlier as sources_before, lag(close) over earlier as close_before
        from candle_1d
        where coin = any (%(coins)s::integer[])
        window earlier as (partition by coin order by open_time)
    ) day
    where (
            hours < 24 or hours_before < 24 or day_before < open_time - interval '1 day'
            or sources & (sources - 1) <> 0 or sources <> sources_before
        )
        and case when least(bottom, close_before) > 0 then -- else it is broken, which another look tells
            log(greatest(top, close_before)) - log(least(bottom, close_before)) > %(far)s end
), lister as (
    select coin, array_agg(distinct source) as sources from listing where coin = any (%(coins)s::integer[]) group by coin
), resumed as (
    select
        hour.*, lister.sources as listed_at,
        before.open_time as time_before, before.source as source_before,
        log(hour.open) - log(before.close) as tens
    from (select distinct * from suspect) day
    cross join lateral (
        select coin, open_time, open, close, source
        from candle_1h
        where coin = day.coin
            and open_time >= day.open_time
            and open_time < day.open_time + interval '24 hours'
            and open > 0 and close > 0
        offset 0
    ) hour
    cross join lateral (
        select open_time, close, source
        from candle_1h
        where coin = hour.coin and open_time < hour.open_time
            and open_time >= hour.open_time - %(longest)s::interval
        order by open_time desc
        limit 1
    ) before
    left join lister on lister.coin = hour.coin
    where (before.open_time < hour.open_time - interval '1 hour' or before.source <> hour.source)
        and case when before.close > 0 then abs(log(hour.open) - log(before.close)) > %(far)s end
), jump as (
    select
        resumed.*, own.source as source_own, own.open_time as time_own, own.close as close_own,
        resumed.open_time - own.open_time - interval '1 hour' as halt,
        abs(log(resumed.open) - log(own.close)) as own_tens, abs(log(resumed.close) - log(own.close)) as kept
    from resumed
    cross join lateral (
        select open_time, close, source
        from candle_1h
        where coin = resumed.coin and open_time < resumed.open_time
            and open_time >= least(time_before, resumed.open_time - %(halted)s::interval - interval '1 hour')
            and (source = resumed.source or (array[source, resumed.source] <@ listed_at) is not true)
        order by open_time desc
        limit 1
    ) own
    where own.close > 0 and own.open_time < resumed.open_time - interval '1 hour'
        and not exists (
            select from listing old
            join listing new on new.coin = old.coin and new.source = old.source
            where old.coin = resumed.coin
                and old.ends_at > own.open_time and old.ends_at <= resumed.open_time
                and coalesce(new.starts_at, new.told_start) > own.open_time
                and coalesce(new.starts_at, new.told_start) <= resumed.open_time
        )
), told as (
    select
        *,
        round(own_tens) >= 1 and abs(own_tens - round(own_tens)) <= %(near)s and abs(tens) > 0.5 and kept > own_tens / 2
            and halt <= %(halted)s::interval as is_redenomination
    from jump
)
select
    case when is_redenomination then 'redenomination' else 'suspected reuse' end,
    told.coin, told.open_time,
    format(
        'closed at {}, opened at {} after %%s hours without a candle%%s',
        extract(epoch from halt)::bigint / 3600,
        case when time_own <> time_before then ' of ' || source.name else '' end
    ),
    array[told.close_own, told.open]
from told
join source on source.key = told.source
where is_redenomination
    or (own_tens > %(far)s and time_own = time_before and halt >= %(long)s::interval)
