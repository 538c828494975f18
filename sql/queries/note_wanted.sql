-- Keep the oldest hour that each coin was wanted from.
insert into wanted (coin, starts_at)
select coin, %(start)s from unnest(%(coins)s::integer[]) as asked (coin) order by coin
on conflict (coin) do update set starts_at = excluded.starts_at
where wanted.starts_at > excluded.starts_at
