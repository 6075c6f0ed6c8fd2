create table organisations (
    tenant_id      text primary key,
    name           text not null,
    -- Branding: what every mail of theirs looks like.
    sender_name    text not null default '',
    sender_address text not null default '',
    reply_to       text not null default '',
    accent         text not null default '#2457d6',
    logo_url       text not null default '',
    postal_address text not null default '',
    -- Where its data is to be kept.
    residency      text not null default 'eu' check (residency in ('eu', 'us')),
    created_at     timestamptz not null default now()
);

create table members (
    tenant_id text not null references organisations (tenant_id) on delete cascade,
    person_id uuid not null references people (id) on delete cascade,
    email     text not null,
    name      text not null default '',
    role      text not null check (role in ('owner', 'admin', 'member')),
    joined_at timestamptz not null default now(),
    primary key (tenant_id, person_id)
);
create index members_person on members (person_id);

create table invitations (
    tenant_id   text not null references organisations (tenant_id) on delete cascade,
    id          uuid not null,
    email       text not null,
    role        text not null check (role in ('owner', 'admin', 'member')),
    token_hash  bytea not null,
    invited_by  text not null,
    created_at  timestamptz not null default now(),
    expires_at  timestamptz not null,
    accepted_at timestamptz,
    primary key (tenant_id, id),
    unique (tenant_id, token_hash)
);
create unique index invitations_open on invitations (tenant_id, email) where accepted_at is null;

create table audit_entries (
    tenant_id text not null references organisations (tenant_id) on delete cascade,
    id        uuid not null,
    at        timestamptz not null default now(),
    actor     text not null,
    action    text not null,
    subject   text not null default '',
    detail    jsonb not null default '{}',
    primary key (tenant_id, id)
);

create table api_keys (
    tenant_id   text not null references organisations (tenant_id) on delete cascade,
    id          uuid not null,
    name        text not null,
    prefix      text not null,
    secret_hash bytea not null,
    scopes      text[] not null,
    per_minute  integer not null check (per_minute between 1 and 60000),
    created_by  text not null,
    created_at  timestamptz not null default now(),
    used_at     timestamptz,
    revoked_at  timestamptz,
    primary key (tenant_id, id)
);

-- What the platform itself must know of every organisation: no name, no address, no content. Read by schedules.
create table directory (
    tenant           text primary key,
    mails_per_minute integer not null default 60 check (mails_per_minute > 0),
    suspended_at     timestamptz,
    look_at          timestamptz
);
create index directory_look_at on directory (look_at) where look_at is not null;

do $$
declare name text;
begin
    foreach name in array array['organisations', 'members', 'invitations', 'audit_entries', 'api_keys'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format(
            'create policy tenant_isolation on %I'
            ' using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))'
            ' with check (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))', name);
    end loop;
end $$;

-- The log of who did what is only ever added to; it goes when its organisation goes.
create function refuse_change() returns trigger language plpgsql set search_path = '' as $$
begin
    raise exception 'audit_entries is only ever added to' using errcode = 'restrict_violation';
end $$;
create trigger audit_entries_stay before update on audit_entries for each row execute function refuse_change();
