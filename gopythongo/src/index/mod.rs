//! Talking to package servers, and being one: the upstream index that pip or uv are configured to use here, and the
//! simple repository view (PEP 503, 691, 658, 700) of the store with its upload API, served over HTTP.

mod url;

mod ask;
mod credentials;
mod netrc;
mod settings;

mod apt_signature;
mod apt_versions;
mod client;
mod page;
mod page_cache;
mod page_html;
mod upstream;
mod upstream_error;

mod serve;
mod server;

pub use server::{IndexUrls, Server, ServerError, ServerOptions};
pub use upstream::{CoreMetadata, Upstream, UpstreamFile};
pub use upstream_error::UpstreamError;
