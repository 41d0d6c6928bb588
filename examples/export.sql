-- Exports and an archive in DuckDB: duckdb < export.sql

-- By URL, as CSV.
install httpfs;
load httpfs;
select * from read_csv('http://127.0.0.1:8000/export/devices.csv');
select device, start, pm2_5_mean
from read_csv('http://127.0.0.1:8000/export/statistics.csv?every=DAY&groupBy=DEVICE&from=2026-05-01T00:00:00Z');

-- The files that the manifest of an archive names.
create table archived as
select archive.key as month, 'archive/' || (archive.value ->> 'path') as path
from read_json('archive/manifest.json', columns = {months: 'json'}), json_each(months) as archive;
select month, path from archived;
select device, date_trunc('hour', measured_at) as hour, avg(pm2_5) as pm2_5
from read_parquet('archive/year=2026/month=05/measurements-v1.parquet')
where flags not like '%OUT_OF_RANGE%'
group by all
order by all;
