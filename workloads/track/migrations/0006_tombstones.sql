-- Who was forgotten, by the hash of a random id (an address: by a keyed hash): a backup that is restored brings its
-- rows back, and this says which have to go again. A copy lies in the bucket `tombstones`, which no restore turns back.
create table tombstones (
    kind      text not null check (kind in ('person', 'organisation', 'subject')),
    hash      text not null,
    erased_at timestamptz not null default now(),
    kept_at   timestamptz,
    primary key (kind, hash)
);
create index tombstones_unkept on tombstones (erased_at) where kept_at is null;
