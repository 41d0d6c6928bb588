-- Keys of sensors, readers and admins. The key itself is shown once and never stored.
create table api_key (
    api_key_id bigint generated always as identity primary key,
    name text not null,
    role text not null constraint api_key_role_known check (role in ('reader', 'sensor', 'admin')),
    -- SHA-256 of the key. A key is 256 random bits, so a slow password hash would add nothing.
    hash bytea not null constraint api_key_hash_unique unique,
    -- A sensor key with a device may write for that device only.
    device_id bigint references device,
    created_at timestamptz not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    -- Kept to the minute, so that reading with a key is not writing.
    last_used_at timestamptz,
    constraint api_key_device_of_sensor check (device_id is null or role = 'sensor')
);
