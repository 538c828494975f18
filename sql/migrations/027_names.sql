-- What a source calls a listed coin, and under which contract it knows the coin's token: so that two sources can be compared.

alter table listing
    add column name text,     -- in the source's words: Pepe; null: it tells none
    add column contract text; -- the token's address; several, with commas, where it is on several networks; null: as above
