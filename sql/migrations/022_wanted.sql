-- What is complete is counted from what was wanted, and hours that nobody could have are missing nowhere: one
-- definition, in `missing_run`, of which completeness and gaps are made.

-- The oldest hour that a run was asked for, by coin.
create table wanted (
    coin integer primary key references coin,
    starts_at timestamptz not null,
    constraint wanted_hours_are_whole check (
        starts_at = date_trunc('hour', starts_at, 'UTC') and starts_at between '2009-01-01Z' and '2100-01-01Z'
    )
);

-- Until now nobody noted it: it reaches back at least as far as the candles do, and what venues were asked for.
insert into wanted (coin, starts_at)
select life.coin, least(life.first_day + first_hour(life.first_present) * interval '1 hour', asked.starts_at)
from (
    select coin, min(open_time) as first_day, first(present, open_time) as first_present from candle_1d group by coin
) life
full join (select coin, min(starts_at) as starts_at from absence group by coin) asked using (coin)
where life.coin is not null;

-- In the order in which they are made from one another: handed over, they are made anew in that order.
drop view data_quality, historical_data_range, coverage, gap, missing_run, life;

-- The life of a coin, of which hours can be missing: from its first listing or the first hour wanted, whichever is
-- later (or its first candle, if that is earlier or no listing's start is known), to the last closed hour (or the end
-- of its last listing; or its last candle, if that is later). Of a coin without a candle: from when it was first asked
-- for, if no start is known. `gone`: when its last candle closed. `listed_at`: its first listing, wanted or not.
--     listed in 2017, wanted from 2020 on, first candle 2020-01-01 00:00: its life begins with 2020
create view life as
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
)
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
where reach.coin is not null or asked.coin is not null;

-- The maximal runs of hours without a candle in the coins' lives: off the bits of the days that fall short, the days
-- that are not there, and what lies before the first day and after the last. No hour is looked at.
-- `unlisted`: those of them that nobody could have, and that are missing nowhere: no venue listed the coin then, or it
-- is gone from all of them by now and those who were asked had nothing more.
create view missing_run as
with absent as (
    select
        life.coin,
        greatest(part.starts_at, life.starts_at) as starts_at,
        least(part.ends_at, life.ends_at) as ends_at,
        life.gone
    from life
    cross join lateral (
        select day + hour * interval '1 hour' as starts_at, day + (hour + 1) * interval '1 hour' as ends_at
        from unnest(life.short_days, life.short_present) as short (day, present)
        cross join generate_series(0, 23) as hour
        where present >> hour & 1 = 0
        union all
        select expected, open_time
        from (
            select open_time, lag(open_time) over (order by open_time) + interval '24 hours' as expected
            from candle_1d
            where candle_1d.coin = life.coin and not life.has_every_day
        ) day
        where expected < open_time
        union all
        values
            (life.starts_at, coalesce(life.first_day, life.ends_at)),
            (life.last_day + interval '24 hours', life.ends_at)
    ) part
    where part.starts_at < part.ends_at and part.starts_at < life.ends_at and part.ends_at > life.starts_at
), marked as (
    select *, starts_at is distinct from lag(ends_at) over (partition by coin order by starts_at) as opens
    from absent
), counted as (
    select *, count(*) filter (where opens) over (partition by coin order by starts_at) as run
    from marked
), run as (
    select coin, min(starts_at) as starts_at, max(ends_at) as ends_at, gone
    from counted
    group by coin, gone, run
), listed as (
    select
        listing.coin,
        range_agg(tstzrange(coalesce(starts_at, '-infinity'), coalesce(ends_at, 'infinity'))) as spans,
        bool_and(ends_at is not null) as is_over
    from listing
    join source on source.key = listing.source
    where source.traded
    group by listing.coin
)
select
    run.coin, run.starts_at, run.ends_at, run.gone,
    tstzmultirange(tstzrange(run.starts_at, run.ends_at)) - coalesce(listed.spans, '{(,)}')
        + coalesce(
            case when listed.is_over and run.ends_at > run.gone then (
                select range_agg(tstzrange(greatest(starts_at, run.starts_at, run.gone), least(ends_at, run.ends_at)))
                from absence
                where absence.coin = run.coin and outcome not in ('lost', 'failed')
                    and starts_at < run.ends_at and ends_at > greatest(run.starts_at, run.gone)
            ) end,
            '{}'
        ) as unlisted
from run
left join listed on listed.coin = run.coin;

-- A run of hours without a candle in parts: those that nobody could have, those that nobody was asked for, and the
-- others, which are one gap each, with the reason of most of its hours (of equal ones the first written here).
--   not listed yet, delisted   no venue listed the coin then; or it is gone from all by now, and there was nothing more
--   not tried                  nobody was asked
--   fetch failed               somebody who was asked last did not answer, or not with all there is
--   outage at the venue        the venue has these hours of no coin: a hole of two coins or more
--   malformed at the venue     the venue's own candle breaks a rule
--   no trades                  the venue has none of this coin between candles that it has, and has others'
--   no source has it           those who were asked have nothing; nothing tells that they should, or nobody compared
create function reasons_of(
    run tstzmultirange, since timestamptz, unlisted tstzmultirange, failed tstzmultirange,
    outages tstzmultirange, affirmed tstzmultirange, nothing tstzmultirange, malformed tstzmultirange
) returns table (part tstzrange, reason text) immutable parallel safe language plpgsql as $$
declare
    tried tstzmultirange := run * (failed + nothing);
begin
    for part in select unnest(unlisted) loop
        reason := case when lower(part) < since then 'not listed yet' else 'delisted' end;
        return next;
    end loop;
    reason := 'not tried';
    for part in select unnest(run - unlisted - tried) loop
        return next;
    end loop;
    for part in select unnest(tried - unlisted) loop
        reason := case
            when isempty(failed) and isempty(outages) and isempty(malformed) and affirmed @> part then 'no trades'
            when isempty(failed) and outages @> part then 'outage at the venue'
            else (
                select kind.reason
                from (
                    values
                        (1, 'fetch failed', hours(failed * tstzmultirange(part))),
                        (2, 'outage at the venue', hours(outages * tstzmultirange(part) - failed)),
                        (3, 'malformed at the venue', hours(malformed * tstzmultirange(part) - failed - outages)),
                        (4, 'no trades', hours(affirmed * tstzmultirange(part) - failed - outages - malformed)),
                        (5, 'no source has it', hours(tstzmultirange(part) - failed - outages - malformed - affirmed))
                ) as kind (place, reason, hours)
                order by kind.hours desc, kind.place
                limit 1
            )
        end;
        return next;
    end loop;
end
$$;

-- Every gap, and why. evidence: who was asked, how often, when last, what came of it, and what the source had of
-- others. What is refused is no part of an outage. next_attempt: nobody asks
-- before that; null where nobody ever will. asked_by: the deployment that asks then, by its own schedule; hours older
-- than those of fill-gaps are asked for by a backfill, which has none.
create view gap as
with since as (
    select listing.coin, min(coalesce(starts_at, '-infinity')) as since
    from listing
    join source on source.key = listing.source
    where source.traded
    group by listing.coin
), known as (
    select run.coin, lower(told.part) as starts_at, upper(told.part) as ends_at, told.reason
    from missing_run run
    left join since on since.coin = run.coin
    cross join lateral (
        select
            coalesce(range_agg(part) filter (where outcome in ('lost', 'failed')), '{}') as failed,
            coalesce(range_agg(part) filter (where outcome in ('hole', 'between') and others = 'have'), '{}') as affirmed,
            coalesce(range_agg(part) filter (where outcome not in ('lost', 'failed')), '{}') as nothing,
            coalesce(range_agg(part) filter (where outcome = 'malformed'), '{}') as malformed,
            coalesce(
                range_agg(part * tstzrange(outage.starts_at, outage.ends_at)) filter (where outage.source is not null),
                '{}'
            ) as outages
        from (
            select *, tstzrange(greatest(starts_at, run.starts_at), least(ends_at, run.ends_at)) as part
            from absence
            where absence.coin = run.coin and starts_at < run.ends_at and ends_at > run.starts_at
        ) absence
        left join outage on outage.source = absence.source and outcome in ('hole', 'between', 'edge')
            and tstzrange(outage.starts_at, outage.ends_at) && part
    ) asked
    cross join lateral reasons_of(
        tstzmultirange(tstzrange(run.starts_at, run.ends_at)), coalesce(since.since, '-infinity'), run.unlisted,
        asked.failed, asked.outages, asked.affirmed, asked.nothing, asked.malformed
    ) told
)
select
    coin.symbol, known.starts_at, known.ends_at,
    extract(epoch from known.ends_at - known.starts_at)::bigint / 3600 as hours,
    known.reason, asked.evidence, asked.attempts, asked.first_asked, asked.last_asked,
    case
        when known.reason not in ('not listed yet', 'delisted') then greatest(asked.next_attempt, as_of())
    end as next_attempt,
    coin.id as coin_id, known.coin,
    case
        when known.reason in ('not listed yet', 'delisted') then null
        when known.ends_at > time_bucket('1 hour', as_of()) - interval '24 hours' then 'hourly'
        when known.ends_at > time_bucket('1 hour', as_of()) - interval '30 days' then 'fill-gaps'
        else 'backfill'
    end as asked_by
from known
join coin on coin.key = known.coin
left join lateral (
    select
        coalesce(jsonb_agg(jsonb_build_object(
            'source', source.name,
            'start', greatest(absence.starts_at, known.starts_at),
            'end', least(absence.ends_at, known.ends_at),
            'outcome', outcome, 'words', words, 'others', others, 'other', other.symbol, 'attempts', absence.attempts,
            'first_asked', first_at, 'last_asked', last_at, 'next_attempt', greatest(retry_at, as_of())
        ) order by absence.starts_at, source.key), '[]') as evidence,
        coalesce(max(absence.attempts), 0) as attempts,
        min(first_at) as first_asked,
        max(last_at) as last_asked,
        min(coalesce(retry_at, '-infinity')) as next_attempt
    from absence
    join source on source.key = absence.source
    left join coin other on other.key = absence.other
    where absence.coin = known.coin and absence.starts_at < known.ends_at and absence.ends_at > known.starts_at
) asked on true;

drop function reasons_of(
    tstzmultirange, timestamptz, tstzmultirange, timestamptz, tstzmultirange, tstzmultirange, tstzmultirange,
    tstzmultirange, tstzmultirange
);

-- The bars of a length that these hours touch, and those that lie wholly within them.
create function touched(parts tstzmultirange, step interval) returns tstzmultirange immutable parallel safe language sql
return (
    select coalesce(
        range_agg(tstzrange(
            time_bucket(step, lower(part)), time_bucket(step, upper(part) - interval '1 hour') + step
        )),
        '{}'
    )
    from unnest(parts) part
);
create function filled(parts tstzmultirange, step interval) returns tstzmultirange immutable parallel safe language sql
return (
    select coalesce(
        range_agg(tstzrange(starts_at, ends_at)) filter (where starts_at < ends_at), '{}'
    )
    from (
        select
            time_bucket(step, lower(part) + step - interval '1 hour') as starts_at,
            time_bucket(step, upper(part)) as ends_at
        from unnest(parts) part
    ) whole
);

-- Per coin and timeframe: what there is, and what there would be if nothing were missing. Counted at each reading and
-- never remembered: what is complete today can lack an hour tomorrow. A coin without a candle has its row of 1h. A bar is expected when its time was over before
-- the coin's life was, and an hour of it lies in that life and could be had; it is whole when it lacks none of these.
-- `unwanted`: the hours between the first listing and the life, which no run was asked for.
--     a life of 30 hours from midnight, 05:00 to 12:00 unlisted, 13:00 missing: 1h 23 expected, 22 whole; 4h 6
--     expected (08:00 is not, and the eighth is not over), 5 whole (12:00 lacks an hour; 04:00 has its only one)
create view coverage as
with lack as (
    select
        coin, range_agg(part.hours) filter (where part.is_unlisted) as unlisted,
        range_agg(part.hours) filter (where not part.is_unlisted) as missing
    from missing_run
    cross join lateral (
        select unnest(unlisted) as hours, true as is_unlisted
        union all
        select unnest(tstzmultirange(tstzrange(starts_at, ends_at)) - unlisted), false
    ) part
    group by coin
), lived as (
    select
        life.*, coalesce(lack.unlisted, '{}') as unlisted, coalesce(lack.missing, '{}') as missing,
        greatest(
            0, extract(epoch from life.starts_at - life.listed_at)::bigint / 3600
        ) as unwanted
    from life
    left join lack on lack.coin = life.coin
), kind (timeframe, step, bars) as (
    values ('4h', interval '4 hours', 6), ('1d', interval '24 hours', 1)
), short_day as (
    select coin, short.day, short.present
    from lived
    cross join lateral unnest(lived.short_days, lived.short_present) as short (day, present)
    union all
    select coin, open_time, present
    from candle_1d
    where hours >= 24 and open_time > (select as_of()) - interval '24 hours'
), short as (
    select
        coin, kind.timeframe, min(bar.open_time) as earliest, max(bar.open_time) as latest, count(*) as total
    from short_day
    cross join kind
    cross join lateral (
        select distinct time_bucket(kind.step, day + hour * interval '1 hour') as open_time
        from generate_series(0, 23) as hour
        where present >> hour & 1 = 1
    ) bar
    where bar.open_time + kind.step <= (select as_of())
    group by coin, kind.timeframe
), bar as (
    select
        lived.coin, kind.timeframe, lived.starts_at, lived.ends_at, lived.unwanted,
        least(short.earliest, lived.first_full) as earliest,
        greatest(short.latest, lived.last_full + interval '24 hours' - kind.step) as latest,
        coalesce(short.total, 0) + lived.full_days * kind.bars as total,
        hours(could.be) as expected,
        hours(could.be * over.bars - touched(lived.missing, kind.step)) as whole,
        extract(epoch from kind.step)::bigint / 3600 as length
    from lived
    cross join kind
    cross join lateral (
        select
            tstzmultirange(tstzrange(
                time_bucket(kind.step, lived.starts_at),
                greatest(time_bucket(kind.step, lived.starts_at), time_bucket(kind.step, lived.ends_at))
            ))
            - filled(
                lived.unlisted
                + tstzmultirange(tstzrange(time_bucket(kind.step, lived.starts_at), lived.starts_at)), kind.step
            ) as be
    ) could
    cross join lateral (
        select tstzmultirange(tstzrange(null, time_bucket(kind.step, (select as_of())))) as bars
    ) over
    left join short on short.coin = lived.coin and short.timeframe = kind.timeframe
    where lived.full_days > 0 or short.total > 0
)
select
    coin, '1h' as timeframe, starts_at, ends_at,
    first_day + first_hour(first_present) * interval '1 hour' as earliest, nullif(gone, 'infinity') - interval '1 hour' as latest,
    coalesce(hours, 0) as total, coalesce(hours, 0) as whole, coalesce(hours, 0) + hours(missing) as expected, unwanted
from lived
union all
select
    coin, timeframe, starts_at, ends_at, earliest, latest, total, whole / length, expected / length,
    unwanted
from bar;

create view historical_data_range as
select
    coin.symbol, timeframe, earliest as earliest_date, latest as latest_date, total as total_records,
    whole >= expected as is_complete,
    coin.id as coin_id
from coverage
join coin on coin.key = coverage.coin
where total > 0;

create view data_quality as
select
    coin.symbol, timeframe,
    case when expected = 0 then 100 else round(100.0 * least(whole, expected) / expected, 4) end as completeness_percentage,
    greatest(expected - whole, 0) as missing_records,
    whole < expected as has_gaps,
    expected as expected_records, total as total_records,
    coin.id as coin_id
from coverage
join coin on coin.key = coverage.coin;
