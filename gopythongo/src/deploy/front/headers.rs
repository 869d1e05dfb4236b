//! What of a message's head is for the next hop only, and what the service has to know of the client.

use std::net::IpAddr;

use hyper::{
    HeaderMap,
    header::{self, HeaderName, HeaderValue},
};

/// Headers that concern one connection (RFC 9110, section 7.6.1, and the older ones that are still met). `Expect` is answered
/// here, when the service reads the body.
const HOP: [&str; 9] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// The protocol that a message asks to change to (RFC 9110, section 7.8).
pub(super) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asks = names(headers).any(|name| name.eq_ignore_ascii_case("upgrade"));
    headers.get(header::UPGRADE).filter(|_| asks).cloned()
}

/// Takes away what is for one connection only, and asks for the change of protocol again, if there is one.
pub(super) fn strip(headers: &mut HeaderMap) {
    let upgrade = upgrade(headers);
    let named: Vec<HeaderName> = names(headers).filter_map(|name| name.parse().ok()).collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP {
        headers.remove(name);
    }
    if let Some(protocol) = upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol);
    }
}

/// Tells the service who asks. The front listens on the loopback interface only: what a server before it (one that speaks TLS)
/// says of scheme and host is kept.
pub(super) fn introduce(headers: &mut HeaderMap, client: IpAddr) {
    const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
    const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
    const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
    let earlier: Vec<&str> = headers.get_all(&FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    let chain = earlier.into_iter().map(str::to_owned).chain([client.to_string()]).collect::<Vec<_>>().join(", ");
    if let Ok(chain) = HeaderValue::from_str(&chain) {
        headers.insert(FOR, chain);
    }
    if !headers.contains_key(&PROTO) {
        headers.insert(PROTO, HeaderValue::from_static("http"));
    }
    if let Some(host) = headers.get(header::HOST).cloned() {
        headers.entry(HOST).or_insert(host);
    }
}

fn names(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn what_is_for_one_hop_goes_no_further() {
        let mut given =
            headers(&[("connection", "close, X-Mine"), ("x-mine", "1"), ("te", "trailers"), ("accept", "*/*")]);
        strip(&mut given);
        assert_eq!(given, headers(&[("accept", "*/*")]));
    }

    #[test]
    fn a_change_of_protocol_goes_through() {
        let mut given = headers(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")]);
        strip(&mut given);
        assert_eq!(given, headers(&[("connection", "upgrade"), ("upgrade", "websocket")]));
        let mut given = headers(&[("upgrade", "websocket")]);
        strip(&mut given);
        assert!(given.is_empty(), "without `Connection: upgrade` it asks for nothing");
    }

    #[test]
    fn the_service_learns_who_asks() {
        let mut given = headers(&[("host", "shop.example"), ("x-forwarded-for", "10.0.0.7")]);
        introduce(&mut given, IpAddr::from([127, 0, 0, 1]));
        assert_eq!(given["x-forwarded-for"], "10.0.0.7, 127.0.0.1");
        assert_eq!(given["x-forwarded-proto"], "http");
        assert_eq!(given["x-forwarded-host"], "shop.example");
        let mut given = headers(&[("x-forwarded-proto", "https")]);
        introduce(&mut given, IpAddr::from([127, 0, 0, 1]));
        assert_eq!(given["x-forwarded-proto"], "https", "a server before this one knows better");
    }
}
