//! Pages of measurements, of each device in a list.

use async_graphql::{Context, connection::PageInfo};
use futures_util::{TryFutureExt as _, future::try_join_all};

use super::{
    CompiledSelection, JsonType, PrefetchFuture,
    json::{self, nullable},
    selection::SelectedField,
};
use crate::graphql::types::{
    measurement::Measurement,
    measurement_connection::{MeasurementConnection, MeasurementEdge},
};

pub enum MeasurementConnectionField {
    PageInfo(CompiledSelection<PageInfo>),
    Edges(CompiledSelection<MeasurementEdge<'static>>),
    Nodes(CompiledSelection<Measurement>),
    TotalCount,
    TotalCountIsEstimate,
}

impl JsonType for MeasurementConnection {
    type Field = MeasurementConnectionField;

    fn compile_field(field: &SelectedField<'_>) -> Option<MeasurementConnectionField> {
        match field.name() {
            "pageInfo" => CompiledSelection::for_object(field).map(MeasurementConnectionField::PageInfo),
            "edges" => CompiledSelection::for_object(field).map(MeasurementConnectionField::Edges),
            "nodes" => CompiledSelection::for_object(field).map(MeasurementConnectionField::Nodes),
            "totalCount" => Some(MeasurementConnectionField::TotalCount),
            "totalCountIsEstimate" => Some(MeasurementConnectionField::TotalCountIsEstimate),
            _ => None,
        }
    }

    fn prefetch<'a>(
        column: &'a mut MeasurementConnectionField,
        pages: &'a [&'a Self],
        ctx: &'a Context<'_>,
    ) -> Option<PrefetchFuture<'a>> {
        let rows = || pages.iter().flat_map(|page| page.rows());
        match column {
            MeasurementConnectionField::PageInfo(_) => None,
            MeasurementConnectionField::Edges(columns) => Some(Box::pin(async move {
                let edges: Vec<_> = rows().map(MeasurementEdge).collect();
                columns.prefetch(&edges.iter().collect::<Vec<_>>(), ctx).await
            })),
            MeasurementConnectionField::Nodes(columns) => {
                Some(Box::pin(async move { columns.prefetch(&rows().collect::<Vec<_>>(), ctx).await }))
            }
            MeasurementConnectionField::TotalCount | MeasurementConnectionField::TotalCountIsEstimate => {
                Some(Box::pin(try_join_all(pages.iter().map(|page| page.count(ctx))).map_ok(drop)))
            }
        }
    }

    fn write(&self, column: &MeasurementConnectionField, out: &mut Vec<u8>) {
        match column {
            MeasurementConnectionField::PageInfo(columns) => columns.write(&self.paging(), out),
            MeasurementConnectionField::Edges(columns) => {
                columns.write_list(&self.rows().iter().map(MeasurementEdge).collect::<Vec<_>>(), out);
            }
            MeasurementConnectionField::Nodes(columns) => columns.write_list(self.rows(), out),
            MeasurementConnectionField::TotalCount => {
                nullable(self.cached_total(), |total, out| json::integer(total.rows, out), out);
            }
            MeasurementConnectionField::TotalCountIsEstimate => {
                nullable(self.cached_total(), |total, out| json::boolean(total.is_estimate, out), out);
            }
        }
    }
}
