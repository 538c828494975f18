-- The lowest number that no source has: a sequence would lose one to each transaction that came to nothing, of 63.
-- No row where all are taken, or where another has just taken it.
insert into source (key, name)
select min(number), %s
from generate_series(0, 62) as number
where not exists (select from source where key = number)
having count(*) > 0
on conflict do nothing
