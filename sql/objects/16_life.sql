-- The life of a coin, of which hours can be missing: from its first listing or the first hour wanted, whichever is
-- later (or its first candle, if that is earlier or no listing's start is known), to the last closed hour (or the end
-- of its last listing; or its last candle, if that is later). Of a coin without a candle: from when it was first asked
-- for, if no start is known. `gone`: when its last candle closed. `listed_at`: its first listing, wanted or not.
--     listed in 2017, wanted from 2020 on, first candle 2020-01-01 00:00: its life begins with 2020
-- `absent`: its hours without a candle. They are read off the bits of the days that fall short, the days that are not
-- there, and what lies before the first day and after the last. No hour is looked at.
-- `unlisted`: those of them that nobody could have, and that are missing nowhere. No venue listed the coin then, or it is
-- gone from all of them by now and those who were asked had nothing more.
create or replace view life as
with reach as (
    select
        coin, min(open_time) as first_day, max(open_time) as last_day,
        count(*) = extract(epoch from max(open_time) - min(open_time))::bigint / 86400 + 1 as has_every_day,
        first(present, open_time) as first_present, last(present, open_time) as last_present,
        array_agg(open_time) filter (where hours < 24) as short_days,
        array_agg(present) filter (where hours < 24) as short_present,
        sum(hours)::bigint as hours,
        count(*) filter (where hours >= 24 and open_time + interval '24 hours' <= (select as_of())) as full_days,
        min(open_time) filter (where hours >= 24 and open_time + interval '24 hours' <= (select as_of())) as first_full,
        max(open_time) filter (where hours >= 24 and open_time + interval '24 hours' <= (select as_of())) as last_full
    from candle_1d
    group by coin
), listed as (
    select coin, min(starts_at) as starts_at, max(coalesce(ends_at, 'infinity')) as ends_at
    from listing
    group by coin
), asked as (
    select coin, min(starts_at) as starts_at
    from absence
    group by coin
), traded as (
    select
        listing.coin,
        range_agg(tstzrange(coalesce(starts_at, '-infinity'), coalesce(ends_at, 'infinity'))) as spans,
        bool_and(ends_at is not null) as is_over
    from listing
    join source on source.key = listing.source
    where source.traded
    group by listing.coin
), lived as (
    select
        coin.key as coin,
        coalesce(
            least(
                case when listed.starts_at is not null then greatest(listed.starts_at, wanted.starts_at) end,
                reach.first_day + first_hour(reach.first_present) * interval '1 hour'
            ),
            asked.starts_at
        ) as starts_at,
        greatest(
            least(time_bucket('1 hour', as_of()), coalesce(listed.ends_at, 'infinity')),
            reach.last_day + (last_hour(reach.last_present) + 1) * interval '1 hour'
        ) as ends_at,
        coalesce(reach.last_day + (last_hour(reach.last_present) + 1) * interval '1 hour', 'infinity') as gone,
        reach.first_day, reach.last_day, reach.has_every_day, reach.short_days, reach.short_present,
        reach.hours, reach.full_days, reach.first_full, reach.last_full, reach.first_present,
        listed.starts_at as listed_at
    from coin
    left join reach on reach.coin = coin.key
    left join asked on asked.coin = coin.key
    left join listed on listed.coin = coin.key
    left join wanted on wanted.coin = coin.key
    where reach.coin is not null or asked.coin is not null
)
select
    lived.*, lack.absent,
    lack.absent - coalesce(traded.spans, '{(,)}')
        + coalesce(
            case when traded.is_over then lack.absent * (
                select range_agg(tstzrange(greatest(starts_at, lived.gone), ends_at))
                from absence
                where absence.coin = lived.coin and outcome not in ('lost', 'failed') and ends_at > lived.gone
            ) end,
            '{}'
        ) as unlisted
from lived
left join traded on traded.coin = lived.coin
cross join lateral (
    select
        coalesce(range_agg(tstzrange(starts_at, ends_at)), '{}')
            * tstzmultirange(tstzrange(lived.starts_at, greatest(lived.starts_at, lived.ends_at))) as absent
    from (
        select day + hour * interval '1 hour' as starts_at, day + (hour + 1) * interval '1 hour' as ends_at
        from unnest(lived.short_days, lived.short_present) as short (day, present)
        cross join generate_series(0, 23) as hour
        where present >> hour & 1 = 0
        union all
        select expected, open_time
        from (
            select open_time, lag(open_time) over (order by open_time) + interval '24 hours' as expected
            from candle_1d
            where candle_1d.coin = lived.coin and not lived.has_every_day
        ) day
        where expected < open_time
        union all
        values
            (lived.starts_at, coalesce(lived.first_day, lived.ends_at)),
            (lived.last_day + interval '24 hours', lived.ends_at)
    ) part
    where starts_at < ends_at
) lack;
