-- "The undecodable ones", in the order of arrival: few among many, and what is looked at and replayed.
create index uplink_undecodable on uplink (received_at, uplink_id) where outcome = 'undecodable';
