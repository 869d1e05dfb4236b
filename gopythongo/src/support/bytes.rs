//! Amounts of bytes, as people write and read them.

/// `0 B`, `12.3 kB`, `1.2 GB`: powers of 1000.
#[must_use]
pub fn bytes(amount: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    let mut tenths = amount / 100;
    if amount < 1000 {
        return format!("{amount} B");
    }
    for unit in UNITS {
        if tenths < 10_000 {
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
        tenths /= 1000;
    }
    format!("{}.{} EB", tenths / 10, tenths % 10)
}

/// Reads `20GB`, `1.5 GiB`, `500 MB`, `1000`. Without a unit, bytes are meant.
///
/// # Errors
/// When it is no amount; the message says what is expected.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let error = || format!("`{text}` is no amount of bytes: `20GB`, `1.5GiB` or `500MB` is expected");
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" | "k" => 1_000,
        "mb" | "m" => 1_000_000,
        "gb" | "g" => 1_000_000_000,
        "tb" | "t" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(error()),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |digits: &str| if digits.is_empty() { Ok(0) } else { digits.parse::<u64>().map_err(|_| error()) };
    if number.is_empty() || number == "." || fraction.len() > 6 {
        return Err(error());
    }
    let scale = 10u64.pow(u32::try_from(fraction.len()).unwrap_or_default());
    let part = u128::from(digits(fraction)?) * u128::from(factor) / u128::from(scale);
    let amount = u128::from(digits(whole)?) * u128::from(factor) + part;
    u64::try_from(amount).map_err(|_| error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_shown() {
        let table = [
            ("0", 0, "0 B"),
            ("999b", 999, "999 B"),
            ("1kB", 1_000, "1.0 kB"),
            ("1.5 GiB", 1_610_612_736, "1.6 GB"),
            ("20GB", 20_000_000_000, "20.0 GB"),
            (".5m", 500_000, "500.0 kB"),
            ("1234567", 1_234_567, "1.2 MB"),
        ];
        for (text, amount, shown) in table {
            assert_eq!(parse_bytes(text), Ok(amount), "{text}");
            assert_eq!(bytes(amount), shown);
        }
    }

    #[test]
    fn what_is_no_amount_is_said() {
        for text in ["", "GB", ".", "1.2.3GB", "20 gigs", "-1", "99999999999TB"] {
            let error = parse_bytes(text).expect_err(text);
            assert!(error.ends_with("`20GB`, `1.5GiB` or `500MB` is expected"), "{error}");
        }
    }
}
