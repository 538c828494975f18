-- One answer is not the truth: what ends, begins or renames something is believed when it is seen again some hours
-- later, and what was learnt from candles is a guess with a date.

-- What one answer said, and another has to say again. A row goes when an answer no longer says it.
create table unconfirmed (
    kind text not null,              -- 'coin gone', 'rank lost', 'listing gone at binance_spot'
    subject text not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (kind, subject),
    constraint first_is_not_after_last check (first_at <= last_at)
);

-- CoinGecko renames coins. The old id goes on naming the coin.
create table coin_alias (
    id text primary key,
    coin integer not null references coin,
    until timestamptz not null       -- when the new id was first seen
);

alter table coin
    add column price double precision,      -- in dollars, as CoinGecko told it; null: unknown
    add column priced_at timestamptz;

-- Whole hours, wherever they come from: a listing begins with the hour in which it began, and ends with the hour in
-- which it ended. Years that no venue means are not known at all.
update listing set starts_at = null where not starts_at between '2009-01-01Z' and '2100-01-01Z';
update listing set ends_at = null where not ends_at between '2009-01-01Z' and '2100-01-01Z';
update listing
set starts_at = date_trunc('hour', starts_at, 'UTC'),
    ends_at = date_trunc('hour', ends_at + interval '1 hour' - interval '1 microsecond', 'UTC')
where starts_at <> date_trunc('hour', starts_at, 'UTC') or ends_at <> date_trunc('hour', ends_at, 'UTC');

alter table listing
    alter column multiple type bigint,      -- 1T is a million millions
    add column told_start timestamptz,      -- when trading began, in the venue's word; null: it does not say
    add column start_checked_at timestamptz,-- when candles on both sides last agreed with starts_at; null: never
    add column price_checked_at timestamptz,-- when its candles were found to cost about what CoinGecko says
    add constraint listing_hours_are_whole check (
        starts_at = date_trunc('hour', starts_at, 'UTC') and ends_at = date_trunc('hour', ends_at, 'UTC')
        and starts_at >= '2009-01-01Z' and ends_at <= '2100-01-01Z'
    );

-- malformed: the venue's own candle breaks a rule, in words.
alter table absence
    drop constraint outcome_is_known,
    add constraint outcome_is_known check (
        outcome in ('hole', 'between', 'edge', 'lost', 'failed', 'refused', 'malformed')
    );

-- As in 012, and one reason more: a run that is mostly hours of which the venue's own candle breaks a rule is
-- `malformed at the venue`.
create function reasons_of(
    run tstzmultirange, since timestamptz, listed tstzmultirange, gone timestamptz, failed tstzmultirange,
    outages tstzmultirange, affirmed tstzmultirange, nothing tstzmultirange, malformed tstzmultirange
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

-- As in 012, with the new reason. evidence: who was asked, how often, when last, and what came of it. next_attempt: nobody asks
-- before that; null where nobody ever will.
create or replace view gap as
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
        left join outage on outage.source = absence.source and outcome not in ('lost', 'failed', 'malformed')
            and tstzrange(outage.starts_at, outage.ends_at) && part
    ) asked
    cross join lateral reasons_of(
        tstzmultirange(tstzrange(run.starts_at, run.ends_at)), coalesce(listed.since, '-infinity'),
        coalesce(listed.spans, '{(,)}'), case when listed.is_over then run.gone else 'infinity' end,
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

drop function reasons_of(
    tstzmultirange, timestamptz, tstzmultirange, timestamptz, tstzmultirange, tstzmultirange, tstzmultirange, tstzmultirange
);
