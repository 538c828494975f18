-- A venue may leave out hours in which nothing traded: of a small coin thousands. Such hours are settled, and nobody asks
-- again, once two answers some hours apart had candles on both sides of them, and the venue had another coin's in them.

alter table absence
    add column settled boolean not null default false,
    add constraint settled_is_a_hole_that_others_have check (
        not settled or (outcome = 'hole' and others = 'have' and attempts >= 2 and retry_at is null)
    );
