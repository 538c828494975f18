-- Indicative candles of these coins that others replaced before `before`.
select thin_restated(%(coins)s::integer[], %(before)s)
