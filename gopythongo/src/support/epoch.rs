//! The one time that everything built has.

/// The time of what is built, in seconds after 1970 (<https://reproducible-builds.org/specs/source-date-epoch/>): a constant,
/// 2020-02-02 in UTC, since two builds of the same source are to be the same.
pub const SOURCE_DATE_EPOCH: u64 = 1_580_601_600;
