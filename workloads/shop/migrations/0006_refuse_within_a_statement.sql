-- A checkout is one statement: what does not fit ends it here, and nothing of it has happened. The reason is a word
-- for the application, never a sentence for people.
create function refuse(reason text) returns bigint language plpgsql as $$
begin
    raise exception using errcode = 'RF001', message = reason;
end
$$;
