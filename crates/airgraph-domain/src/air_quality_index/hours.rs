//! Hours of an averaging period, newest first.

/// The hours of a period of so many, of which those not told are not known. What is no number is not known either.
pub(super) fn latest(means: &[Option<f64>], hours: usize) -> Vec<Option<f64>> {
    let told = means.iter().map(|mean| mean.filter(|mean| mean.is_finite()));
    told.chain(std::iter::repeat(None)).take(hours).collect()
}

/// The share of hours that are known.
pub(super) fn coverage(hours: &[Option<f64>]) -> f64 {
    number(hours.iter().flatten().count()) / number(hours.len())
}

/// The mean of the hours that are known, where these are 75 % of them at least: the share that the EPA and the European
/// directives ask for.
pub(super) fn mean(hours: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = hours.iter().flatten().copied().collect();
    let enough = !known.is_empty() && 4 * known.len() >= 3 * hours.len();
    enough.then(|| known.iter().sum::<f64>() / number(known.len()))
}

fn number(hours: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a period has a few hours")]
    let number = hours as f64;
    number
}
