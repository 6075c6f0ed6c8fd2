create table heard (id bigint generated always as identity primary key, who text not null, what jsonb not null);
create table said (id bigint generated always as identity primary key, what text not null);
