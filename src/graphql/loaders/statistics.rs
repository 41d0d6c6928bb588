//! Statistics of each device. One statement for each distinct set of arguments.

use std::{collections::HashMap, sync::Arc};

use super::{LoadError, Loader, grouped};
use crate::{
    db::statistics::{self, Question},
    domain::{device::DeviceId, statistics::Statistics},
};

/// What is asked of this device.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StatisticsOf {
    /// The device.
    pub device: DeviceId,
    /// What of it.
    pub question: Arc<Question>,
}

/// The answer.
#[derive(Clone, Debug)]
pub enum Told {
    /// In the order of time.
    Rows(Vec<Statistics>),
    /// All devices together have more than there may be.
    TooMany,
}

impl async_graphql::dataloader::Loader<StatisticsOf> for Loader {
    type Value = Told;
    type Error = LoadError;

    async fn load(&self, keys: &[StatisticsOf]) -> Result<HashMap<StatisticsOf, Told>, LoadError> {
        let mut told: HashMap<_, _> = HashMap::with_capacity(keys.len());
        for (question, devices) in grouped(keys, |key| (key.question.clone(), key.device)) {
            let mut of_all = Question { by_device: true, ..(*question).clone() };
            of_all.filter.devices = Some(devices.clone());
            let rows = statistics::list(&self.db, &of_all, statistics::MAX_ROWS + 1).await.map_err(Arc::new)?;
            let fits = rows.len() <= statistics::MAX_ROWS;
            let mut each: HashMap<_, Vec<_>> = HashMap::new();
            for row in rows {
                each.entry(row.device).or_default().push(row);
            }
            told.extend(devices.into_iter().map(|device| {
                let rows = each.remove(&Some(device)).unwrap_or_default();
                let of = StatisticsOf { device, question: question.clone() };
                (of, if fits { Told::Rows(rows) } else { Told::TooMany })
            }));
        }
        Ok(told)
    }
}
