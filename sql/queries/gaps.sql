-- The gaps of these coins (all, if none is named) within a window, and what lies outside of their lives but within
-- it: hours before the first listing only where the window is told to begin there, hours after the last always.
with ends as (
    select
        coalesce(%(start)s::timestamptz, '-infinity') as starts_at,
        least(%(end)s::timestamptz, time_bucket('1 hour', as_of())) as ends_at
)
select
    gap.symbol, gap.coin_id,
    greatest(gap.starts_at, ends.starts_at) as starts_at, least(gap.ends_at, ends.ends_at) as ends_at,
    reason, evidence, attempts, first_asked, last_asked, next_attempt, coin.rank
from gap
join coin on coin.key = gap.coin
cross join ends
where gap.starts_at < ends.ends_at and gap.ends_at > ends.starts_at
    and (%(coins)s::integer[] is null or gap.coin = any (%(coins)s::integer[]))
union all
select
    coin.symbol, coin.id, greatest(part.starts_at, ends.starts_at), least(part.ends_at, ends.ends_at),
    part.reason, '[]', 0, null, null, null, coin.rank
from life
join coin on coin.key = life.coin
cross join ends
cross join lateral (
    values
        ('not listed yet', %(start)s::timestamptz, life.starts_at),
        ('delisted', life.ends_at, ends.ends_at)
) as part (reason, starts_at, ends_at)
where part.starts_at is not null
    and greatest(part.starts_at, ends.starts_at) < least(part.ends_at, ends.ends_at)
    and (%(coins)s::integer[] is null or life.coin = any (%(coins)s::integer[]))
order by rank nulls last, 1, 3
