//! Summary statistics of one quantity.

use async_graphql::Object;

use crate::{api_error::ApiError, domain, domain::statistics::Percentile};

/// Summary statistics of the values of one quantity, in its unit. All fields except the counts are null when there are
/// no values.
pub struct Summary(pub domain::statistics::QuantitySummary);

/// Summary statistics of the values of one quantity, in its unit. All fields except the counts are null when there are
/// no values.
#[Object]
impl Summary {
    /// Number of values: measurements with a value of the quantity, within its range unless `includeInvalid` is set.
    async fn count(&self) -> i64 {
        self.0.count
    }

    /// Number of values out of the quantity's range. They are excluded from the other fields unless `includeInvalid` is
    /// set.
    async fn invalid_count(&self) -> i64 {
        self.0.invalid_count
    }

    /// Arithmetic mean.
    async fn mean(&self) -> Option<f64> {
        self.0.mean
    }

    /// Minimum.
    async fn min(&self) -> Option<f64> {
        self.0.min
    }

    /// Maximum.
    async fn max(&self) -> Option<f64> {
        self.0.max
    }

    /// Sample standard deviation (divisor n − 1). Null when there are fewer than two values.
    async fn standard_deviation(&self) -> Option<f64> {
        self.0.standard_deviation
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
