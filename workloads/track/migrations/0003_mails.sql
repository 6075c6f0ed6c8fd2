create table templates (
    tenant_id  text not null references organisations (tenant_id) on delete cascade,
    id         uuid not null,
    name       text not null,
    subject    text not null,
    html       text not null,
    text       text not null default '',
    version    integer not null default 1,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, name)
);

-- The content of one or many mails, as it was when they were written: never changed afterwards.
create table letters (
    tenant_id   text not null references organisations (tenant_id) on delete cascade,
    id          uuid not null,
    template_id uuid,
    kind        text not null check (kind in ('transactional', 'campaign')),
    campaign    text,
    subject     text not null,
    html        text not null,
    text        text not null default '',
    created_by  text not null,
    created_at  timestamptz not null default now(),
    primary key (tenant_id, id)
);
create index letters_campaign on letters (tenant_id, campaign) where campaign is not null;

-- One mail to one recipient. Its id is the key under which every provider is asked to send it.
--   pending -> queued -> sending -> sent -> bounced | complained
--   pending -> cancelled;  queued | sending -> pending (retry) | failed | suppressed
create table mails (
    tenant_id   text not null references organisations (tenant_id) on delete cascade,
    id          uuid not null,
    letter_id   uuid not null,
    recipient   text not null,
    variables   jsonb not null default '{}',
    state       text not null default 'pending' check (state in (
        'pending', 'queued', 'sending', 'sent', 'failed', 'suppressed', 'cancelled', 'bounced', 'complained')),
    attempts    smallint not null default 0,
    send_at     timestamptz not null default now(),
    attempt_at  timestamptz,
    sent_at     timestamptz,
    provider_id text,
    error       text,
    created_at  timestamptz not null default now(),
    primary key (tenant_id, id),
    foreign key (tenant_id, letter_id) references letters (tenant_id, id) on delete cascade
);
create index mails_letter on mails (tenant_id, letter_id);
create index mails_recipient on mails (tenant_id, recipient);
create index mails_provider on mails (tenant_id, provider_id) where provider_id is not null;
create index mails_waiting on mails (tenant_id, send_at) where state in ('pending', 'queued', 'sending');

-- A mail waits for its time exactly while it has a row here: ids and moments, nothing of what is in it. It belongs to
-- the platform, not to a tenant, so that one statement claims what is due of all of them (docs/adr/0023-track.md).
create table dispatch (
    mail_id uuid primary key,
    tenant  text not null,
    lane    text not null check (lane in ('transactional', 'campaign')),
    due_at  timestamptz not null
);
create index dispatch_due on dispatch (tenant, due_at);

create table suppressions (
    tenant_id  text not null references organisations (tenant_id) on delete cascade,
    email      text not null check (email = lower(email)),
    reason     text not null check (reason in ('bounce', 'complaint', 'unsubscribe', 'manual')),
    created_at timestamptz not null default now(),
    primary key (tenant_id, email)
);

create table mail_events (
    tenant_id text not null references organisations (tenant_id) on delete cascade,
    id        uuid not null,
    mail_id   uuid not null,
    kind      text not null,
    at        timestamptz not null default now(),
    detail    text not null default '',
    primary key (tenant_id, id),
    foreign key (tenant_id, mail_id) references mails (tenant_id, id) on delete cascade
);
create index mail_events_mail on mail_events (tenant_id, mail_id);

do $$
declare name text;
begin
    foreach name in array array['templates', 'letters', 'mails', 'suppressions', 'mail_events'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format(
            'create policy tenant_isolation on %I'
            ' using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))'
            ' with check (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))', name);
    end loop;
end $$;
