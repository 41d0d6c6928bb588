//! A cell of a map.

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

/// A cell of a map, with what was measured in it.
pub struct Cell {
    /// Which.
    pub cell: CellIndex,
    /// What was measured.
    pub statistics: Statistics,
}

/// An H3 cell of a map, a hexagon, with what was measured in it.
#[Object]
impl Cell {
    /// Its H3 index.
    async fn index(&self) -> String {
        self.cell.to_string()
    }

    /// Its H3 resolution: hexagons of about 1000 km at 0, 170 m at 9, 10 m at 12 (the length of an edge).
    async fn resolution(&self) -> u8 {
        self.cell.resolution().into()
    }

    /// Its centre.
    async fn center(&self) -> Coordinates {
        self.center_coordinates()
    }

    /// Its corners, anticlockwise: six, five of a pentagon, and a few more where an edge of the globe's grid crosses it.
    async fn boundary(&self) -> Vec<Coordinates> {
        self.boundary_coordinates()
    }

    /// How many measurements, with valid values or without.
    async fn count(&self) -> i64 {
        self.statistics.row.count
    }

    /// The share of the hours (of UTC) that the filter sets a beginning and an end to, in which there are measurements with a
    /// valid value.
    async fn coverage(&self) -> Option<f64> {
        self.statistics.coverage_share()
    }

    /// Of particulate matter up to 1 µm, in `ug/m3`.
    async fn pm1(&self) -> Summary {
        self.statistics.summary(domain::quantity::Quantity::Pm1)
    }

    /// Of particulate matter up to 2.5 µm, in `ug/m3`.
    async fn pm25(&self) -> Summary {
        self.statistics.summary(domain::quantity::Quantity::Pm2_5)
    }

    /// Of particulate matter up to 4 µm, in `ug/m3`.
    async fn pm4(&self) -> Summary {
        self.statistics.summary(domain::quantity::Quantity::Pm4)
    }

    /// Of particulate matter up to 10 µm, in `ug/m3`.
    async fn pm10(&self) -> Summary {
        self.statistics.summary(domain::quantity::Quantity::Pm10)
    }

    /// Of any quantity, in its unit.
    async fn quantity(&self, #[graphql(desc = "Which.")] of: Quantity) -> Summary {
        self.statistics.summary(of.into())
    }

    /// Its air-quality index, of all that was measured in it, over the whole hours that had ended by a moment. The filter
    /// of the map has no part in it. Values out of their quantity's range, and positions at (0, 0), do not count unless
    /// `includeInvalid` is set.
    async fn air_quality_index(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "On which scale.")] scale: AirQualityScale,
        #[graphql(desc = "By which moment; now unless told.")] at: Option<DateTime>,
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
