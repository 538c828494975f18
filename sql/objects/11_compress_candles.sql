-- compress_chunk() is for the owner of the candles only. Who writes them may have it done, for their chunks and no
-- others, and needs no right to drop them for it.
create or replace function compress_candles(chunk regclass) returns void language plpgsql security definer as $$
begin
    if chunk not in (select show_chunks('candle_1h')) then
        raise '% is no chunk of candle_1h', chunk;
    end if;
    perform compress_chunk(chunk);
end
$$;
revoke execute on function compress_candles from public;

-- What a caller has put on its own search path counts for nothing.
do $$
declare
    extension text := (
        select nspname from pg_extension join pg_namespace on pg_namespace.oid = extnamespace where extname = 'timescaledb'
    );
begin
    execute format(
        'alter function compress_candles set search_path = pg_catalog, %I, %I, pg_temp', current_schema(), extension
    );
end
$$;
