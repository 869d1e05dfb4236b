//! Reading a `.deb`: an `ar` archive of `debian-binary`, `control.tar…` and `data.tar…` (deb(5)).

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
    process::{ChildStdin, Command, Stdio},
    thread,
};

use flate2::bufread::GzDecoder;

const MAGIC: &[u8] = b"!<arch>\n";

/// A member's header: name (16), time (12), owner (6), group (6), mode (8), size (10), and two bytes that end it.
const HEADER: usize = 60;

/// A `.deb` file.
pub(crate) struct Ar {
    file: File,
    members: Vec<Member>,
}

struct Member {
    name: String,
    offset: u64,
    size: u64,
}

impl Ar {
    /// Reads the table of an archive's members.
    ///
    /// # Errors
    /// When it cannot be read, or is no archive.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut magic = [0; MAGIC.len()];
        file.read_exact(&mut magic)?;
        if magic != MAGIC {
            return Err(io::Error::other("it is no `ar` archive"));
        }
        let mut members = Vec::new();
        let mut header = [0; HEADER];
        loop {
            match file.read_exact(&mut header) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                read => read?,
            }
            let field = |range| String::from_utf8_lossy(&header[range]).trim().to_owned();
            let (name, size) = (field(0..16), field(48..58));
            let size: u64 = size.parse().map_err(|_| io::Error::other(format!("the size of `{name}` is `{size}`")))?;
            let offset = file.stream_position()?;
            members.push(Member { name: name.trim_end_matches('/').to_owned(), offset, size });
            file.seek(SeekFrom::Start(offset + size + size % 2))?;
        }
        Ok(Self { file, members })
    }

    /// Reads a member that is a tar archive, whatever it is compressed with: `read` gets the tar.
    ///
    /// # Errors
    /// When there is none, what unpacks it is missing or fails, or `read` does.
    pub(crate) fn tar<T>(&self, name: &str, read: impl FnOnce(&mut dyn Read) -> io::Result<T>) -> io::Result<T> {
        let member = self.members.iter().find(|member| member.name.starts_with(name));
        let member = member.ok_or_else(|| io::Error::other(format!("it has no `{name}`")))?;
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(member.offset))?;
        let bytes = BufReader::new(file.take(member.size));
        match member.name.strip_prefix(name).unwrap_or_default() {
            "" => read(&mut { bytes }),
            ".gz" => read(&mut GzDecoder::new(bytes)),
            ".zst" => through("zstd", bytes, read),
            ".xz" => through("xz", bytes, read),
            other => Err(io::Error::other(format!("its `{name}` is compressed in an unknown way, `{other}`"))),
        }
    }
}

/// Reads through a program that decompresses.
fn through<T>(
    program: &str,
    mut bytes: impl Read + Send,
    read: impl FnOnce(&mut dyn Read) -> io::Result<T>,
) -> io::Result<T> {
    let fail = |error: io::Error| io::Error::other(format!("cannot decompress it with `{program}`: {error}"));
    let mut child = Command::new(program)
        .args(["--decompress", "--stdout", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(fail)?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let result = thread::scope(|scope| {
        // It ends when all is written, or when nobody reads any more.
        scope.spawn(move || {
            input.map(|mut input: ChildStdin| io::copy(&mut bytes, &mut input).and_then(|_| input.flush()))
        });
        let mut output = output.ok_or(io::ErrorKind::BrokenPipe)?;
        let result = read(&mut output);
        if result.is_ok() {
            // what follows the end of the archive is read too, so that damage there is seen
            io::copy(&mut output, &mut io::sink())?;
        }
        result
    });
    let finished = child.wait_with_output().map_err(fail)?;
    if result.is_ok() && !finished.status.success() {
        let said = String::from_utf8_lossy(&finished.stderr);
        return Err(fail(io::Error::other(said.trim().to_owned())));
    }
    result
}
