-- Devices can be deleted, other than 0001 and 0003 say. A gateway from before this migration may serve next to a newer one: the
-- foreign key of latest checks the devices of what it records.

-- Key of the device that an API key was bound to when that device was deleted. Such an API key is revoked. Uplinks that were
-- sent with it are still held to this device when they are replayed.
alter table api_key add column deleted_device text collate "C"
    constraint api_key_deleted_device_is_revoked check (deleted_device is null or (device_id is null and revoked_at is not null));

-- Makes gateways drop a deleted device from their caches.
create function notify_device_deletion() returns trigger language plpgsql as $$
begin
    perform pg_notify('airgraph_device_deleted', old.device_id::text);
    return null;
end
$$;
create trigger device_deleted after delete on device for each row execute function notify_device_deletion();
