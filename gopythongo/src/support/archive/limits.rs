//! How large an archive may become.

/// What an archive may unpack to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Files, directories and links; 200,000 by default.
    pub entries: u64,
    /// Bytes, in total; 4 GiB by default.
    pub bytes: u64,
    /// How many times the archive's own size; 200 by default.
    pub ratio: u64,
    /// Up to how many bytes no ratio is suspicious; 64 MiB by default.
    pub harmless: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 200_000, bytes: 4 << 30, ratio: 200, harmless: 64 << 20 }
    }
}

impl Limits {
    /// How many bytes an archive of `packed` bytes may unpack to.
    pub(super) fn allowance(&self, packed: u64) -> u64 {
        self.bytes.min(packed.saturating_mul(self.ratio).max(self.harmless))
    }
}
