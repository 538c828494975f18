-- The 4h bars that are made, without those still to be added up.
select view_what_is_made('4h');
