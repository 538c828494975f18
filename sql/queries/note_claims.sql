-- By the database's clock: those of several machines differ.
insert into claim (run, coin, starts_at, ends_at, name, machine, pid, born, lease_until)
select
    %(run)s, coin, starts_at, ends_at, %(name)s, %(machine)s, %(pid)s, %(born)s,
    clock_timestamp() + %(lease)s
from unnest(%(coins)s::integer[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
    as free (coin, starts_at, ends_at)
