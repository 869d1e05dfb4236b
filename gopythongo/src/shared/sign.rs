//! Signatures of requests to S3: AWS Signature Version 4, in the `Authorization` header.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>

use ring::hmac;

use crate::{context::Secret, support::Digest};

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    pub(super) id: Secret,
    pub(super) secret: Secret,
    /// Of keys that are good for a while only.
    pub(super) session: Option<Secret>,
}

/// What of a request is signed besides its date.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    /// Host and port as the `Host` header has them.
    pub(super) host: &'a str,
    /// Percent-encoded.
    pub(super) path: &'a str,
    /// The digest of the body.
    pub(super) body: &'a Digest,
}

impl Keys {
    /// The headers that sign a request at a moment, as in `20130524T000000Z`.
    pub(super) fn headers(&self, request: &Request<'_>, region: &str, now: &str) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("host", request.host.to_owned()),
            ("x-amz-content-sha256", request.body.to_string()),
            ("x-amz-date", now.to_owned()),
        ];
        headers.extend(self.session.iter().map(|token| ("x-amz-security-token", token.expose().to_owned())));
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let Request { method, path, body, .. } = request;
        let canonical = Digest::of(format!("{method}\n{path}\n\n{lines}\n{names}\n{body}"));
        let scope = format!("{}/{region}/s3/aws4_request", &now[..now.len().min(8)]);
        let signature = self.signature(&scope, &format!("AWS4-HMAC-SHA256\n{now}\n{scope}\n{canonical}"));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope},SignedHeaders={names},Signature={signature}",
            self.id.expose()
        );
        // the client says the host itself
        headers.remove(0);
        headers.push(("authorization", authorization));
        headers
    }

    fn signature(&self, scope: &str, text: &str) -> Digest {
        let first = format!("AWS4{}", self.secret.expose()).into_bytes();
        let key = scope.split('/').fold(first, |key, part| mac(&key, part).bytes().to_vec());
        mac(&key, text)
    }
}

fn mac(key: &[u8], text: &str) -> Digest {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
    Digest::from_bytes(tag.as_ref().try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_of_the_documentation() {
        // "Example Calculations", without the header `range`, which we never send: the signing key is theirs
        let keys = Keys {
            id: Secret::new("AKIAIOSFODNN7EXAMPLE"),
            secret: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session: None,
        };
        let text = "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n\
                    7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972";
        let signature = keys.signature("20130524/us-east-1/s3/aws4_request", text).to_string();
        assert_eq!(signature, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    }

    #[test]
    fn a_session_is_signed_too() {
        let keys = Keys { id: Secret::new("k"), secret: Secret::new("s"), session: Some(Secret::new("token")) };
        let body = Digest::of("");
        let request = Request { method: "GET", host: "localhost:1", path: "/bucket/x", body: &body };
        let headers = keys.headers(&request, "us-east-1", "20130524T000000Z");
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["x-amz-content-sha256", "x-amz-date", "x-amz-security-token", "authorization"]);
        assert!(headers[3].1.contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,"));
    }
}
