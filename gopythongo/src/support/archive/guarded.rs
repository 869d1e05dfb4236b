//! A reader that gives only so much.

use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
};

/// How much may still be read; shared by all readers of an archive.
#[derive(Debug, Clone)]
pub(super) struct Allowance(Rc<Cell<Option<u64>>>);

impl Allowance {
    pub(super) fn new(bytes: u64) -> Self {
        Self(Rc::new(Cell::new(Some(bytes))))
    }

    /// Whether more was asked for than is allowed. Libraries between hide the reader's own error.
    pub(super) fn is_exceeded(&self) -> bool {
        self.0.get().is_none()
    }
}

/// Reads, and fails beyond the allowance.
pub(super) struct Guarded<R> {
    pub(super) reader: R,
    pub(super) allowance: Allowance,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        let left = self.allowance.0.get().and_then(|left| left.checked_sub(n as u64));
        self.allowance.0.set(left);
        if left.is_none() {
            return Err(io::Error::other("larger than it may be"));
        }
        Ok(n)
    }
}
