"""What the catalogue of Postgres is asked about tenants. Each query takes the name of the tenant column as $1.

What is meant to reach across tenants says so where it is made, and is left out:
`comment on index member_email is 'rung: across tenants: a login looks the address up before a tenant is known'`.
"""

from __future__ import annotations

#: A comment on an object that begins so excuses it.
WAIVER = "rung: across tenants"

_OURS = "n.nspname not in ('pg_catalog', 'information_schema', 'rung') and n.nspname not like 'pg\\_%'"

#: Tables with the tenant column: the one that everything else is compared with.
_TABLES = f"""
with recursive tenant as (
    select c.oid, a.attnum, format('%I.%I', n.nspname, c.relname) as name, c.relkind, c.relowner, c.relacl,
           c.relrowsecurity, c.relforcerowsecurity
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attname = $1 and not a.attisdropped
     where c.relkind in ('r', 'p', 'f') and {_OURS}
       and coalesce(obj_description(c.oid, 'pg_class'), '') not like '{WAIVER}%'
)
"""  # noqa: S608 - composed of constants

TABLES = f"""{_TABLES}
select name, relkind::text as kind, relrowsecurity as enabled, relforcerowsecurity as forced,
       (select count(*) from pg_policy p where p.polrelid = tenant.oid and p.polpermissive) as policies,
       (select coalesce(array_agg(p.polname::text order by p.polname), '{{}}') from pg_policy p
         where p.polrelid = tenant.oid and p.polpermissive
           and (coalesce(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), '')
                not like '%app.tenant_id%'
                or pg_get_expr(p.polwithcheck, p.polrelid) not like '%app.tenant_id%')) as foreign_policies,
       exists (select from pg_index i where i.indrelid = tenant.oid and i.indkey[0] = attnum and i.indisvalid)
           as indexed
  from tenant order by name
"""  # noqa: S608

#: Views and materialized views that read a table of tenants, directly or through others.
VIEWS = f"""{_TABLES}, reached as (
    select oid from tenant
    union
    select rule.ev_class from reached
      join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = reached.oid
                      and d.classid = 'pg_rewrite'::regclass
      join pg_rewrite rule on rule.oid = d.objid
)
select format('%I.%I', n.nspname, c.relname) as name, c.relkind::text as kind
  from reached join pg_class c on c.oid = reached.oid join pg_namespace n on n.oid = c.relnamespace
 where (c.relkind = 'm' or (c.relkind = 'v' and not coalesce(
        c.reloptions && array['security_invoker=true', 'security_invoker=on', 'security_invoker=1',
                              'security_invoker=yes'], false)))
   and {_OURS} and coalesce(obj_description(c.oid, 'pg_class'), '') not like '{WAIVER}%'
 order by 1
"""  # noqa: S608

FOREIGN_KEYS = f"""{_TABLES}
select child.name as child, parent.name as parent, f.conname::text as name, pg_get_constraintdef(f.oid) as said
  from pg_constraint f
  join tenant child on child.oid = f.conrelid
  join tenant parent on parent.oid = f.confrelid
 where f.contype = 'f' and f.conparentid = 0
   and not exists (select from unnest(f.conkey, f.confkey) as pair (ours, theirs)
                    where pair.ours = child.attnum and pair.theirs = parent.attnum)
   and coalesce(obj_description(f.oid, 'pg_constraint'), '') not like '{WAIVER}%'
 order by 1, 3
"""  # noqa: S608

UNIQUE_KEYS = f"""{_TABLES}
select tenant.name as table, c.relname::text as name, i.indisprimary as is_primary,
       array(select a.attname::text from unnest(i.indkey::int2[]) with ordinality k (number, place)
              join pg_attribute a on a.attrelid = tenant.oid and a.attnum = k.number
             where k.place <= i.indnkeyatts order by k.place) as columns
  from pg_index i
  join tenant on tenant.oid = i.indrelid
  join pg_class c on c.oid = i.indexrelid
  left join pg_constraint k on k.conindid = i.indexrelid and k.conrelid = i.indrelid
                           and k.contype in ('p', 'u', 'x')
 where (i.indisunique or i.indisexclusion) and not c.relispartition
   and not tenant.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
   and coalesce(obj_description(c.oid, 'pg_class'), '') not like '{WAIVER}%'
   and coalesce(obj_description(k.oid, 'pg_constraint'), '') not like '{WAIVER}%'
 order by 1, 2
"""  # noqa: S608

#: Whatever the tables are: a function that runs as its owner must not look names up where its caller says.
FUNCTIONS = f"""
select format('%I.%I', n.nspname, p.proname) as name, pg_get_function_identity_arguments(p.oid) as arguments,
       owner.rolname::text as owner
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
  join pg_roles owner on owner.oid = p.proowner
 where p.prosecdef and {_OURS}
   and not exists (select from unnest(p.proconfig) as setting where setting like 'search\\_path=%')
   and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid
                                             and d.deptype = 'e')
   and $1::text is not null
   and coalesce(obj_description(p.oid, 'pg_proc'), '') not like '{WAIVER}%'
 order by 1
"""  # noqa: S608

#: TRUNCATE and REFERENCES ask no policy; a trigger runs as whoever writes next.
GRANTS = f"""{_TABLES}
select tenant.name as table, coalesce(r.rolname::text, 'PUBLIC') as role,
       array_agg(acl.privilege_type::text order by acl.privilege_type::text) as privileges
  from tenant
  cross join lateral aclexplode(tenant.relacl) as acl
  left join pg_roles r on r.oid = acl.grantee
 where acl.privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER') and acl.grantee <> tenant.relowner
   and not coalesce(r.rolsuper or r.rolbypassrls, false)
 group by 1, 2 order by 1, 2
"""  # noqa: S608

#: $2: the role that requests run as. What it owns, and the stronger roles that it may become.
ROLE = f"""{_TABLES}
select r.rolname::text as name, r.rolsuper, r.rolbypassrls,
       array(select tenant.name from tenant where tenant.relowner = r.oid order by 1) as owned,
       array(select stronger.rolname::text from pg_roles stronger
              where stronger.oid <> r.oid and pg_has_role(r.oid, stronger.oid, 'MEMBER')
                and (stronger.rolsuper or stronger.rolbypassrls
                     or exists (select from tenant where tenant.relowner = stronger.oid)) order by 1) as becomes
  from pg_roles r where r.rolname = coalesce($2, current_user)
"""  # noqa: S608

EXTENSION = "select extversion::text from pg_extension where extname = 'vector' and $1::text is not null"

#: Indexes that find about the nearest of all tenants, of which the policy then leaves one tenant's. Those of
#: partitions by tenant, or over one tenant's rows, are not meant; nor any where the iterative scan is set.
APPROXIMATE = f"""{_TABLES}
select c.relname::text as name, tenant.name as table, m.amname::text as method
  from pg_index i
  join tenant on tenant.oid = i.indrelid
  join pg_class c on c.oid = i.indexrelid
  join pg_class t on t.oid = i.indrelid
  join pg_am m on m.oid = c.relam
 where m.amname in ('hnsw', 'ivfflat') and not t.relispartition and i.indpred is null
   and not exists (select from pg_partitioned_table p
                    where p.partrelid = i.indrelid and tenant.attnum = any (p.partattrs::int2[]))
   and not exists (select from pg_db_role_setting s
                     left join pg_database d on d.oid = s.setdatabase
                     cross join unnest(s.setconfig) as setting
                    where coalesce(d.datname, current_database()) = current_database()
                      and setting like m.amname || '.iterative_scan=%' and setting not like '%=off')
   and coalesce(obj_description(c.oid, 'pg_class'), '') not like '{WAIVER}%'
 order by 1
"""  # noqa: S608
