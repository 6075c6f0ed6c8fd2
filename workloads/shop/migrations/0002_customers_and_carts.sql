-- Who buys. A guest is known by a signed cookie alone; nothing is written before the first item.
create table customers (
    id            uuid primary key,
    email         text not null unique check (email = lower(email)),
    password_hash text,
    name          text not null default '',
    country       char(2) not null default 'GB',
    source        text not null default 'shop',
    created_at    timestamptz not null default now()
);

-- The owner is 'c:<customer id>' or 'g:<guest id>'. The version stops one cart from being ordered twice.
create table carts (
    owner          text primary key check (owner ~ '^[cg]:'),
    version        integer not null default 1,
    promotion_code text references promotions (code) on delete set null,
    updated_at     timestamptz not null default now()
);
create index carts_updated_at on carts (updated_at);

create table cart_lines (
    owner      text not null references carts (owner) on delete cascade,
    variant_id bigint not null references variants (id) on delete cascade,
    quantity   integer not null check (quantity > 0),
    added_at   timestamptz not null default now(),
    primary key (owner, variant_id)
);
create index cart_lines_variant on cart_lines (variant_id);
