-- What was odd about these coins, and ended before `before`.
delete from finding where coin = any (%(coins)s::integer[]) and ended_at < %(before)s
