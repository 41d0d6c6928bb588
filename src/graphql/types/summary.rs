//! Summary statistics of one quantity.

use async_graphql::Object;

use crate::{api_error::ApiError, domain, domain::statistics::Percentile, graphql::fast_json::row_fields::row_fields};

/// Summary statistics of the values of one quantity, in its unit. All fields except the counts are null when there are
/// no values.
pub struct Summary(pub domain::statistics::QuantitySummary);

row_fields! {
    /// The values of a summary.
    SummaryRow(summary: &domain::statistics::QuantitySummary) {
        /// Number of values: measurements with a value of the quantity, within its range unless `includeInvalid` is
        /// set.
        count: i64 = summary.count;
        /// Number of values out of the quantity's range. They are excluded from the other fields unless
        /// `includeInvalid` is set.
        invalid_count: i64 = summary.invalid_count;
        /// Arithmetic mean.
        mean: Option<f64> = summary.mean;
        /// Minimum.
        min: Option<f64> = summary.min;
        /// Maximum.
        max: Option<f64> = summary.max;
        /// Sample standard deviation (divisor n − 1). Null when there are fewer than two values.
        standard_deviation: Option<f64> = summary.standard_deviation;
    }
}

/// Summary statistics of the values of one quantity, in its unit. All fields except the counts are null when there are
/// no values.
#[Object]
impl Summary {
    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "every resolver is async")]
    async fn row_fields(&self) -> SummaryRow<'_> {
        SummaryRow(&self.0)
    }

    /// Percentile, with linear interpolation: the value below which `p` percent of the values lie. `p: 50` is the
    /// median.
    #[expect(clippy::unused_async, reason = "every resolver is async")]
    async fn percentile(
        &self,
        #[graphql(desc = "Percentage, 0 (minimum) to 100 (maximum).")] p: f64,
    ) -> Result<Option<f64>, ApiError> {
        let percentile = Percentile::try_new(p)
            .ok_or_else(|| ApiError::bad_input("p", format!("must be between 0 and 100, not {p}")))?;
        Ok(self.0.percentile(percentile))
    }
}
