-- Where the goods of an imported article stand: also of one that was only ever given away and has no variant.
create table import_shelves (
    slug              text primary key,
    product_id        bigint not null references products (id) on delete cascade,
    inventory_item_id bigint not null references inventory_items (id)
);
