-- A few pieces, many buyers: who may reach the checkout, how fast, and how many each may buy.
create table flash_sales (
    id               text primary key,
    variant_id       bigint not null references variants (id),
    price_minor      bigint not null check (price_minor >= 0),
    starts_at        timestamptz not null,
    ends_at          timestamptz not null,
    admit_per_second integer not null check (admit_per_second > 0),
    limit_per_buyer  integer not null default 1 check (limit_per_buyer > 0),
    check (ends_at > starts_at)
);
create index flash_sales_variant on flash_sales (variant_id, ends_at);

create table flash_purchases (
    sale_id  text not null references flash_sales (id) on delete cascade,
    buyer    text not null,
    quantity integer not null check (quantity >= 0),
    primary key (sale_id, buyer)
);

-- Failures that an operator switches on to see what the shop does: see the README.
create table failure_switches (
    name       text primary key,
    value      text not null,
    updated_at timestamptz not null default now()
);
