//! Log sequence numbers of Postgres.

use std::{fmt, str::FromStr};

/// A position in the write-ahead log, in bytes since its beginning (a log sequence number). Written as in Postgres: two
/// hexadecimal numbers of 32 bits, such as `16/B374D848`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(u64);

/// Size of a page of the log, in bytes, and of its header.
const WAL_PAGE_SIZE: u64 = 8192;
const WAL_PAGE_HEADER_SIZE: u64 = 24;

impl Lsn {
    /// Number of bytes of the log from an earlier position to this one; 0 if that one is not earlier.
    #[must_use]
    pub fn bytes_after(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The end of the last record before this position, which is where the next record is inserted. They differ when
    /// the last record ends with its page: the next one follows a page header that a standby has not received yet.
    #[must_use]
    pub fn end_of_record(self) -> Self {
        if self.0 % WAL_PAGE_SIZE == WAL_PAGE_HEADER_SIZE { Self(self.0 - WAL_PAGE_HEADER_SIZE) } else { self }
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & u64::from(u32::MAX))
    }
}

/// The text is not a log sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected two hexadecimal numbers such as 16/B374D848")]
pub struct InvalidLsn;

impl FromStr for Lsn {
    type Err = InvalidLsn;

    fn from_str(text: &str) -> Result<Self, InvalidLsn> {
        let (high, low) = text.split_once('/').ok_or(InvalidLsn)?;
        let half = |digits: &str| {
            // `from_str_radix` would accept a sign
            let is_hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            u32::from_str_radix(digits, 16).ok().filter(|_| is_hexadecimal).ok_or(InvalidLsn)
        };
        Ok(Self((u64::from(half(high)?) << 32) | u64::from(half(low)?)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn display_round_trips(bytes: u64) {
            prop_assert_eq!(Lsn(bytes).to_string().parse(), Ok(Lsn(bytes)));
        }

        #[test]
        fn parsing_arbitrary_text_does_not_panic(text in "[0-9a-fA-F/+ -]{0,20}") {
            if let Ok(lsn) = text.parse::<Lsn>() {
                prop_assert_eq!(lsn.to_string().parse(), Ok(lsn));
            }
        }
    }

    #[test]
    fn display_matches_postgres() {
        assert_eq!(Lsn(0x16_B374_D848).to_string(), "16/B374D848");
        assert_eq!("16/b374d848".parse(), Ok(Lsn(0x16_B374_D848)));
        assert_eq!("0/0".parse(), Ok(Lsn(0)));
        for text in ["", "/", "16", "16/", "/16", "16/B374D848/0", "+1/0", "1/-0", "100000000/0", " 1/0", "1/G"] {
            assert_eq!(text.parse::<Lsn>(), Err(InvalidLsn), "{text:?}");
        }
    }

    #[test]
    fn a_record_that_ends_with_its_page_ends_before_the_header_of_the_next() {
        assert_eq!(Lsn(3 * WAL_PAGE_SIZE + 24).end_of_record(), Lsn(3 * WAL_PAGE_SIZE));
        for other in [3 * WAL_PAGE_SIZE, 3 * WAL_PAGE_SIZE + 32, 24 + 8] {
            assert_eq!(Lsn(other).end_of_record(), Lsn(other));
        }
        assert_eq!((Lsn(7).bytes_after(Lsn(3)), Lsn(3).bytes_after(Lsn(7))), (4, 0));
    }
}
