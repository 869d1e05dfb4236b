//! A program's own end at a journal write, as its caller wants it.

use gopythongo::testing::Fault;

/// Kills this process at a journal write if `KILLED` says one: `torn` or `written`, and the number of the record.
///
/// # Errors
/// When `KILLED` says something else.
pub fn arm() -> Result<(), String> {
    // the supervisor that it starts is not told
    let Ok(moment) = std::env::var("KILLED") else { return Ok(()) };
    let fault = moment.split_once(' ').and_then(|(how, record)| {
        let record = record.parse().ok()?;
        match how {
            "torn" => Some(Fault::Torn(record)),
            "written" => Some(Fault::Written(record)),
            _ => None,
        }
    });
    fault.ok_or_else(|| format!("KILLED is `{moment}`, not `torn 1` or `written 1`"))?.arm();
    Ok(())
}
