//! Which steps run in which kinds of builds, as a table for people.

use super::{Action, Plan, Selection, lower};
use crate::{
    context::{BuildKind, Context},
    pipeline::Pipeline,
    support::Written,
};

/// The steps of all kinds of builds, a line each, and a column for each kind; everything else being as in `context`. Ends in a
/// line break.
///
/// ```text
/// on which builds  feature  pull-request  develop  release  hotfix  master
/// money/pytest     •        •             •        •        •       •
/// money/upload     –        –             ⇡        ⇡        ⇡       ⇡
///
/// • runs, ⇡ is an effect, – is skipped
/// ```
#[must_use]
pub fn matrix(pipeline: &Pipeline, context: &Context, selection: &Selection) -> String {
    let plans = BuildKind::ALL.map(|kind| {
        let channel = pipeline.branches.channel(kind, context.branch.as_deref());
        lower(pipeline, &Context { kind, channel, ..context.clone() }, selection).plan
    });
    let names = steps(&plans);
    let first = "on which builds";
    let width = names.iter().map(|name| name.chars().count()).chain([first.len()]).max().unwrap_or_default() + 2;
    let line = |name: &str, cells: [&str; 6]| {
        let columns = BuildKind::ALL.iter().zip(cells).map(|(kind, cell)| format!("{cell:<0$}", kind.word().len() + 2));
        let line = format!("{name:<width$}{}", columns.collect::<String>());
        line.trim_end().to_owned()
    };
    let mut lines = vec![line(first, BuildKind::ALL.map(BuildKind::word))];
    for name in &names {
        let cells = [0, 1, 2, 3, 4, 5].map(|at| cell(&plans[at], name));
        lines.push(line(name, cells));
    }
    lines.extend([String::new(), "• runs, ⇡ is an effect, – is skipped".to_owned()]);
    lines.join("\n") + "\n"
}

fn cell(plan: &Plan, id: &str) -> &'static str {
    match plan.step(id).map(|step| (step.action, step.effect)) {
        None | Some((Action::Skip, _)) => "–",
        Some((Action::Run, None)) => "•",
        Some((Action::Run, Some(_))) => "⇡",
    }
}

/// The steps of all plans, each once and behind those that stand before it in a plan: a job's steps together, in the order of
/// the plan that has most of them, and those of the whole pipeline last.
fn steps(plans: &[Written<Plan>; 6]) -> Vec<String> {
    let mut names: Vec<&str> = Vec::new();
    let mut longest: Vec<&Plan> = plans.iter().map(|plan| &**plan).collect();
    longest.sort_by_key(|plan| std::cmp::Reverse(plan.steps.len()));
    let mut jobs: Vec<&str> = Vec::new();
    for plan in &longest {
        names.extend(plan.steps.iter().map(|step| step.id.as_str()));
        jobs.extend(plan.jobs());
    }
    let place = |name: &str| {
        let job = name.split_once('/').map(|(job, _)| job);
        job.map_or(usize::MAX, |job| jobs.iter().position(|known| *known == job).unwrap_or(usize::MAX))
    };
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    names.sort_by_key(|name| place(name));
    names.into_iter().map(ToOwned::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use crate::{
        pipeline::{JobBuilder as _, Pipeline, application, library},
        testing,
    };

    #[test]
    fn every_kind_has_a_column() {
        let money = library("money").flake8().pytest().upload().downstream(["shop"]);
        let shop = application("shop").integration_tests("tests");
        let table = testing::plan(Pipeline::new("p").job(money).job(shop)).matrix();
        let expected = "\
on which builds         feature  pull-request  develop  release  hotfix  master
money/flake8            •        •             •        •        •       •
money/sdist             •        •             •        •        •       •
money/wheel             •        •             •        •        •       •
money/resolve           •        •             •        •        •       •
money/pytest            •        •             •        •        •       •
money/upload            –        –             ⇡        ⇡        ⇡       ⇡
shop/sdist              •        •             •        •        •       •
shop/wheel              •        •             •        •        •       •
shop/resolve            •        •             •        •        •       •
shop/integration-tests  •        •             •        •        •       •
promote                 –        –             ⇡        ⇡        ⇡       ⇡

• runs, ⇡ is an effect, – is skipped
";
        assert_eq!(table, expected);
    }
}
