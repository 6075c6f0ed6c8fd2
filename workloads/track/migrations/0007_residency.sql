-- `rung tenants move` and `restore` read it: no row of theirs goes into a database in another region.
comment on column organisations.residency is 'rung: residency';
