-- The product of numbers, as sum() has their sum.
create or replace aggregate product(double precision) (sfunc = float8mul, stype = double precision, initcond = '1');
