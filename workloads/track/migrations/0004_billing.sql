create table subscriptions (
    tenant_id            text primary key references organisations (tenant_id) on delete cascade,
    plan                 text not null default 'free',
    status               text not null default 'trialing',
    seats                integer not null default 1 check (seats > 0),
    customer             text,
    subscription         text,
    period_start         timestamptz not null default now(),
    period_end           timestamptz not null,
    trial_end            timestamptz,
    cancel_at_period_end boolean not null default false,
    past_due_since       timestamptz,
    updated_at           timestamptz not null default now()
);

-- How many mails an organisation has asked for in a month.
create table mail_usage (
    tenant_id text not null references organisations (tenant_id) on delete cascade,
    month     date not null,
    mails     bigint not null default 0,
    primary key (tenant_id, month)
);

-- What was done once and must not be done twice: a reminder of an invoice, a charge of a proration.
create table billing_notices (
    tenant_id text not null references organisations (tenant_id) on delete cascade,
    key       text not null,
    at        timestamptz not null default now(),
    primary key (tenant_id, key)
);

-- Whose customer is it? An event of the payment provider names the customer alone.
create table billing_customers (
    customer text primary key,
    tenant   text not null unique
);

-- The local payment provider's own memory, in the shape of Stripe's objects. Empty where Stripe is used.
create table local_billing (
    id     text primary key,
    kind   text not null,
    object jsonb not null
);

do $$
declare name text;
begin
    foreach name in array array['subscriptions', 'mail_usage', 'billing_notices'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format(
            'create policy tenant_isolation on %I'
            ' using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))'
            ' with check (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))', name);
    end loop;
end $$;
