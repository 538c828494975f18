-- The volume-weighted average price: null where a volume is unknown or 0, or so small or large that the quotient would
-- not fit a double. No market is that small or large, but a rule does not forbid it, and one row must not end a query.
create or replace function vwap(quote_volume double precision, volume double precision)
returns double precision immutable parallel safe language sql
return case
    when volume between 1e-100 and 1e100 and (quote_volume = 0 or quote_volume between 1e-100 and 1e100)
        then quote_volume / volume
end;
