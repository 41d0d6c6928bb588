//! Ranges of integers as a few blocks whose sizes are powers of two, so that the ranges that contain a number are found
//! by one lookup per bit.

/// All numbers that differ only in their lowest `level` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::subscriptions) struct Block {
    pub level: u8,
    prefix: u32,
}

impl Block {
    /// The block of a level that contains a number.
    pub(super) fn containing(number: u32, level: u8) -> Self {
        Self { level, prefix: number >> level }
    }
}

/// The minimal set of blocks that covers a range, both ends inclusive: at most two of each level.
pub(super) fn cover_range(mut first: u32, mut last: u32) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut level = 0;
    while first <= last {
        if !first.is_multiple_of(2) {
            blocks.push(Block { level, prefix: first });
            first += 1;
        }
        if first <= last && last.is_multiple_of(2) {
            blocks.push(Block { level, prefix: last });
            if last == 0 {
                break;
            }
            last -= 1;
        }
        (first, last, level) = (first / 2, last / 2, level + 1);
        if first > last {
            break;
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BITS: u8 = 8;

    proptest! {
        #[test]
        fn number_is_in_one_block_of_its_range_and_in_none_of_others(first in 0..256_u32, last in 0..256_u32) {
            let blocks = cover_range(first, last);
            prop_assert!(blocks.len() <= 2 * usize::from(BITS) && blocks.iter().all(|block| block.level <= BITS));
            for number in 0..256 {
                let containing = (0..=BITS).filter(|&level| blocks.contains(&Block::containing(number, level))).count();
                prop_assert_eq!(containing, usize::from((first..=last).contains(&number)), "{}", number);
            }
        }
    }
}
