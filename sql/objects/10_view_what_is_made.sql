-- What is made of an aggregate (4h or 1d), without what is still to be added up: where it is kept has a name of
-- TimescaleDB's own, which is another when the aggregate is made anew.
create or replace function view_what_is_made(timeframe text) returns void language plpgsql as $$
declare
    kept record;
begin
    select materialization_hypertable_schema as place, materialization_hypertable_name as name
    into strict kept
    from timescaledb_information.continuous_aggregates
    where view_schema = current_schema() and view_name = 'candle_' || timeframe;
    execute format('create or replace view %I as select * from %I.%I', 'made_' || timeframe, kept.place, kept.name);
end
$$;
