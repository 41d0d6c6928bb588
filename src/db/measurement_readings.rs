//! A page of measurements joined with its readings of other tables (weather, gases, motion, status), in one statement.

use std::marker::PhantomData;

use sqlx::{Postgres, QueryBuilder, Row as _, postgres::PgRow};

use super::{
    DbError,
    fence::FENCE,
    measurement_columns::{MeasurementColumns, MeasurementRow},
    measurement_projection::MeasurementProjection,
    readings::table,
};
use crate::domain::{
    measurement::{Measurement, MeasurementKey},
    quantity::Group,
};

/// Join strategy for the readings of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JoinStrategy {
    /// By time range of each device: the page holds all measurements of a device between its first and its last one in
    /// the page, so that only their readings are read. Takes about half the time of lookups by key.
    Range,
    /// The same for a page of one device: Postgres expects one range then, and joins by hash what it would sort on both
    /// sides otherwise.
    DeviceRange,
    /// By the key of each measurement.
    Key,
}

/// Form of the result of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultForm {
    /// A row for each measurement.
    Rows,
    /// One row with an array for each column (`array_agg`): a message for each measurement costs the driver more time than
    /// Postgres needs to read the measurement.
    Arrays,
}

/// Minimum number of measurements for which arrays are worth their aggregates.
const MIN_ARRAY_LENGTH: i64 = 50;

/// What the result of a statement is read into.
pub trait MeasurementRows: Sized {
    /// The form of the result for up to this many measurements.
    fn form(max_rows: i64) -> ResultForm;

    /// Parses the result. Rows that joins added without a measurement are left out.
    ///
    /// # Errors
    /// When it has other columns.
    fn read(rows: &[PgRow], columns: MeasurementProjection, form: ResultForm) -> Result<Self, DbError>;

    /// Sorts the measurements in the order of a list. They mostly arrive in that order, which costs one comparison each;
    /// but no statement here orders the result of several lists or of a join.
    fn sort(&mut self, descending: bool);

    /// Number of measurements.
    fn row_count(&self) -> usize;
}

impl MeasurementRows for Vec<Measurement> {
    fn form(max_rows: i64) -> ResultForm {
        if max_rows < MIN_ARRAY_LENGTH { ResultForm::Rows } else { ResultForm::Arrays }
    }

    fn read(rows: &[PgRow], columns: MeasurementProjection, form: ResultForm) -> Result<Self, DbError> {
        if form == ResultForm::Arrays {
            return Ok(MeasurementColumns::read(rows, columns, form)?
                .rows()
                .map(MeasurementRow::to_measurement)
                .collect());
        }
        let mut measurements = Vec::with_capacity(rows.len());
        for row in rows {
            if row.try_get::<Option<i64>, _>(0)?.is_some() {
                measurements.push(columns.read(row)?);
            }
        }
        Ok(measurements)
    }

    fn sort(&mut self, descending: bool) {
        sort_by_key(self, |row| row.key, descending);
    }

    fn row_count(&self) -> usize {
        self.len()
    }
}

/// Sorts rows by their keys in the order of a list.
pub(super) fn sort_by_key<T>(rows: &mut [T], key: impl Fn(&T) -> MeasurementKey, descending: bool) {
    let order = |row: &T| {
        let MeasurementKey { device_id, measured_at, seq } = key(row);
        (measured_at, device_id, seq)
    };
    rows.sort_by(|a, b| if descending { order(b).cmp(&order(a)) } else { order(a).cmp(&order(b)) });
}

/// The key of a row in each table.
const KEY_COLUMNS: [&str; 3] = ["device_id", "measured_at", "seq"];
/// Condition that a row `r` lies in the time range of its device in the page.
const IN_SPAN: &str = "r.device_id = span.device_id and r.measured_at between span.first_at and span.last_at";
/// Condition that a row `r` has the key of a row of the page.
const HAS_KEY: &str = "r.device_id = page.device_id and r.measured_at = page.measured_at and r.seq = page.seq";

/// Pushes the time range of each device in the page.
fn push_spans(query: &mut QueryBuilder<Postgres>, device: &str, group_by: &str) {
    query.push(format!(
        ", span as (select {device}, min(measured_at) as first_at, max(measured_at) as last_at from page{group_by})"
    ));
}

/// A select of measurements, and the statement around it. Rows come in no particular order.
pub(super) struct ReadingsJoin<R> {
    columns: MeasurementProjection,
    lookup: JoinStrategy,
    form: ResultForm,
    rows: PhantomData<R>,
}

impl<R: MeasurementRows> ReadingsJoin<R> {
    /// For up to this many measurements.
    pub(super) fn new(columns: MeasurementProjection, lookup: JoinStrategy, max_rows: i64) -> Self {
        Self { columns, lookup, form: R::form(max_rows), rows: PhantomData }
    }

    /// Begins a statement; the caller pushes [`MeasurementProjection::select`] next.
    pub(super) fn start(&self) -> QueryBuilder<Postgres> {
        let mut query = QueryBuilder::default();
        if self.form == ResultForm::Arrays {
            let arrays: Vec<_> = self.columns.names().map(|name| format!("array_agg({name})")).collect();
            query.push(format!("select {} from (", arrays.join(", ")));
        }
        if self.columns.is_joined() {
            query.push("with page as materialized (");
        }
        query
    }

    /// Completes the statement.
    pub(super) fn finish(&self, query: &mut QueryBuilder<Postgres>) {
        if self.columns.is_joined() {
            query.push(")");
            match self.lookup {
                JoinStrategy::Range => {
                    push_spans(query, "device_id", " group by device_id");
                    self.push_joins(query, &KEY_COLUMNS, "span", IN_SPAN);
                }
                JoinStrategy::DeviceRange => {
                    push_spans(query, "min(device_id) as device_id", "");
                    self.push_joins(query, &KEY_COLUMNS[1..], "span", IN_SPAN);
                }
                JoinStrategy::Key => self.push_joins(query, &KEY_COLUMNS, "page", HAS_KEY),
            }
        }
        if self.form == ResultForm::Arrays {
            query.push(") as m");
        }
    }

    /// Joins the page with the rows of each other table for which a condition holds with a row of `source`, by these columns.
    ///
    /// Full joins, which Postgres executes as hash or merge join. A left join might become a nested loop over both
    /// whole sides when Postgres expects few rows, and Citus rejects it after a page of several shards.
    /// [`MeasurementRows::read`] skips rows without a measurement. The fence keeps the subqueries lookups: as joins, Postgres
    /// might read the whole of the other table.
    fn push_joins(&self, query: &mut QueryBuilder<Postgres>, key: &[&str], source: &str, condition: &str) {
        query.push(" select m.*").push(self.columns.select_readings()).push(" from page as m");
        for group in self.columns.groups() {
            let (table, columns, key_columns) = (table(group), self.names(group), key.join(", "));
            let is_same: Vec<_> = key.iter().map(|column| format!("{table}.{column} = m.{column}")).collect();
            query.push(format!(
                " full join (select r.* from {source} cross join lateral (
                     select {key_columns}{columns}{FENCE} from {table} r where {condition}
                 ) as r) as {table} on {}",
                is_same.join(" and ")
            ));
        }
    }

    fn names(&self, group: Group) -> String {
        let names = self.columns.quantities(group).map(|quantity| quantity.definition().name);
        names.flat_map(|name| [", ", name]).collect()
    }

    /// Parses the result.
    pub(super) fn read(&self, rows: &[PgRow]) -> Result<R, DbError> {
        R::read(rows, self.columns, self.form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::quantity::Quantity;

    /// The statement around the select of a page, with normalised white space.
    fn statement(columns: MeasurementProjection, lookup: JoinStrategy) -> String {
        let with = ReadingsJoin::<Vec<Measurement>>::new(columns, lookup, 1);
        let mut query = with.start();
        query.push("PAGE");
        with.finish(&mut query);
        query.sql().as_str().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn page_without_readings_is_not_joined() {
        for lookup in [JoinStrategy::Range, JoinStrategy::DeviceRange, JoinStrategy::Key] {
            assert_eq!(statement(MeasurementProjection::ALL, lookup), "PAGE");
        }
    }

    #[test]
    fn page_is_joined_with_the_selected_columns_of_each_group() {
        let columns = [
            MeasurementProjection::PM10,
            MeasurementProjection::quantity(Quantity::Humidity),
            MeasurementProjection::quantity(Quantity::Temperature),
            MeasurementProjection::group(Group::Status),
        ];
        let columns = columns.into_iter().fold(MeasurementProjection::KEY, |all, one| all | one);
        assert_eq!(
            statement(columns, JoinStrategy::Range),
            "with page as materialized (PAGE), \
             span as (select device_id, min(measured_at) as first_at, max(measured_at) as last_at from page group by device_id) \
             select m.*, weather.seq is not null as has_weather, weather.temperature, weather.humidity, device_status.seq is not null as has_device_status \
             from page as m \
             full join (select r.* from span cross join lateral ( \
             select device_id, measured_at, seq, temperature, humidity, generate_series(1, 1) as fence from weather r \
             where r.device_id = span.device_id and r.measured_at between span.first_at and span.last_at ) as r) \
             as weather on weather.device_id = m.device_id and weather.measured_at = m.measured_at and weather.seq = m.seq \
             full join (select r.* from span cross join lateral ( \
             select device_id, measured_at, seq, generate_series(1, 1) as fence from device_status r \
             where r.device_id = span.device_id and r.measured_at between span.first_at and span.last_at ) as r) \
             as device_status on device_status.device_id = m.device_id and device_status.measured_at = m.measured_at \
             and device_status.seq = m.seq"
        );
        assert_eq!(
            statement(
                MeasurementProjection::KEY | MeasurementProjection::quantity(Quantity::Humidity),
                JoinStrategy::DeviceRange
            ),
            "with page as materialized (PAGE), \
             span as (select min(device_id) as device_id, min(measured_at) as first_at, max(measured_at) as last_at from page) \
             select m.*, weather.seq is not null as has_weather, weather.humidity from page as m \
             full join (select r.* from span cross join lateral ( \
             select measured_at, seq, humidity, generate_series(1, 1) as fence from weather r \
             where r.device_id = span.device_id and r.measured_at between span.first_at and span.last_at ) as r) \
             as weather on weather.measured_at = m.measured_at and weather.seq = m.seq"
        );
        assert_eq!(
            statement(columns, JoinStrategy::Key),
            "with page as materialized (PAGE) \
             select m.*, weather.seq is not null as has_weather, weather.temperature, weather.humidity, device_status.seq is not null as has_device_status \
             from page as m \
             full join (select r.* from page cross join lateral ( \
             select device_id, measured_at, seq, temperature, humidity, generate_series(1, 1) as fence from weather r \
             where r.device_id = page.device_id and r.measured_at = page.measured_at and r.seq = page.seq ) as r) \
             as weather on weather.device_id = m.device_id and weather.measured_at = m.measured_at and weather.seq = m.seq \
             full join (select r.* from page cross join lateral ( \
             select device_id, measured_at, seq, generate_series(1, 1) as fence from device_status r \
             where r.device_id = page.device_id and r.measured_at = page.measured_at and r.seq = page.seq ) as r) \
             as device_status on device_status.device_id = m.device_id and device_status.measured_at = m.measured_at \
             and device_status.seq = m.seq"
        );
    }
}
