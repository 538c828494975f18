-- Another run may tell the same outage at the same time.
insert into outage (source, starts_at, ends_at, coins)
values (%s, %s, %s, %s)
on conflict (source, starts_at) do update set ends_at = excluded.ends_at, coins = excluded.coins
