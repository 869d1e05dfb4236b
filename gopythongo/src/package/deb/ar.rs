//! The archive that a `.deb` is: `ar`, as deb(5) has it. Each member has a header of 60 bytes and an even length.

use std::io::{self, Read, Write};

use crate::support::SOURCE_DATE_EPOCH;

/// Begins an archive.
pub(super) fn begin(archive: &mut impl Write) -> io::Result<()> {
    archive.write_all(b"!<arch>\n")
}

/// Adds a member of a known size.
///
/// # Errors
/// When it cannot be read or written, or does not have that size.
pub(super) fn member(archive: &mut impl Write, name: &str, size: u64, content: impl Read) -> io::Result<()> {
    let header = format!("{name:<16}{SOURCE_DATE_EPOCH:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 100_644);
    if header.len() != 60 {
        return Err(io::Error::other(format!("`{name}` with {size} bytes does not fit into an archive of `ar`")));
    }
    archive.write_all(header.as_bytes())?;
    let copied = io::copy(&mut content.take(size + 1), archive)?;
    if copied != size {
        return Err(io::Error::other(format!(
            "`{name}` changed while it was packed: {copied} bytes instead of {size}"
        )));
    }
    if size % 2 == 1 {
        archive.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_begin_at_even_places() -> io::Result<()> {
        let mut archive = Vec::new();
        begin(&mut archive)?;
        member(&mut archive, "odd", 3, &b"abc"[..])?;
        member(&mut archive, "even", 2, &b"de"[..])?;
        assert_eq!(archive.len(), 8 + 60 + 4 + 60 + 2);
        assert_eq!(&archive[8..68], b"odd             1580601600  0     0     100644  3         `\n");
        assert_eq!(&archive[72..88], b"even            ");
        Ok(())
    }

    #[test]
    fn a_member_of_another_size_is_an_error() {
        for size in [2, 4] {
            let error = member(&mut Vec::new(), "data", size, &b"abc"[..]).expect_err("it has 3 bytes");
            assert!(error.to_string().contains("changed while it was packed"), "{error}");
        }
        assert!(member(&mut Vec::new(), "a-name-longer-than-sixteen", 0, io::empty()).is_err());
    }
}
