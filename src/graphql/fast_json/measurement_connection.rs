//! Pages of measurements, of each device in a list.

use async_graphql::{Context, connection::PageInfo};
use futures_util::{TryFutureExt as _, future::try_join_all};

use super::{
    Columns, Flat, LookUp,
    json::{self, optional},
    selection::Selected,
};
use crate::graphql::types::{
    measurement::Measurement,
    measurement_connection::{MeasurementConnection, MeasurementEdge},
};

pub enum Column {
    PageInfo(Columns<PageInfo>),
    Edges(Columns<MeasurementEdge<'static>>),
    Nodes(Columns<Measurement>),
    TotalCount,
    TotalCountIsEstimate,
}

impl Flat for MeasurementConnection {
    type Column = Column;

    fn column(field: &Selected<'_>) -> Option<Column> {
        match field.name() {
            "pageInfo" => Columns::of(field).map(Column::PageInfo),
            "edges" => Columns::of(field).map(Column::Edges),
            "nodes" => Columns::of(field).map(Column::Nodes),
            "totalCount" => Some(Column::TotalCount),
            "totalCountIsEstimate" => Some(Column::TotalCountIsEstimate),
            _ => None,
        }
    }

    fn look_up<'a>(column: &'a mut Column, pages: &'a [&'a Self], ctx: &'a Context<'_>) -> Option<LookUp<'a>> {
        let rows = || pages.iter().flat_map(|page| page.rows());
        match column {
            Column::PageInfo(_) => None,
            Column::Edges(columns) => Some(Box::pin(async move {
                let edges: Vec<_> = rows().map(MeasurementEdge).collect();
                columns.look_up(&edges.iter().collect::<Vec<_>>(), ctx).await
            })),
            Column::Nodes(columns) => {
                Some(Box::pin(async move { columns.look_up(&rows().collect::<Vec<_>>(), ctx).await }))
            }
            Column::TotalCount | Column::TotalCountIsEstimate => {
                Some(Box::pin(try_join_all(pages.iter().map(|page| page.count(ctx))).map_ok(drop)))
            }
        }
    }

    fn write(&self, column: &Column, out: &mut Vec<u8>) {
        match column {
            Column::PageInfo(columns) => columns.write(&self.told_page_info(), out),
            Column::Edges(columns) => {
                columns.write_list(&self.rows().iter().map(MeasurementEdge).collect::<Vec<_>>(), out);
            }
            Column::Nodes(columns) => columns.write_list(self.rows(), out),
            Column::TotalCount => optional(self.counted(), |total, out| json::integer(total.rows, out), out),
            Column::TotalCountIsEstimate => {
                optional(self.counted(), |total, out| json::boolean(total.is_estimate, out), out);
            }
        }
    }
}
