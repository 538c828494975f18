-- Every coin: how many there are, and those that were over before anybody asked for them.

alter table learnt
    add column number integer;                    -- how many of it there are; null: nobody told

alter table coin
    add column left_out boolean not null default false; -- over before it was ever collected: runs pass it over until one
                                                        -- takes it in (`backfill --delisted`, or by its name)
