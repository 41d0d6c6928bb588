//! H3 cells of a map.

use async_graphql::{Context, Object};
use h3o::CellIndex;

use super::{
    air_quality_index::{self, AirQualityIndex, AirQualityScale},
    coordinates::Coordinates,
    quantity::Quantity,
    statistics::Statistics,
    summary::Summary,
};
use crate::{api_error::ApiError, domain, domain::validity::CountedValues, graphql::scalar::DateTime};

/// Cell of a map with statistics.
pub struct Cell {
    /// Index of the cell.
    pub cell: CellIndex,
    /// Statistics of the measurements in the cell.
    pub statistics: Statistics,
}

/// H3 cell of a map (a hexagon), with statistics of the measurements taken in it.
#[Object]
impl Cell {
    /// H3 index of the cell.
    async fn index(&self) -> String {
        self.cell.to_string()
    }

    /// H3 resolution, 0 to 12. Edges have about 1000 km at 0, 170 m at 9, 10 m at 12.
    async fn resolution(&self) -> u8 {
        self.cell.resolution().into()
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

    /// Number of measurements, with or without valid values.
    async fn count(&self) -> i64 {
        self.statistics.row.count
    }

    /// Share of hours with measurements that have a valid value, 0 to 1: UTC hours of the filter's time span. Null when
    /// the span has no start or no end.
    async fn coverage(&self) -> Option<f64> {
        self.statistics.coverage_share()
    }

    /// Summary of particulate matter up to 1 µm, in µg/m³.
    async fn pm1(&self) -> Summary {
        self.statistics.summary(domain::quantity::Quantity::Pm1)
    }

    /// Summary of particulate matter up to 2.5 µm, in µg/m³.
    async fn pm25(&self) -> Summary {
        self.statistics.summary(domain::quantity::Quantity::Pm2_5)
    }

    /// Summary of particulate matter up to 4 µm, in µg/m³.
    async fn pm4(&self) -> Summary {
        self.statistics.summary(domain::quantity::Quantity::Pm4)
    }

    /// Summary of particulate matter up to 10 µm, in µg/m³.
    async fn pm10(&self) -> Summary {
        self.statistics.summary(domain::quantity::Quantity::Pm10)
    }

    /// Summary of any quantity, in its unit (see `Quantity`).
    async fn quantity(&self, #[graphql(desc = "Quantity to summarise.")] of: Quantity) -> Summary {
        self.statistics.summary(of.into())
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
