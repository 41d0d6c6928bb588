-- The copies in latest are complete: rows from before 0005 had none until the next sample of their device.
update latest l
set (latitude, longitude, pm2_5, pm10, exact_time, steady_since)
    = (case when (m.latitude, m.longitude) is distinct from (0, 0) then m.latitude end,
       case when (m.latitude, m.longitude) is distinct from (0, 0) then m.longitude end,
       m.pm2_5, m.pm10, m.time_uncertainty_s is null, m.measured_at)
from measurement m
where l.exact_time is null
  and (m.device_id, m.measured_at, m.seq) = (l.device_id, l.measured_at, l.seq);
