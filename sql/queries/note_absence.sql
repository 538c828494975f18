-- Another run may have seen the same hours meanwhile: the later word counts.
insert into absence (
    coin, source, starts_at, ends_at, outcome, words, first_at, last_at, attempts, retry_at, others, other
)
values (
    %(coin)s, %(source)s, %(starts_at)s, %(ends_at)s, %(outcome)s, %(words)s,
    %(first_at)s, %(last_at)s, %(attempts)s, %(retry_at)s, %(others)s, %(other)s
)
on conflict (coin, source, starts_at) do update
set ends_at = excluded.ends_at, outcome = excluded.outcome, words = excluded.words, first_at = excluded.first_at,
    last_at = excluded.last_at, attempts = excluded.attempts, retry_at = excluded.retry_at,
    others = excluded.others, other = excluded.other
where excluded.last_at >= absence.last_at
