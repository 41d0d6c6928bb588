//! Hours of an averaging period, newest first.

/// The first `hours` means of a period, padded with `None`. A mean that is not finite becomes `None`.
pub(super) fn latest(means: &[Option<f64>], hours: usize) -> Vec<Option<f64>> {
    let known = means.iter().map(|mean| mean.filter(|mean| mean.is_finite()));
    known.chain(std::iter::repeat(None)).take(hours).collect()
}

/// The share of hours with a value.
pub(super) fn coverage(hours: &[Option<f64>]) -> f64 {
    number(hours.iter().flatten().count()) / number(hours.len())
}

/// The mean of the hours with a value, if these are at least 75 %: the share that the EPA and the European directives
/// require.
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
