-- People belong to no organisation: one person may be a member of several. What belongs to an organisation has a
-- column tenant_id and is kept apart by row-level security (from 0002 on); these tables have none.
create table people (
    id            uuid primary key,
    email         text not null unique check (email = lower(email)),
    name          text not null default '',
    password_hash text,
    created_at    timestamptz not null default now()
);

-- A session is a random token in a cookie; here is its hash alone.
create table sign_in_sessions (
    id         uuid primary key,
    person_id  uuid not null references people (id) on delete cascade,
    token_hash bytea not null unique,
    address    text not null default '',
    agent      text not null default '',
    created_at timestamptz not null default now(),
    seen_at    timestamptz not null default now(),
    expires_at timestamptz not null
);
create index sign_in_sessions_person on sign_in_sessions (person_id, created_at);

-- Links that sign in once. The token exists in the mail alone.
create table sign_in_links (
    token_hash bytea primary key,
    person_id  uuid not null references people (id) on delete cascade,
    expires_at timestamptz not null,
    used_at    timestamptz
);
create index sign_in_links_person on sign_in_links (person_id);

-- The secret of an authenticator application, encrypted. last_step: a code is taken once.
create table second_factors (
    person_id    uuid primary key references people (id) on delete cascade,
    secret       bytea not null,
    confirmed_at timestamptz,
    last_step    bigint not null default 0
);

create table recovery_codes (
    person_id uuid not null references people (id) on delete cascade,
    code_hash bytea not null,
    used_at   timestamptz,
    primary key (person_id, code_hash)
);

-- Where a person is a member: the link alone. Name and role are read from the organisation's own rows, as that tenant.
create table person_organisations (
    person_id uuid not null references people (id) on delete cascade,
    tenant    text not null,
    primary key (person_id, tenant)
);
create index person_organisations_tenant on person_organisations (tenant);
