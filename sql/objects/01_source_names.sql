-- "binance_futures", or "binance_futures+binance_spot" where a bar was made from both.
create or replace function source_names(bits bigint) returns text stable language sql
return (select string_agg(name, '+' order by key) from source where bits >> key & 1 = 1);
