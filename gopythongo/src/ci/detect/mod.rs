//! Which build server runs this process, and what it says of the build; one file a server.
//!
//! Servers are asked in this order; the first whose sign is set answers. Signs are the variables that a server's
//! documentation gives for that purpose. Jenkins comes late: its variables may have been inherited by an agent of another
//! server that runs beside it.

mod azure;
mod bitbucket;
mod buildbot;
mod buildkite;
mod circle_ci;
mod drone;
mod github;
mod gitlab;
mod jenkins;
mod teamcity;
mod travis;
mod woodpecker;

#[cfg(test)]
mod tests;

use super::{ServerBuild, Variables};

/// What is known of one server: `None` if its sign is not set.
type Detector = fn(&Variables) -> Option<ServerBuild>;

const DETECTORS: [Detector; 12] = [
    github::detect,
    gitlab::detect,
    travis::detect,
    circle_ci::detect,
    bitbucket::detect,
    azure::detect,
    drone::detect,
    woodpecker::detect,
    teamcity::detect,
    buildkite::detect,
    buildbot::detect,
    jenkins::detect,
];

/// The build that a build server runs this process for; `None` on a laptop.
#[must_use]
pub fn detect(variables: &Variables) -> Option<ServerBuild> {
    DETECTORS.iter().find_map(|detector| detector(variables))
}
