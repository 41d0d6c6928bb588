//! The EPA's NowCast of particulates: a weighted average of the last 12 hours. The faster the air changes, the more
//! weight recent hours have. The result is on the scale of [`super::us_epa`].
//!
//! Its completeness rule differs: two of the latest three hours must have a value; the others may be missing.

pub(super) const VERSION: &str = "US EPA, PM NowCast of 2013 on EPA-454/B-24-002, May 2024";
pub(super) const HOURS: usize = 12;

/// Minimum weight of an hour relative to the next newer one.
const MIN_WEIGHT: f64 = 0.5;

/// The weighted average of the hours, newest first.
pub(super) fn average(hours: &[Option<f64>]) -> Option<f64> {
    if hours.iter().take(3).flatten().count() < 2 {
        return None;
    }
    // Below 0 is clean air, as for the scale itself; a ratio with a negative value has no meaning.
    let known = || hours.iter().map(|hour| hour.map(|mean| mean.max(0.0)));
    let (least, greatest) = known()
        .flatten()
        .fold((f64::INFINITY, 0.0_f64), |(least, greatest), mean| (least.min(mean), greatest.max(mean)));
    let weight = if greatest > 0.0 { (1.0 - (greatest - least) / greatest).max(MIN_WEIGHT) } else { 1.0 };
    let (mut sum, mut weights, mut power) = (0.0, 0.0, 1.0);
    for hour in known() {
        if let Some(mean) = hour {
            sum += power * mean;
            weights += power;
        }
        power *= weight;
    }
    Some(sum / weights)
}
