-- Which key created a key, so that a leaked key can be revoked together with all that were created with it. Null for keys
-- from the command line or the environment, and for those from before this migration.
alter table api_key add column created_by bigint references api_key;
create index api_key_created_by on api_key (created_by) where created_by is not null;

-- Tells gateways to drop a changed key from their caches and to check open connections again.
create function notify_api_key_change() returns trigger language plpgsql as $$
begin
    perform pg_notify('airgraph_api_key', new.api_key_id::text);
    return null;
end
$$;
create trigger api_key_changed after update of role, device_id, expires_at, revoked_at on api_key
    for each row execute function notify_api_key_change();
