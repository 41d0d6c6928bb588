//! How the values of a quantity lie.

use async_graphql::Object;

use crate::{api_error::ApiError, domain, domain::statistics::Percentile};

/// How the values of a quantity lie, in its unit. All but the counts are null where there are no values.
pub struct Summary(pub domain::statistics::QuantitySummary);

/// How the values of a quantity lie, in its unit. All but the counts are null where there are no values.
#[Object]
impl Summary {
    /// Number of values: the measurements that tell the quantity, in its range unless `includeInvalid` is set.
    async fn count(&self) -> i64 {
        self.0.count
    }

    /// Number of values out of the quantity's range. The other fields leave these out unless `includeInvalid` is set.
    async fn invalid_count(&self) -> i64 {
        self.0.invalid_count
    }

    /// The arithmetic mean.
    async fn mean(&self) -> Option<f64> {
        self.0.mean
    }

    /// The least value.
    async fn min(&self) -> Option<f64> {
        self.0.min
    }

    /// The greatest value.
    async fn max(&self) -> Option<f64> {
        self.0.max
    }

    /// The standard deviation of a sample (by n − 1); null for a single value.
    async fn standard_deviation(&self) -> Option<f64> {
        self.0.standard_deviation
    }

    /// The value below which so many percent of the values lie, interpolated between neighbours: 50 gives the median.
    #[expect(clippy::unused_async, reason = "every resolver is async")]
    async fn percentile(&self, #[graphql(desc = "From 0 to 100.")] p: f64) -> Result<Option<f64>, ApiError> {
        let asked = Percentile::try_new(p).ok_or_else(|| {
            ApiError::bad_input("p", format!("{p} is no percentile; they go from 0 (the least value) to 100"))
        })?;
        Ok(self.0.percentile(asked))
    }
}
