-- The gaps of these coins (all, if none is named) within a window, and what lies outside of their lives but within
-- it: hours before it only where the window is told to begin there, hours after it always.
with ends as (
    select
        coalesce(%(start)s::timestamptz, '-infinity') as starts_at,
        least(%(end)s::timestamptz, time_bucket('1 hour', as_of())) as ends_at
)
select
    gap.symbol, gap.coin_id,
    greatest(gap.starts_at, ends.starts_at) as starts_at, least(gap.ends_at, ends.ends_at) as ends_at,
    reason, evidence, attempts, asked_by, first_asked, last_asked, next_attempt, coin.rank
from gap
join coin on coin.key = gap.coin
cross join ends
where gap.starts_at < ends.ends_at and gap.ends_at > ends.starts_at
    and (%(coins)s::integer[] is null or gap.coin = any (%(coins)s::integer[]))
union all
select
    coin.symbol, coin.id, greatest(part.starts_at, ends.starts_at), least(part.ends_at, ends.ends_at),
    part.reason, '[]', 0, part.asked_by, null, null, null, coin.rank
from life
join coin on coin.key = life.coin
cross join ends
cross join lateral (
    values
        ('not listed yet', null, %(start)s::timestamptz, least(life.listed_at, life.starts_at)),
        ('not wanted', 'backfill', life.listed_at, life.starts_at),
        ('delisted', null, life.ends_at, ends.ends_at)
) as part (reason, asked_by, starts_at, ends_at)
where part.starts_at is not null
    and (%(start)s::timestamptz is not null or part.reason = 'delisted')
    and greatest(part.starts_at, ends.starts_at) < least(part.ends_at, ends.ends_at)
    and (%(coins)s::integer[] is null or life.coin = any (%(coins)s::integer[]))
order by rank nulls last, 1, 3
