-- Keep how a run ended. Runs end in any order: an older one says nothing of a newer.
insert into last_run (verb, ended_at, good_at, coins, failed)
values (%(verb)s, %(at)s, case when %(good)s then %(at)s::timestamptz end, %(coins)s, %(failed)s)
on conflict (verb) do update set
    ended_at = greatest(last_run.ended_at, excluded.ended_at),
    good_at = greatest(last_run.good_at, excluded.good_at),
    coins = case when excluded.ended_at >= last_run.ended_at then excluded.coins else last_run.coins end,
    failed = case when excluded.ended_at >= last_run.ended_at then excluded.failed else last_run.failed end
