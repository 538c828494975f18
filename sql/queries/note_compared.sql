-- What others had (`has`: candles, `lacks`: a hole too) in the hours of these holes: told by the coins in this database or,
-- where `other` is given, by that coin, which was asked for only to compare. A hole of which parts fare differently becomes
-- a row for each. What a coin that was asked for has told stays where the database tells nothing.
with told as (
    select *
    from unnest(
        %(coins)s::integer[], %(sources)s::smallint[], %(starts)s::timestamptz[],
        %(has)s::text[]::tstzmultirange[], %(lacks)s::text[]::tstzmultirange[]
    ) as told (coin, source, starts_at, has, lacks)
), old as (
    delete from absence
    using told
    where (absence.coin, absence.source, absence.starts_at) = (told.coin, told.source, told.starts_at)
        and outcome in ('hole', 'between') and others is distinct from 'have'
    returning absence.*, tstzmultirange(tstzrange(absence.starts_at, absence.ends_at)) as hours, has, lacks
)
insert into absence (
    coin, source, starts_at, ends_at, outcome, words, first_at, last_at, attempts, retry_at, others, other
)
select
    coin, source, lower(piece.hours), upper(piece.hours), outcome, words, first_at, last_at, attempts, retry_at,
    piece.others, piece.other
from old
cross join lateral (
    select unnest(hours * has) as hours, 'have' as others, %(other)s::integer as other
    union all
    select unnest(hours * lacks - has), 'lack', coalesce(%(other)s::integer, old.other)
    union all
    select
        unnest(hours - has - lacks),
        case when coalesce(%(other)s::integer, old.other) is null then 'alone' else coalesce(old.others, 'alone') end,
        old.other
) as piece
