//! Statistics of measurements, and map cells.

use std::sync::Arc;

use async_graphql::{Context, Object};
use h3o::{CellIndex, Resolution};

use crate::{
    api_error::ApiError,
    db::{statistics, statistics::MAX_ROWS},
    domain,
    domain::{
        area::{Area, Cells},
        cell::finest_within,
        filter::{Condition, Filter},
        validity::CountedValues,
    },
    graphql::{
        context::{ContextExt as _, may_read},
        fast_json::JsonRows,
        inputs::{
            filter::MeasurementFilter,
            interval::{DEFAULT_TIME_ZONE, Interval},
            statistics::{
                DEFAULT_CELL_RESOLUTION, Grouping, RequestedStatistics, StatisticsFill, StatisticsGroup, resolution,
            },
        },
        types,
        types::{cell::Cell, statistics::Statistics},
    },
};

/// Maximum cells of an area's cover, to find a resolution that fits.
const MAX_COVER_CELLS: usize = 1000;
/// The same for the cells of a map that touch an area; with more, cells beyond its edge are part of the map.
const MAX_WHOLE_CELLS: usize = 4000;

#[derive(Default)]
pub struct StatisticsQuery;

#[Object(guard = "may_read")]
impl StatisticsQuery {
    /// Statistics of the measurements that match the filter: of all together, or of each bucket of time, device, cell,
    /// hour of the day and day of the week. Oldest first; without `fill` only groups with measurements are returned.
    /// Maximum 20,000 items. Values out of their quantity's range do not count, and positions at (0, 0) are in no cell
    /// and no area, unless `includeInvalid` is set.
    #[expect(clippy::too_many_arguments, reason = "the arguments of the field")]
    #[graphql(cache_control(max_age = 30))]
    async fn statistics(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Conditions on the measurements.")] filter: MeasurementFilter,
        #[graphql(
            desc = "Length of the buckets of time; needs `filter.measuredAt.from`. Maximum 10,000 buckets. The last one \
            contains the end of the filter, or now when it has none."
        )]
        every: Option<Interval>,
        #[graphql(desc = "Maximum number of buckets for `every: AUTO`, 1 to 10,000. Default 500. Only with `AUTO`.")]
        max_buckets: Option<i32>,
        #[graphql(
            default_with = "StatisticsFill::None",
            desc = "What is returned for buckets without measurements. `NULL` needs `every`, and can't be combined with \
            `groupBy: HOUR_OF_DAY` or `DAY_OF_WEEK`. With `groupBy: DEVICE` the devices named by the filter and those with \
            measurements are filled; with `CELL` only cells with measurements."
        )]
        fill: StatisticsFill,
        #[graphql(
            default_with = "DEFAULT_TIME_ZONE.to_owned()",
            desc = "Time zone of days, weeks, months, hours and `startLocal`: an IANA name such as `Europe/London`. \
            Default `UTC`."
        )]
        time_zone: String,
        #[graphql(desc = "Further grouping.")] group_by: Option<Vec<StatisticsGroup>>,
        #[graphql(
            default_with = "DEFAULT_CELL_RESOLUTION",
            desc = "H3 resolution of cells for `groupBy: CELL`, 0 (edges of about 1000 km) to 12 (10 m). Default 8."
        )]
        cell_resolution: i32,
        #[graphql(
            default = false,
            desc = "Whether values out of their quantity's range, and positions at (0, 0), count too."
        )]
        include_invalid: bool,
    ) -> Result<JsonRows<Statistics>, ApiError> {
        let counted = CountedValues::from_include_invalid(include_invalid);
        let group_by = group_by.unwrap_or_default();
        let grouping = Grouping { every, max_buckets, fill, time_zone, group_by, cell_resolution, counted };
        let filter = filter.check(ctx, "filter").await?;
        let (query, labels) =
            grouping.to_query(filter, RequestedStatistics::from_selection(ctx.field()), ctx.state().clock.now())?;
        let query = Arc::new(query);
        let rows = list(ctx, &query).await?;
        if rows.len() > MAX_ROWS {
            return Err(too_many_rows());
        }
        Ok(types::statistics::from_rows(rows, &query, labels))
    }

    /// Cells of a map: H3 cells that contain measurements matching the filter, with statistics. Maximum 20,000 cells.
    /// Values out of their quantity's range do not count, and positions at (0, 0) are in no cell, unless
    /// `includeInvalid` is set.
    #[graphql(cache_control(max_age = 30))]
    async fn cells(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Conditions on the measurements; `area` selects the part of the map.")]
        filter: MeasurementFilter,
        #[graphql(desc = "H3 resolution of the cells, 0 (edges of about 1000 km) to 12 (10 m).")] resolution: i32,
        #[graphql(
            default = false,
            desc = "Whether values out of their quantity's range, and positions at (0, 0), count too."
        )]
        include_invalid: bool,
        #[graphql(
            default = false,
            desc = "Whether cells that are only partly in `filter.area` contain all of their measurements, also those \
                    outside the area. This is faster: hourly sums are read of these cells too."
        )]
        whole_cells: bool,
    ) -> Result<JsonRows<Cell>, ApiError> {
        let grouping = Grouping {
            time_zone: DEFAULT_TIME_ZONE.to_owned(),
            group_by: vec![StatisticsGroup::Cell],
            cell_resolution: resolution,
            every: None,
            max_buckets: None,
            fill: StatisticsFill::None,
            counted: CountedValues::from_include_invalid(include_invalid),
        };
        let mut filter = filter.check(ctx, "filter").await?;
        let resolution = self::resolution("resolution", resolution)?;
        if whole_cells {
            extend_to_cells(&mut filter, resolution);
        }
        let (query, labels) =
            grouping.to_query(filter, RequestedStatistics::from_selection(ctx.field()), ctx.state().clock.now())?;
        let query = Arc::new(query);
        let rows = list(ctx, &query).await?;
        if rows.len() > MAX_ROWS {
            return Err(too_many_cells(resolution, &query.filter));
        }
        let cells = rows.into_iter().filter_map(|row| {
            Some(Cell { cell: row.cell?, statistics: Statistics { row, query: query.clone(), labels } })
        });
        Ok(JsonRows(cells.collect()))
    }
}

/// The rows of statistics, at most one more than the maximum.
async fn list(
    ctx: &Context<'_>,
    query: &statistics::StatisticsQuery,
) -> Result<Vec<domain::statistics::Statistics>, ApiError> {
    let rows = statistics::list(ctx.read_pool(), query, MAX_ROWS + 1).await?;
    for (from, to) in statistics::row_spans(query) {
        ctx.read_pool().note_rows_read(from, to);
    }
    Ok(rows)
}

/// The error for more items than the maximum.
pub(in crate::graphql) fn too_many_rows() -> ApiError {
    let reason =
        format!("makes more than {MAX_ROWS} items; use a shorter span, longer buckets, larger cells or fewer devices");
    ApiError::bad_input("groupBy", reason)
}

/// Extends the area of a filter to all cells of a resolution that it touches.
fn extend_to_cells(filter: &mut Filter, resolution: Resolution) {
    for condition in &mut filter.conditions {
        if let Condition::Within(area) = condition {
            let cover = area.cover(resolution, MAX_WHOLE_CELLS);
            *area = Area::Cells(Cells::from_cover(&cover)).into();
        }
    }
}

fn too_many_cells(given: Resolution, filter: &Filter) -> ApiError {
    let area = filter.conditions.iter().find_map(|condition| match condition {
        Condition::Within(area) => Some(area),
        _ => None,
    });
    let cells = area.map_or_else(
        || CellIndex::base_cells().collect(),
        |area| {
            let cover = area.cover(given, MAX_COVER_CELLS);
            [&*cover.inside, &*cover.border].concat()
        },
    );
    let fitting = finest_within(&cells, MAX_ROWS);
    let reason =
        format!("{given} makes more than {MAX_ROWS} cells of this area; {fitting} would fit, or a smaller area");
    ApiError::bad_input("resolution", reason).with_suggested_value(i32::from(u8::from(fitting)))
}
