//! H3 cells of a map.

use async_graphql::{Context, Object};
use h3o::CellIndex;

use super::{
    air_quality_index::{self, AirQualityIndex, AirQualityScale},
    coordinates::Coordinates,
    statistics::{Statistics, Summaries},
};
use crate::{
    api_error::ApiError,
    domain::validity::CountedValues,
    graphql::{fast_json::row_fields::row_fields, scalar::DateTime},
};

/// Cell of a map with statistics.
pub struct Cell {
    /// Index of the cell.
    pub cell: CellIndex,
    /// Statistics of the measurements in the cell.
    pub statistics: Statistics,
}

row_fields! {
    /// The values of a cell.
    CellRow(cell: &Cell) {
        /// H3 index of the cell.
        index: String = cell.cell.to_string();
        /// H3 resolution, 0 to 12. Edges have about 1000 km at 0, 170 m at 9, 10 m at 12.
        resolution: u8 = cell.cell.resolution().into();
        /// Number of measurements, with or without valid values.
        count: i64 = cell.statistics.row.count;
        /// Share of hours with measurements that have a valid value, 0 to 1: UTC hours of the filter's time span. Null
        /// when the span has no start or no end.
        coverage: Option<f64> = cell.statistics.coverage_share();
    }
}

/// H3 cell of a map (a hexagon), with statistics of the measurements taken in it.
#[Object]
impl Cell {
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every resolver is async")]
    async fn row_fields(&self) -> CellRow<'_> {
        CellRow(self)
    }

    /// Centre of the cell.
    async fn center(&self) -> Coordinates {
        self.center_coordinates()
    }

    /// Corners of the cell, counterclockwise: six, five for a pentagon, and some more when an edge of H3's icosahedron
    /// crosses the cell.
    async fn boundary(&self) -> Vec<Coordinates> {
        self.boundary_coordinates()
    }

    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every resolver is async")]
    async fn summaries(&self) -> Summaries<'_> {
        Summaries(&self.statistics)
    }

    /// Air-quality index of all measurements in the cell, over the full hours before `at`. The filter of the map does
    /// not apply. Values out of their quantity's range, and positions at (0, 0), do not count unless `includeInvalid`
    /// is set.
    async fn air_quality_index(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Scale of the index.")] scale: AirQualityScale,
        #[graphql(desc = "Time of the index: the period ends with the last full hour before it. Default: now.")]
        at: Option<DateTime>,
        #[graphql(
            default = false,
            desc = "Whether values out of their quantity's range, and positions at (0, 0), count too."
        )]
        include_invalid: bool,
    ) -> Result<AirQualityIndex, ApiError> {
        let counted = CountedValues::from_include_invalid(include_invalid);
        air_quality_index::cell_index(ctx, self.cell, scale, at, counted).await
    }
}

impl Cell {
    pub(in crate::graphql) fn center_coordinates(&self) -> Coordinates {
        h3o::LatLng::from(self.cell).into()
    }

    pub(in crate::graphql) fn boundary_coordinates(&self) -> Vec<Coordinates> {
        self.cell.boundary().iter().copied().map(Into::into).collect()
    }
}
