//! Seven libraries that half of the web's Python stands on, rebuilt from their source distributions and tested against
//! each other, with the tutorial application of flask, packed for Debian, at the end.
//!
//! Each keeps the version of its release, and is tested with the pins that its authors tested it with, which stand in its
//! own lock: with today's newest everything, some of them are red. Only flaskr has no lock: its pins are flask's.

use gopythongo::prelude::*;

/// What all seven have in common. So many lines may its tests cover less than they did, as they do not cover the same in every run.
fn pallet(name: &str, version: &str, tolerance: u64) -> Library {
    library(name)
        .sdist(format!("{name}=={version}"))
        // none of them is written for flake8: what would fail at run time is what counts
        .step(Flake8::new().select(["E9", "F63", "F7", "F821", "F822", "F823"]))
        .mypy()
        .pytest()
        .step(CoverageRatchet::new().tolerance(tolerance))
        .upload()
}

/// From markupsafe to flaskr.
pub fn pipeline() -> Pipeline {
    let flaskr = application("flaskr")
        .sdist("flask==3.1.3")
        .subdirectory("examples/tutorial")
        .constraints("constraints/flaskr.txt")
        .integration_tests("tests")
        .virtualenv("/opt/flaskr")
        .deb(
            Deb::new()
                .service(Service::gunicorn("flaskr:create_app()"))
                // flask keeps an application's own files below the environment, which is not the service's to write to
                .directory("/var/lib/flaskr")
                .link("/opt/flaskr/var/flaskr-instance", "/var/lib/flaskr"),
        )
        .publish();

    Pipeline::new("pallets")
        .default_kind(Develop)
        .job(pallet("markupsafe", "3.0.2", 0).downstream(["jinja2", "werkzeug"]))
        .job(pallet("itsdangerous", "2.2.0", 0).downstream(["flask"]))
        .job(pallet("blinker", "1.9.0", 0).downstream(["flask"]))
        .job(pallet("click", "8.3.1", 0).downstream(["flask"]))
        .job(pallet("jinja2", "3.1.6", 0).downstream(["flask"]))
        .job(pallet("werkzeug", "3.1.6", 5).downstream(["flask"]))
        .job(pallet("flask", "3.1.3", 0).downstream(["flaskr"]))
        .job(flaskr)
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}

#[cfg(test)]
mod tests {
    use gopythongo::testing::*;

    use super::pipeline;

    #[test]
    fn a_feature_build_publishes_nothing() {
        plan(pipeline()).each(Feature | PullRequest, |plan| plan.has_no_effects().runs("flaskr/integration-tests"));
    }

    #[test]
    fn flask_is_tested_against_everything_that_it_stands_on() {
        plan(pipeline())
            .needs("werkzeug/resolve", "markupsafe/upload")
            .needs("flask/resolve", "werkzeug/upload")
            .needs("flask/resolve", "click/upload")
            .needs("flaskr/resolve", "flask/upload");
    }

    #[test]
    fn the_tutorial_is_packed_when_its_tests_have_passed() {
        plan(pipeline()).needs("flaskr/publish", "flaskr/integration-tests").needs("flaskr/virtualenv", "flask/upload");
    }

    #[test]
    fn nothing_is_promoted_before_everything_has_passed() {
        plan(pipeline()).needs_everything("promote");
    }
}
