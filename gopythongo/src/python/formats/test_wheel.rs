//! Small wheels and sdists, made in memory for tests.

use std::io::{Cursor, Write};

use flate2::{Compression, write::GzEncoder};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// A wheel with one module, `NAME/__init__.py`.
#[derive(Clone)]
pub(crate) struct TestWheel {
    stem: String,
    metadata: String,
    files: Vec<(String, Vec<u8>, u32)>,
    method: CompressionMethod,
}

impl TestWheel {
    pub(crate) fn new(name: &str, version: &str) -> Self {
        let module = crate::python::name::normalize(name).replace('-', "_");
        Self {
            stem: format!("{module}-{version}"),
            metadata: format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"),
            files: vec![(format!("{module}/__init__.py"), format!("name = {name:?}\n").into_bytes(), 0o644)],
            method: CompressionMethod::Deflated,
        }
    }

    pub(crate) fn file_name(&self) -> String {
        format!("{}-py3-none-any.whl", self.stem)
    }

    pub(crate) fn requires_python(mut self, specifier: &str) -> Self {
        self.metadata.push_str(&format!("Requires-Python: {specifier}\n"));
        self
    }

    pub(crate) fn metadata(mut self, metadata: &str) -> Self {
        metadata.clone_into(&mut self.metadata);
        self
    }

    pub(crate) fn stored(mut self) -> Self {
        self.method = CompressionMethod::Stored;
        self
    }

    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        self.file_with_mode(path, text, 0o644)
    }

    pub(crate) fn file_with_mode(mut self, path: &str, text: &str, mode: u32) -> Self {
        self.files.push((path.to_owned(), text.as_bytes().to_vec(), mode));
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let info = |file: &str| format!("{}.dist-info/{file}", self.stem);
        let mut files = self.files.clone();
        files.push((info("METADATA"), self.metadata.clone().into_bytes(), 0o644));
        files.push((info("WHEEL"), b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n".to_vec(), 0o644));
        let record: String = files.iter().map(|(path, ..)| format!("{path},,\n")).collect();
        files.push((info("RECORD"), format!("{record}{},,\n", info("RECORD")).into_bytes(), 0o644));
        for (path, bytes, mode) in files {
            let options = SimpleFileOptions::default().compression_method(self.method).unix_permissions(mode);
            zip.start_file(path, options).expect("a member");
            zip.write_all(&bytes).expect("written");
        }
        zip.finish().expect("a zip archive").into_inner()
    }
}

/// An sdist with a `PKG-INFO`.
pub(crate) struct TestSdist {
    tar: tar::Builder<Vec<u8>>,
}

impl TestSdist {
    pub(crate) fn new(name: &str, version: &str) -> Self {
        let info = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        Self { tar: tar::Builder::new(Vec::new()) }.file(&format!("{name}-{version}/PKG-INFO"), &info)
    }

    pub(crate) fn file(mut self, path: &str, text: &str) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        self.tar.append_data(&mut header, path, text.as_bytes()).expect("a member");
        self
    }

    pub(crate) fn link(mut self, path: &str, target: &str) -> Self {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        self.tar.append_link(&mut header, path, target).expect("a link");
        self
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(&self.tar.into_inner().expect("a tar archive")).expect("written");
        gzip.finish().expect("a gzip stream")
    }
}
