-- An address is proved by a link that came to it, an invitation that came to it, or a provider that vouches for it.
alter table people add column email_proved_at timestamptz;

-- Somebody at an OpenID Connect provider, by the two names that together never change (OpenID Connect Core 1.0, 5.7).
create table identities (
    issuer    text not null,
    subject   text not null,
    person_id uuid not null references people (id) on delete cascade,
    provider  text not null,
    email     text not null default '',
    linked_at timestamptz not null default now(),
    used_at   timestamptz not null default now(),
    primary key (issuer, subject)
);
create unique index identities_person on identities (person_id, provider);

-- Who is at a provider just now. Nonce and verifier are derived from the state, which only the browser holds.
-- person_id: somebody who is signed in and adds the provider.
create table sign_in_flows (
    state_hash bytea primary key,
    provider   text not null,
    person_id  uuid references people (id) on delete cascade,
    expires_at timestamptz not null
);
create index sign_in_flows_expiry on sign_in_flows (expires_at);
create index sign_in_flows_person on sign_in_flows (person_id) where person_id is not null;
