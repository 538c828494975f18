-- What `chandlery maintain` throws away of `restated`: candles that were made from prices, once they are old. A trace of a
-- traded candle stays, whoever calls this: the writer may say which sources are traded, so the row itself has to tell.
-- No venue leaves the volume of its own candle out. (begin atomic: what the caller has on its search path counts for nothing.)
create or replace function thin_restated(coins integer[], before timestamptz) returns bigint
language sql security definer
begin atomic
    with thinned as (
        delete from restated
        using source
        where source.key = restated.source and not source.traded and restated.volume is null
            and restated.coin = any (coins) and restated.replaced_at < before
        returning 1
    )
    select count(*) from thinned;
end;
revoke execute on function thin_restated from public;
