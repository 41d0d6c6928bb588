//! A shared area with its cached covers.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    ops::Deref,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use h3o::Resolution;

use super::{Area, Cover};

/// An area with covers that are computed once. Clones share them: all statements of a request or of a subscription.
#[derive(Clone, Debug)]
pub struct SharedArea(Arc<Covered>);

#[derive(Debug)]
struct Covered {
    area: Area,
    /// Covers by their parameters; few entries.
    covers: Mutex<HashMap<(Resolution, usize), Arc<Cover>>>,
    hash: OnceLock<u64>,
}

impl SharedArea {
    /// Cells that contain the area: none finer than `finest`, and at most `max_cells` unless the area needs more of the
    /// coarsest. A polygon with very many long edges may get fewer cells, since comparisons are bounded.
    #[must_use]
    pub fn cover(&self, finest: Resolution, max_cells: usize) -> Arc<Cover> {
        // Locked during the computation, so two statements don't compute the same cover.
        let mut covers = self.0.covers.lock().unwrap_or_else(PoisonError::into_inner); // entries are never partial
        let cover = covers.entry((finest, max_cells));
        cover.or_insert_with(|| Arc::new(self.0.area.cover(finest, max_cells))).clone()
    }
}

impl From<Area> for SharedArea {
    fn from(area: Area) -> Self {
        Self(Arc::new(Covered { area, covers: Mutex::default(), hash: OnceLock::new() }))
    }
}

impl Deref for SharedArea {
    type Target = Area;

    fn deref(&self) -> &Area {
        &self.0.area
    }
}

impl PartialEq for SharedArea {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || **self == **other
    }
}
impl Eq for SharedArea {}
impl Hash for SharedArea {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let hash = self.0.hash.get_or_init(|| {
            let mut hasher = DefaultHasher::new();
            self.0.area.hash(&mut hasher);
            hasher.finish()
        });
        hash.hash(state);
    }
}

/// The areas of a request; equal areas are shared. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct SharedAreas(Arc<Mutex<HashSet<SharedArea>>>);

impl SharedAreas {
    /// The area, or the equal one that is already shared.
    #[must_use]
    pub fn share(&self, area: SharedArea) -> SharedArea {
        let mut areas = self.0.lock().unwrap_or_else(PoisonError::into_inner); // entries are never partial
        if let Some(shared) = areas.get(&area) {
            return shared.clone();
        }
        areas.insert(area.clone());
        area
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        area::{BoundingBox, tests::areas},
        cell::ROLLUP_RESOLUTION,
    };

    proptest::proptest! {
        #[test]
        fn a_shared_cover_is_the_cover_and_is_computed_once((area, _) in areas(), finest in 0_u8..=12, max_cells in 1_usize..200) {
            let finest = Resolution::try_from(finest).expect("a resolution");
            let expected = area.cover(finest, max_cells);
            let areas = SharedAreas::default();
            let [one, other] = [area.clone(), area].map(|area| areas.share(area.into()));
            let cover = one.cover(finest, max_cells);
            proptest::prop_assert_eq!(&*cover, &expected);
            proptest::prop_assert!(Arc::ptr_eq(&cover, &other.cover(finest, max_cells)), "computed again");
        }
    }

    #[test]
    fn different_areas_and_covers_are_cached_separately() {
        let bounding = |north| Area::BoundingBox(BoundingBox::try_new(52.0, 0.0, north, 1.0).expect("a box"));
        let areas = SharedAreas::default();
        let (one, other) = (areas.share(bounding(53.0).into()), areas.share(bounding(54.0).into()));
        assert_eq!((&*one, &*other), (&bounding(53.0), &bounding(54.0)));
        assert_ne!(one.cover(ROLLUP_RESOLUTION, 20), one.cover(ROLLUP_RESOLUTION, 200));
    }
}
