-- Another run may have seen the same hours meanwhile: the later word counts.
insert into absence (
    coin, source, starts_at, ends_at, outcome, words, first_at, last_at, attempts, retry_at, others, other, settled
)
select *
from unnest(
    %(coins)s::integer[], %(sources)s::smallint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[],
    %(outcomes)s::text[], %(words)s::text[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[],
    %(attempts)s::integer[], %(retries)s::timestamptz[], %(others)s::text[], %(compared)s::integer[],
    %(settled)s::boolean[]
)
on conflict (coin, source, starts_at) do update
set ends_at = excluded.ends_at, outcome = excluded.outcome, words = excluded.words, first_at = excluded.first_at,
    last_at = excluded.last_at, attempts = excluded.attempts, retry_at = excluded.retry_at,
    others = excluded.others, other = excluded.other, settled = excluded.settled
where excluded.last_at >= absence.last_at
