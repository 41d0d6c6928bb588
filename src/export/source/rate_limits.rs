//! Rate limits of a running export. It is not refused in the middle: it waits until the caller may go on, so that its
//! speed is that of the limit.

use std::time::Duration;

use tokio::time::sleep;

use crate::{export::ExportContext, graphql::execute::admission, limits::rate_limit::RateLimited};

/// Bounds of one wait. A limit is checked again after each.
const MIN_WAIT: Duration = Duration::from_millis(10);
const MAX_WAIT: Duration = Duration::from_secs(10);

/// What an export has to pay before it reads on.
pub struct Charges {
    context: ExportContext,
    owed: u32,
}

impl Charges {
    pub fn new(context: ExportContext) -> Self {
        Self { context, owed: 0 }
    }

    /// Adds the price of a page that was read.
    pub fn add(&mut self, price: u32) {
        self.owed = self.owed.saturating_add(price);
    }

    /// Pays what is owed. Waits for it if the caller's limits are exceeded.
    pub async fn pay(&mut self) {
        loop {
            let Err(limited) = self.try_pay() else { return };
            sleep(wait_time(&limited)).await;
        }
    }

    fn try_pay(&mut self) -> Result<(), RateLimited> {
        let ExportContext { state, payer, caller, .. } = &self.context;
        admission::check_database_time(state, *payer, admission::caller_kind(caller))?;
        state.rate_limiters.cost.check_n(*payer, self.owed, state.clock.now())?;
        self.owed = 0;
        Ok(())
    }
}

/// The last page is paid for when the export ends.
impl Drop for Charges {
    fn drop(&mut self) {
        let ExportContext { state, payer, .. } = &self.context;
        state.rate_limiters.cost.penalize(*payer, self.owed, state.clock.now());
    }
}

fn wait_time(limited: &RateLimited) -> Duration {
    limited.retry_after.to_std().unwrap_or_default().clamp(MIN_WAIT, MAX_WAIT)
}
