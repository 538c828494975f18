-- A hole between candles of one coin says nothing of its kind: the venue may have been down, or the coin halted. What the
-- venue had of other coins in the same hours tells. So each such stretch in `absence` now says what came of looking:
--
--   others   what the venue had in these hours               other                          so the hours are
--   have     candles of another coin                         null: one in this database     no trades
--   have     candles of bitcoin, asked for only to compare   bitcoin                        no trades
--   lack     a hole of another coin too, and no candle       null, or bitcoin, as above     an outage
--   alone    nothing that is known                           null                           no source has it
--   null     nobody has looked yet, or it is no such hole    null                           no source has it
--
-- Ethereum is held alone, and 2021-08-13 02:00..06:00 of it is a hole. The same venue is asked for bitcoin, 01:00..07:00:
-- candles at 01:00 and 06:00 and none between. The row says `lack`, bitcoin: an outage of two coins, four hours.
-- Had bitcoin's candles of 04:00 and 05:00 come, there would be two rows: 02:00..04:00 `lack`, 04:00..06:00 `have`.

alter table absence
    add column others text,
    add column other integer references coin,
    add constraint others_are_known check (others in ('have', 'lack', 'alone')),
    add constraint who_was_compared_is_known_by_what_came check (other is null or others in ('have', 'lack'));

-- Where nobody has looked yet: the end of each run does.
create index on absence (starts_at) where others is null and outcome in ('hole', 'between');

-- Until now candles that end (a delisting, the reach of a source) made an outage too. Each run tells those of its window
-- anew, and the first one all of them, since nobody has looked yet. What no two coins' holes bear out goes at once.
delete from outage
where 2 > (
    select count(distinct coin)
    from absence
    where absence.source = outage.source and outcome in ('hole', 'between')
        and absence.starts_at < outage.ends_at and absence.ends_at > outage.starts_at
);

-- As in 021, but that `no trades` takes a venue that had candles of others, that what is refused is no part of an outage,
-- and that the evidence says what others had.
create or replace view gap as
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
