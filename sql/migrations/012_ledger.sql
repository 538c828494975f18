-- Why an hour is missing. Which hours are is never kept: that is read off the candles. What is kept is the
-- evidence: who was asked for an hour and did not give it, what was said, and when to ask again.

alter table source add column traded boolean not null default true; -- false: its candles are indicative

-- hole     the answer had candles before and after: the venue affirms that it has none
-- between  so it had, but before it in one answer and after it in another
-- edge     no candle on one side of it, or on none: nothing tells that the answer was whole
-- lost     the answer lacks what the venue is known to have
-- failed   no answer that could be used, in the venue's words
-- refused  the venue will not tell: asking again does not help
create table absence (
    coin integer not null references coin,
    source smallint not null references source,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    outcome text not null,
    words text,                      -- the venue's
    first_at timestamptz not null,   -- when the venue was first found to have nothing (or not to answer)
    last_at timestamptz not null,    -- when it was asked last
    attempts integer not null,
    retry_at timestamptz,            -- nobody asks again before that; null: the next run does
    primary key (coin, source, starts_at),
    constraint ends_after_it_starts check (ends_at > starts_at),
    constraint hours_are_whole check (
        starts_at = date_trunc('hour', starts_at, 'UTC') and ends_at = date_trunc('hour', ends_at, 'UTC')
        and starts_at >= '2009-01-01Z' and ends_at <= '2100-01-01Z'
    ),
    constraint outcome_is_known check (outcome in ('hole', 'between', 'edge', 'lost', 'failed', 'refused')),
    constraint first_is_not_after_last check (
        first_at <= last_at and first_at >= '2009-01-01Z' and last_at <= '2100-01-01Z'
    ),
    constraint attempts_are_one_to_a_million check (attempts between 1 and 1000000),
    constraint asked_again_within_eight_days check (
        retry_at between first_at - interval '1 minute' and last_at + interval '8 days'
    )
);

-- Hours that no symbol of a venue has, though more than one was asked for: one outage, not a thousand gaps.
create table outage (
    source smallint not null references source,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    coins integer not null,          -- whose hours were asked for and are not there
    primary key (source, starts_at),
    constraint outage_ends_after_it_starts check (
        ends_at > starts_at and starts_at >= '2009-01-01Z' and ends_at <= '2100-01-01Z'
    ),
    constraint outage_is_of_two_or_more check (coins >= 2)
);

-- How a source last fared.
create table health (
    source smallint primary key references source,
    answered_at timestamptz,
    failed_at timestamptz,
    words text                       -- of the last failure
);

-- The life of a coin, of which hours can be missing: from its first listing (or its first candle, if that is
-- earlier or no start is known) to the last closed hour (or the end of its last listing; or its last candle, if
-- that is later). Of a coin without a candle: from when it was first asked for, if no start is known. `gone`: when
-- its last candle closed.
create view life as
with reach as (
    select
        coin, min(open_time) as first_day, max(open_time) as last_day,
        count(*) = extract(epoch from max(open_time) - min(open_time))::bigint / 86400 + 1 as has_every_day,
        first(present, open_time) as first_present, last(present, open_time) as last_present,
        array_agg(open_time) filter (where hours < 24) as short_days,
        array_agg(present) filter (where hours < 24) as short_present
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
        least(listed.starts_at, reach.first_day + first_hour(reach.first_present) * interval '1 hour'),
        asked.starts_at
    ) as starts_at,
    greatest(
        least(time_bucket('1 hour', as_of()), coalesce(listed.ends_at, 'infinity')),
        reach.last_day + (last_hour(reach.last_present) + 1) * interval '1 hour'
    ) as ends_at,
    coalesce(reach.last_day + (last_hour(reach.last_present) + 1) * interval '1 hour', 'infinity') as gone,
    reach.first_day, reach.last_day, reach.has_every_day, reach.short_days, reach.short_present
from coin
left join reach on reach.coin = coin.key
left join asked on asked.coin = coin.key
left join listed on listed.coin = coin.key
where reach.coin is not null or asked.coin is not null;

-- The maximal runs of missing hours in the coins' lives: off the bits of the days that fall short, the days that
-- are not there, and what lies before the first day and after the last. No hour is looked at.
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
)
select coin, min(starts_at) as starts_at, max(ends_at) as ends_at, gone
from counted
group by coin, gone, run;

create index on outage using gist (tstzrange(starts_at, ends_at));

create function hours(parts tstzmultirange) returns bigint immutable parallel safe language sql
return (select coalesce(sum(extract(epoch from upper(part) - lower(part)))::bigint / 3600, 0) from unnest(parts) part);

-- A run of missing hours in parts: those that nobody listed, those that nobody was asked for, and the others, which
-- are one gap each, with the reason of most of its hours (of equal ones the first written here).
--   not listed yet, delisted   no venue listed the coin then; or it is gone from all by now, and there was nothing more
--   not tried                  nobody was asked
--   fetch failed               somebody who was asked last did not answer, or not with all there is
--   outage at the venue        no symbol of a venue that was asked has these hours
--   no trades                  a venue affirms that it has none of this coin, though it has of others
--   no source has it           those who were asked have nothing; nothing tells that they should
create function reasons_of(
    run tstzmultirange, since timestamptz, listed tstzmultirange, gone timestamptz, failed tstzmultirange,
    outages tstzmultirange, affirmed tstzmultirange, nothing tstzmultirange
) returns table (part tstzrange, reason text) immutable parallel safe language plpgsql as $$
declare
    tried tstzmultirange := run * (failed + nothing);
    unlisted tstzmultirange := run - listed + tried * tstzmultirange(tstzrange(gone, 'infinity')) * nothing;
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
            when isempty(failed) and isempty(outages) and affirmed @> part then 'no trades'
            when isempty(failed) and outages @> part then 'outage at the venue'
            else (
                select kind.reason
                from (
                    values
                        (1, 'fetch failed', hours(failed * tstzmultirange(part))),
                        (2, 'outage at the venue', hours(outages * tstzmultirange(part) - failed)),
                        (3, 'no trades', hours(affirmed * tstzmultirange(part) - failed - outages)),
                        (4, 'no source has it', hours(tstzmultirange(part) - failed - outages - affirmed))
                ) as kind (place, reason, hours)
                order by kind.hours desc, kind.place
                limit 1
            )
        end;
        return next;
    end loop;
end
$$;

-- Every gap, and why. evidence: who was asked, how often, when last, and what came of it. next_attempt: nobody asks
-- before that; null where nobody ever will.
create view gap as
with listed as (
    select
        listing.coin, min(coalesce(starts_at, '-infinity')) as since,
        range_agg(tstzrange(coalesce(starts_at, '-infinity'), coalesce(ends_at, 'infinity'))) as spans,
        bool_and(ends_at is not null) as is_over
    from listing
    join source on source.key = listing.source
    where source.traded
    group by listing.coin
), known as (
    select run.coin, lower(told.part) as starts_at, upper(told.part) as ends_at, told.reason
    from missing_run run
    left join listed on listed.coin = run.coin
    cross join lateral (
        select
            coalesce(range_agg(part) filter (where outcome in ('lost', 'failed')), '{}') as failed,
            coalesce(range_agg(part) filter (where outcome in ('hole', 'between')), '{}') as affirmed,
            coalesce(range_agg(part) filter (where outcome not in ('lost', 'failed')), '{}') as nothing,
            coalesce(
                range_agg(part * tstzrange(outage.starts_at, outage.ends_at)) filter (where outage.source is not null),
                '{}'
            ) as outages
        from (
            select *, tstzrange(greatest(starts_at, run.starts_at), least(ends_at, run.ends_at)) as part
            from absence
            where absence.coin = run.coin and starts_at < run.ends_at and ends_at > run.starts_at
        ) absence
        left join outage on outage.source = absence.source and outcome not in ('lost', 'failed')
            and tstzrange(outage.starts_at, outage.ends_at) && part
    ) asked
    cross join lateral reasons_of(
        tstzmultirange(tstzrange(run.starts_at, run.ends_at)), coalesce(listed.since, '-infinity'),
        coalesce(listed.spans, '{(,)}'), case when listed.is_over then run.gone else 'infinity' end,
        asked.failed, asked.outages, asked.affirmed, asked.nothing
    ) told
)
select
    coin.symbol, known.starts_at, known.ends_at,
    extract(epoch from known.ends_at - known.starts_at)::bigint / 3600 as hours,
    known.reason, asked.evidence, asked.attempts, asked.first_asked, asked.last_asked,
    case
        when known.reason not in ('not listed yet', 'delisted') then greatest(asked.next_attempt, as_of())
    end as next_attempt,
    coin.id as coin_id, known.coin
from known
join coin on coin.key = known.coin
left join lateral (
    select
        coalesce(jsonb_agg(jsonb_build_object(
            'source', source.name,
            'start', greatest(absence.starts_at, known.starts_at),
            'end', least(absence.ends_at, known.ends_at),
            'outcome', outcome, 'words', words, 'attempts', absence.attempts,
            'first_asked', first_at, 'last_asked', last_at, 'next_attempt', greatest(retry_at, as_of())
        ) order by absence.starts_at, source.key), '[]') as evidence,
        coalesce(max(absence.attempts), 0) as attempts,
        min(first_at) as first_asked,
        max(last_at) as last_asked,
        min(coalesce(retry_at, '-infinity')) as next_attempt
    from absence
    join source on source.key = absence.source
    where absence.coin = known.coin and absence.starts_at < known.ends_at and absence.ends_at > known.starts_at
) asked on true;
