-- The length of a body of which only the beginning is kept, or nothing: one that could not be decoded and is large, or one of a
-- key that sends more than is kept in a day. Null for a body that is kept whole. Stop older gateways before this migration.
alter table uplink add column cut_from integer;
alter type new_uplink add attribute cut_from integer;
