//! The price of exported rows. It is charged page by page, for the rows that were read.

use super::columns::ExportColumn;

/// Values that cost 1. In GraphQL a field costs 1; an export writes a value in a tenth of the time.
const VALUES_PER_COST_UNIT: usize = 10;
/// Cost of reading a row.
const ROW_COST: usize = 1;

/// The price of a page with this number of rows.
pub fn page_price(rows: usize, columns: &[ExportColumn]) -> u32 {
    let values = rows.saturating_mul(columns.len()).div_ceil(VALUES_PER_COST_UNIT);
    u32::try_from(rows.saturating_mul(ROW_COST).saturating_add(values)).unwrap_or(u32::MAX)
}
