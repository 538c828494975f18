-- The maximal runs of hours without a candle in the coins' lives, and the hours of each that nobody could have.
create or replace view missing_run as
select
    life.coin, lower(run.hours) as starts_at, upper(run.hours) as ends_at, life.gone,
    life.unlisted * tstzmultirange(run.hours) as unlisted
from life
cross join lateral unnest(life.absent) run (hours);
