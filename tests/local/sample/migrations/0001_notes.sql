create table note (id bigint generated always as identity primary key, text text not null);
create table tick (at timestamptz not null default now());
