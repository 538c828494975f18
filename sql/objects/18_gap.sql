-- Every gap, and why. evidence: who was asked, how often, when last, what came of it, and what the source had of
-- others. What is refused is no part of an outage. next_attempt: nobody asks before that; null where nobody ever will, as
-- where all who were asked have settled it.
-- asked_by: the deployment that asks then, by its own schedule; hours older than those of fill-gaps are asked for by a
-- backfill, which has none. Of a slow source hourly runs ask for the best coins only: of the others fill-gaps does, unless
-- another source lists them too.
create or replace view gap as
with listed as (
    select listing.coin, listing.source, learnt.number, coin.rank, bool_or(listing.ends_at is null) as is_open
    from listing
    join source on source.key = listing.source
    join coin on coin.key = listing.coin
    left join learnt on learnt.what = 'hourly coins of ' || source.name
    where listing.ends_at is null or listing.ends_at > time_bucket('1 hour', as_of()) - interval '24 hours'
    group by listing.coin, listing.source, learnt.number, coin.rank
), not_hourly as (
    select coin
    from (
        select coin, number, row_number() over (partition by source, is_open order by rank nulls last, coin) as place, is_open
        from listed
    ) placed
    group by coin
    having bool_and(number is not null and (place > number or not is_open))
)
select
    coin.symbol, known.starts_at, known.ends_at,
    extract(epoch from known.ends_at - known.starts_at)::bigint / 3600 as hours,
    known.reason, asked.evidence, asked.attempts, asked.first_asked, asked.last_asked,
    case
        when known.reason not in ('not listed yet', 'delisted') then nullif(greatest(asked.next_attempt, as_of()), 'infinity')
    end as next_attempt,
    coin.id as coin_id, known.coin,
    case
        when known.reason in ('not listed yet', 'delisted') or asked.next_attempt = 'infinity' then null
        when known.ends_at > time_bucket('1 hour', as_of()) - interval '24 hours'
            and not_hourly.coin is null then 'hourly'
        when known.ends_at > time_bucket('1 hour', as_of()) - interval '30 days' then 'fill-gaps'
        else 'backfill'
    end as asked_by
from run_reason known
join coin on coin.key = known.coin
left join not_hourly on not_hourly.coin = known.coin
left join lateral (
    select
        coalesce(jsonb_agg(jsonb_build_object(
            'source', source.name,
            'start', greatest(absence.starts_at, known.starts_at),
            'end', least(absence.ends_at, known.ends_at),
            'outcome', outcome, 'words', words, 'others', others, 'other', other.symbol, 'attempts', absence.attempts,
            'first_asked', first_at, 'last_asked', last_at, 'next_attempt', case when not settled then greatest(retry_at, as_of()) end
        ) order by absence.starts_at, source.key), '[]') as evidence,
        coalesce(max(absence.attempts), 0) as attempts,
        min(first_at) as first_asked,
        max(last_at) as last_asked,
        min(case when settled then 'infinity' else coalesce(retry_at, '-infinity') end) as next_attempt
    from absence
    join source on source.key = absence.source
    left join coin other on other.key = absence.other
    where absence.coin = known.coin and absence.starts_at < known.ends_at and absence.ends_at > known.starts_at
) asked on true;
