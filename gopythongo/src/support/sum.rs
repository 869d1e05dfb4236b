//! MD5 sums, as `md5sums` of a package holds them: they tell damage, and guard nothing.

use md5::{Digest, Md5};

/// The sum of what has passed so far.
#[derive(Default)]
pub(crate) struct Sum(Md5);

impl Sum {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// 32 lowercase hexadecimal digits.
    pub(crate) fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_the_rfc() {
        let mut sum = Sum::default();
        sum.update(b"message ");
        sum.update(b"digest");
        assert_eq!(sum.finish(), "f96b697d7cb7938d525a2f31aaf161d0", "RFC 1321, appendix A.5");
    }
}
