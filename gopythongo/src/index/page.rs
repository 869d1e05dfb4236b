//! Project pages as indexes send them: JSON (PEP 691, 700, 714).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{CoreMetadata, UpstreamFile, url};

/// What is asked for, best first.
pub(super) const ACCEPT: &str =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

#[derive(Deserialize)]
struct Page {
    files: Vec<File>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    filename: String,
    url: String,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
    requires_python: Option<String>,
    core_metadata: Option<FlagOrHashes>,
    dist_info_metadata: Option<FlagOrHashes>,
    yanked: Option<FlagOrText>,
    size: Option<u64>,
    upload_time: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FlagOrHashes {
    Flag(bool),
    Hashes(BTreeMap<String, String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FlagOrText {
    Flag(bool),
    Text(String),
}

/// Parses a page that came from `base`. Files whose URLs are not HTTP are left out.
///
/// # Errors
/// When it is not a page.
pub(super) fn parse(base: &str, bytes: &[u8]) -> Result<Vec<UpstreamFile>, serde_json::Error> {
    let page: Page = serde_json::from_slice(bytes)?;
    Ok(page.files.into_iter().filter_map(|file| convert(base, file)).collect())
}

fn convert(base: &str, file: File) -> Option<UpstreamFile> {
    let metadata = match file.core_metadata.or(file.dist_info_metadata) {
        None | Some(FlagOrHashes::Flag(false)) => CoreMetadata::Absent,
        Some(FlagOrHashes::Flag(true)) => CoreMetadata::Present,
        Some(FlagOrHashes::Hashes(hashes)) => {
            hashes.get("sha256").and_then(|hash| hash.parse().ok()).map_or(CoreMetadata::Present, CoreMetadata::Hashed)
        }
    };
    let (yanked, yanked_reason) = match file.yanked {
        None | Some(FlagOrText::Flag(false)) => (false, None),
        Some(FlagOrText::Flag(true)) => (true, None),
        Some(FlagOrText::Text(text)) => (true, Some(text).filter(|text| !text.is_empty())),
    };
    Some(UpstreamFile {
        url: url::join(base, &file.url)?,
        file: file.filename,
        digest: file.hashes.get("sha256").and_then(|hash| hash.parse().ok()),
        requires_python: file.requires_python.filter(|specifier| !specifier.is_empty()),
        yanked,
        yanked_reason,
        metadata,
        size: file.size,
        uploaded: file.upload_time,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::Digest;

    #[test]
    fn a_page_is_read() {
        let digest = Digest::of("x");
        let text = serde_json::json!({
            "meta": {"api-version": "1.4"}, "name": "money", "versions": ["1.0"],
            "files": [
                {"filename": "money-1.0-py3-none-any.whl", "url": "../../files/money-1.0-py3-none-any.whl", "size": 7,
                 "hashes": {"sha256": digest.to_string(), "md5": "0"}, "requires-python": ">=3.9", "yanked": "broken",
                 "core-metadata": {"sha256": digest.to_string()}, "upload-time": "2026-01-01T00:00:00Z"},
                {"filename": "money-1.0.tar.gz", "url": "https://b.example/money-1.0.tar.gz", "hashes": {}, "yanked": false,
                 "dist-info-metadata": true},
                {"filename": "no", "url": "file:///etc/passwd", "hashes": {}},
            ]
        });
        let files = parse("https://a.example/simple/money/", text.to_string().as_bytes()).expect("a page");
        assert_eq!(files.len(), 2);
        assert_eq!(files[0].url, "https://a.example/files/money-1.0-py3-none-any.whl");
        assert_eq!((files[0].digest, files[0].size), (Some(digest), Some(7)));
        assert_eq!(files[0].metadata, CoreMetadata::Hashed(digest));
        assert_eq!((files[0].yanked, files[0].yanked_reason.as_deref()), (true, Some("broken")));
        assert_eq!((files[1].yanked, files[1].metadata), (false, CoreMetadata::Present));
    }
}
